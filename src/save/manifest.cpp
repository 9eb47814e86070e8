// JSON lines in, fingerprints kept.
#include "save/manifest.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <openssl/evp.h>

#include "net/encoding.hpp"
#include "os/files.hpp"

namespace curfew::save {
namespace {

namespace json = boost::json;

constexpr std::size_t k_longest_line = 32U << 10U;  // a key and a path, escaped
constexpr std::size_t k_most_known = 2 * Tree::k_most_files;
constexpr std::size_t k_most_leftovers = 10'000;

// Paths are bytes; JSON is UTF-8.
std::string escaped(std::string_view path) { return net::percent_encode(path, "/ +=,@:"); }

std::array<std::uint64_t, 2> hash(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  ::EVP_Digest(text.data(), text.size(), digest.data(), &size, ::EVP_sha256(), nullptr);
  std::array<std::uint64_t, 2> out{};
  std::memcpy(out.data(), digest.data(), sizeof(out));
  return out;
}

std::string place_text(const std::string& bucket, const std::string& key) { return bucket + '\n' + key; }

std::array<std::uint64_t, 2> print_of(const std::string& place, const std::string& escaped_path,
                                      const FileState& state) {
  std::string text = place + '\0' + escaped_path + '\0';
  for (const auto number : {state.size, static_cast<std::uint64_t>(state.modified),
                            static_cast<std::uint64_t>(state.changed), state.inode})
    text += std::to_string(number) + ' ';
  return hash(text);
}

json::object begin(const char* what, const aws::S3Location& to) {
  json::object line;
  line["what"] = what;
  line["bucket"] = to.bucket;
  line["key"] = to.key;
  return line;
}

std::string done(const json::object& line) { return json::serialize(line) + "\n"; }

// Calls `each(number, line)` for every line, numbers from 0; those that are too long come empty.
template <class Each>
Status for_each_line(const std::string& path, Each each) {
  const os::Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY)};
  if (!fd && errno == ENOENT) return {};
  if (!fd) return fail_errno("read " + path, errno);
  std::vector<char> chunk(64U << 10U);
  std::string line;
  bool too_long = false;
  std::uint32_t number = 0;
  for (;;) {
    const auto got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read " + path, errno);
    if (got == 0) break;
    std::string_view rest(chunk.data(), static_cast<std::size_t>(got));
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      const auto piece = rest.substr(0, end);
      if (line.size() + piece.size() > k_longest_line) too_long = true;
      if (!too_long) line += piece;
      if (end == std::string_view::npos) break;
      each(number++, too_long ? std::string_view{} : std::string_view(line));
      line.clear();
      too_long = false;
      rest.remove_prefix(end + 1);
    }
  }
  return {};  // a last line without its newline was torn: it doesn't count
}

// Lines from which on a file with so many that count is rewritten.
std::uint64_t worth_compacting(std::uint64_t count) { return 2 * count + 64; }

std::string text_at(const json::object& line, const char* name) {
  const auto* value = line.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string{};
}

template <class T>
bool number_at(const json::object& line, const char* name, T& out) {
  const auto* value = line.if_contains(name);
  if (value == nullptr || !value->is_number()) return false;
  json::error_code bad;
  out = value->to_number<T>(bad);
  return !bad;
}

}  // namespace

std::string line_stored(const Stored& stored) {
  auto line = begin("stored", stored.to);
  line["path"] = escaped(stored.path);
  line["size"] = stored.state.size;
  line["mtime"] = stored.state.modified;
  line["ctime"] = stored.state.changed;
  line["inode"] = stored.state.inode;
  line["etag"] = stored.etag;
  return done(line);
}

std::string line_doubtful(const aws::S3Location& to) { return done(begin("doubtful", to)); }

std::string line_starting(const aws::S3Location& to) { return done(begin("starting", to)); }

std::string line_upload(const aws::S3Location& to, const std::string& id) {
  auto line = begin("upload", to);
  line["id"] = id;
  return done(line);
}

std::string line_closed(const aws::S3Location& to, const std::string& id) {
  auto line = begin("closed", to);
  line["id"] = id;
  return done(line);
}

std::uint32_t etag_mark(std::string_view etag) { return static_cast<std::uint32_t>(hash(etag)[0]) | 1U; }

Result<Manifest> Manifest::load(const std::string& path) {
  Manifest manifest;
  if (path.empty()) return manifest;
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0)
    manifest.known_.reserve(std::min(k_most_known, static_cast<std::size_t>(info.st_size) / 250));
  bool too_many = false;
  auto read = for_each_line(path, [&](std::uint32_t number, std::string_view text) {
    manifest.lines_ = number + 1;
    json::error_code bad;
    const auto parsed = json::parse(text, bad);
    if (bad || !parsed.is_object()) return;
    const auto& line = parsed.get_object();
    const auto what = text_at(line, "what");
    const aws::S3Location to{text_at(line, "bucket"), text_at(line, "key")};
    if (to.bucket.empty()) return;
    if (what == "stored" || what == "doubtful") {
      FileState state;
      const bool known = what == "stored";
      if (known && (!number_at(line, "size", state.size) || !number_at(line, "mtime", state.modified) ||
                    !number_at(line, "ctime", state.changed) || !number_at(line, "inode", state.inode)))
        return;
      if (manifest.known_.size() >= k_most_known) {
        too_many = true;  // an older line without the newer one would be worse than none
        return;
      }
      const auto place = place_text(to.bucket, to.key);
      manifest.known_.push_back({hash(place)[0], print_of(place, text_at(line, "path"), state),
                                 known ? etag_mark(text_at(line, "etag")) : 0, number});
      return;
    }
    const auto id = text_at(line, "id");
    auto& open = manifest.leftovers_;
    auto& lines = manifest.leftover_lines_;
    const auto forget = [&](const std::string& which) {
      for (std::size_t i = open.size(); i-- > 0;) {
        if (open[i].id != which || open[i].to.key != to.key || open[i].to.bucket != to.bucket) continue;
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
        lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(i));
        return;
      }
    };
    if (what == "upload") forget({});
    if (what == "closed") return forget(id);
    if ((what != "upload" && what != "starting") || open.size() >= k_most_leftovers) return;
    open.push_back({to, id});
    lines.push_back(number);
  });
  if (!read) return fail(std::move(read.error()));
  auto& known = manifest.known_;
  if (too_many) known.clear();
  std::sort(known.begin(), known.end(), [](const Known& a, const Known& b) {
    return a.place != b.place ? a.place < b.place : a.line > b.line;
  });
  known.erase(std::unique(known.begin(), known.end(),
                          [](const Known& a, const Known& b) { return a.place == b.place; }),
              known.end());
  return manifest;
}

std::optional<std::uint32_t> Manifest::find(const Stored& stored) const {
  if (known_.empty()) return std::nullopt;
  const auto text = place_text(stored.to.bucket, stored.to.key);
  const auto place = hash(text)[0];
  const auto at =
      std::lower_bound(known_.begin(), known_.end(), place,
                       [](const Known& known, std::uint64_t wanted) { return known.place < wanted; });
  if (at == known_.end() || at->place != place) return std::nullopt;
  if (at->etag == 0) return 0;
  if (at->print != print_of(text, escaped(stored.path), stored.state)) return std::nullopt;
  return at->etag;
}

void Journal::add(std::string_view lines) {
  if (path_.empty()) return;
  const std::lock_guard lock(added_mutex_);
  added_ += lines;
}

void Journal::write() {
  const std::lock_guard lock(mutex_);
  std::string lines;
  {
    const std::lock_guard lock_added(added_mutex_);
    lines.swap(added_);
  }
  if (lines.empty()) return;
  if (lines_) *lines_ += static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n')) + 1;
  const auto tried = [&](Status written) {
    if (!written && !failure_) failure_ = std::move(written.error());
  };
  if (!opened_) {
    opened_ = true;
    auto fd = os::open_append(path_, 0600);
    if (!fd) return tried(fail(std::move(fd.error())));
    fd_ = std::move(*fd);
    struct stat info {};
    // A guard that died in the middle of a line left no newline.
    if (::fstat(fd_.get(), &info) == 0 && info.st_size > 0) tried(os::write_all(fd_.get(), "\n", path_));
  }
  if (fd_) tried(os::write_all(fd_.get(), lines, path_));
}

void Journal::loaded(const Manifest& manifest) {
  const std::lock_guard lock(mutex_);
  lines_ = manifest.lines_;
  known_ = manifest.known_.size();
}

void Journal::compact() {
  if (path_.empty()) return;
  const std::lock_guard lock(mutex_);
  if (lines_ && *lines_ < worth_compacting(known_)) return;
  auto manifest = Manifest::load(path_);
  if (!manifest) return;  // said by whoever loads it for use
  std::vector<std::uint32_t> keep = manifest->leftover_lines_;
  for (const auto& known : manifest->known_) keep.push_back(known.line);
  if (manifest->lines_ < worth_compacting(keep.size())) return;
  std::sort(keep.begin(), keep.end());
  std::string temporary = path_ + ".XXXXXX";
  const os::Fd fd{::mkostemp(temporary.data(), O_CLOEXEC)};
  Status written = fd ? Status{} : Status{fail_errno("write " + path_, errno)};
  std::string text;
  auto next = keep.begin();
  if (written) {
    auto read = for_each_line(path_, [&](std::uint32_t number, std::string_view line) {
      if (next == keep.end() || *next != number || !written) return;
      ++next;
      text.append(line).push_back('\n');
      if (text.size() < (64U << 10U)) return;
      written = os::write_all(fd.get(), text, path_);
      text.clear();
    });
    if (!read) written = std::move(read);
    if (written) written = os::write_all(fd.get(), text, path_);
    // Without this a power loss could leave an empty file under the old name.
    if (written && (::fsync(fd.get()) != 0 || ::rename(temporary.c_str(), path_.c_str()) != 0))
      written = fail_errno("replace " + path_, errno);
    if (!written) ::unlink(temporary.c_str());
  }
  if (!written && !failure_) failure_ = std::move(written.error());
  fd_.reset();
  opened_ = false;
  lines_.reset();
}

std::optional<Error> Journal::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace curfew::save
