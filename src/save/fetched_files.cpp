// Reads and appends.
#include "save/fetched_files.hpp"

#include <sys/stat.h>

#include <boost/json/serialize.hpp>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/json.hpp"

namespace curfew::save {
namespace {

constexpr std::size_t k_longest = 256U << 20U;  // a million lines
constexpr std::size_t k_most_files = 1'000'000;

}  // namespace

Result<FetchedFiles> FetchedFiles::load(const std::string& path) {
  if (path.empty() || !os::exists(path)) return FetchedFiles{};
  const auto text = os::read_file(path, k_longest);
  if (!text) return fail(Error{text.error()});
  return parse(*text);
}

FetchedFiles FetchedFiles::parse(std::string_view text) {
  FetchedFiles all;
  for (const auto line : split(text, '\n')) {
    if (line.empty()) continue;
    os::JsonReader read(line, "a line");
    FetchedFile file;
    file.from = {read.text("bucket"), read.text("key")};
    file.path = read.text("path");
    file.etag = read.text("etag");
    file.size = read.whole<std::uint64_t>("size");
    file.modified = read.number("modified");
    if (read.status() && all.files_.size() < k_most_files)
      all.files_.insert_or_assign(file.path, std::move(file));
  }
  return all;
}

std::string FetchedFiles::line_of(const FetchedFile& file) {
  return boost::json::serialize(boost::json::object{{"bucket", file.from.bucket},
                                                    {"key", file.from.key},
                                                    {"path", file.path},
                                                    {"etag", file.etag},
                                                    {"size", file.size},
                                                    {"modified", file.modified}}) +
         "\n";
}

void FetchedFiles::note(const std::string& path, const FetchedFile& file) {
  if (path.empty()) return;
  const auto fd = os::open_append(path, 0600);
  if (fd) (void)os::write_all(fd->get(), line_of(file), path);
}

bool FetchedFiles::has(const FetchedFile& wanted) const {
  const auto found = files_.find(wanted.path);
  if (found == files_.end()) return false;
  const auto& known = found->second;
  if (known.from.bucket != wanted.from.bucket || known.from.key != wanted.from.key ||
      known.etag != wanted.etag || known.size != wanted.size || wanted.etag.empty())
    return false;
  return is_as_fetched(wanted.path);
}

bool FetchedFiles::is_as_fetched(const std::string& path) const {
  const auto found = files_.find(path);
  struct stat about {};
  if (found == files_.end() || ::lstat(path.c_str(), &about) != 0 || !S_ISREG(about.st_mode)) return false;
  return static_cast<std::uint64_t>(about.st_size) == found->second.size &&
         std::int64_t{about.st_mtim.tv_sec} * 1'000'000'000 + about.st_mtim.tv_nsec == found->second.modified;
}

}  // namespace curfew::save
