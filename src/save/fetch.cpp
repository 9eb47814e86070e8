// A list, a queue of pieces, and as many coroutines as may ask at once.
#include "save/fetch.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

#include <boost/asio/co_spawn.hpp>

#include "base/text.hpp"
#include "os/fd.hpp"
#include "os/files.hpp"
#include "save/fetched_files.hpp"
#include "save/gate.hpp"
#include "save/summary.hpp"
#include "save/verify.hpp"
#include "save/workers.hpp"

namespace curfew::save {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

constexpr const char* k_partial = ".partial";
// Each hashes half a gigabyte a second, and the network of a machine with GPUs brings more than two of them can.
constexpr std::size_t k_threads = 4;
constexpr std::chrono::seconds k_note_every{30};
constexpr std::size_t k_most_pages = 10'000;

// One object on its way to a file.
struct Item {
  aws::S3Location from;
  std::string path;  // absolute
  std::uint64_t size = 0;
  std::string etag;
  // Once it's begun:
  os::Fd fd;
  std::size_t pieces_left = 0;
  std::vector<std::string> sums;          // the pieces' MD5s, where the ETag speaks of as many parts
  std::optional<aws::ObjectFacts> facts;  // where one piece was all of it

  [[nodiscard]] std::string partial() const { return path + k_partial; }
};

struct PieceOf {
  std::shared_ptr<Item> item;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::size_t number = 0;
};

Status write_at(int fd, std::string_view bytes, std::uint64_t offset, const std::string& path) {
  while (!bytes.empty()) {
    const auto wrote = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return fail_errno("write " + path, wrote == 0 ? EIO : errno);
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
    offset += static_cast<std::uint64_t>(wrote);
  }
  return {};
}

Status make_folder(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return fail_errno("make the folder " + path, error.value());
  return {};
}

class Fetch : public std::enable_shared_from_this<Fetch> {
 public:
  Fetch(const asio::any_io_executor& executor, aws::S3& s3, aws::S3Get& get, FetchOptions options,
        std::function<void(const std::string&)> note)
      : executor_(executor),
        s3_(s3),
        get_(get),
        options_(std::move(options)),
        note_(std::move(note)),
        workers_(executor, k_threads),
        ended_(executor) {}

  Awaitable<Result<Fetched>> run(aws::S3Location from, std::string to) {
    // Whoever asks may be cancelled, and what was spawned still be at it.
    const auto self = shared_from_this();
    auto found = co_await find(from, std::move(to));
    if (!found) co_return fail(std::move(found.error()));
    if (auto known = FetchedFiles::load(options_.manifest)) known_ = std::move(*known);
    leave_out_what_is_there();
    if (auto fits = check_space(); !fits) co_return fail(std::move(fits.error()));
    noted_ = std::chrono::steady_clock::now();
    running_ = std::max<std::size_t>(1, options_.at_once);
    for (std::size_t i = running_; i > 0; --i) {
      asio::co_spawn(executor_, lane(self), [self](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
        --self->running_;
        self->ended_.open();
      });
    }
    while (running_ > 0) co_await ended_.wait();
    if (failure_) co_return fail(std::move(*failure_));
    co_return done_;
  }

 private:
  Awaitable<Status> find(aws::S3Location from, std::string to) {
    const bool is_folder = from.key.empty() || from.key.ends_with('/');
    if (!is_folder) {
      auto asked = s3_.head(from);
      const auto head = co_await std::move(asked);
      if (head) {
        std::string path = to;
        if (to.ends_with('/')) {
          const auto name = from.key.substr(from.key.find_last_of('/') + 1);
          if (!is_path_below(name)) co_return no_path(from.key);
          path += name;
        }
        root_ = os::folder_of(path);
        add(from, std::move(path), head->size, head->etag);
        co_return Status{};
      }
      if (head.error().kind != ErrorKind::not_found) {
        Error error = head.error();
        // S3 says so of what isn't there, too, to those who may not list it.
        if (error.kind == ErrorKind::refused && error.hint.empty())
          error.hint = "it isn't there, or the role lacks s3:GetObject on it and s3:ListBucket on its bucket";
        co_return fail(std::move(error));
      }
    }
    while (to.size() > 1 && to.ends_with('/')) to.pop_back();
    root_ = to;
    co_return co_await find_below(std::move(from));
  }

  Awaitable<Status> find_below(aws::S3Location from) {
    if (!from.key.empty() && !from.key.ends_with('/')) from.key += '/';
    std::string next;
    for (std::size_t pages = 0; pages < k_most_pages; ++pages) {
      auto listing = s3_.list(from, next);
      auto page = co_await std::move(listing);
      if (!page) co_return fail(std::move(page.error()));
      for (const auto& object : page->objects) {
        // "Folders" as the console makes them.
        if (object.key.ends_with('/') && object.size == 0) continue;
        const auto relative =
            std::string_view(object.key).substr(std::min(from.key.size(), object.key.size()));
        if (!options_.leave_out.empty() && relative.starts_with(options_.leave_out)) continue;
        if (!object.key.starts_with(from.key) || !is_path_below(relative)) co_return no_path(object.key);
        if (items_.size() >= options_.most_files)
          co_return fail(ErrorKind::invalid_input, "fetch " + from.text(),
                         "there are more than " + std::to_string(options_.most_files) + " objects",
                         "pack them into fewer");
        add({from.bucket, object.key}, root_ + "/" + std::string(relative), object.size, object.etag);
      }
      if (page->next.empty()) break;
      next = std::move(page->next);
    }
    if (!items_.empty()) co_return Status{};
    co_return fail(ErrorKind::not_found, "fetch " + from.text(),
                   "there is no such object, and none below it");
  }

  static tl::unexpected<Error> no_path(std::string_view key) {
    return fail(ErrorKind::invalid_input, "fetch " + printable(key),
                "its key can't be a path: a step of it is empty, . or ..");
  }

  void add(aws::S3Location from, std::string path, std::uint64_t size, std::string etag) {
    auto item = std::make_shared<Item>();
    item->from = std::move(from);
    item->path = std::move(path);
    item->size = size;
    item->etag = std::move(etag);
    items_.push_back(std::move(item));
  }

  void leave_out_what_is_there() {
    std::erase_if(items_, [this](const std::shared_ptr<Item>& item) {
      const bool is_there = known_.has({item->from, item->path, item->etag, item->size, 0});
      if (is_there) ++done_.there;
      return is_there;
    });
  }

  Status check_space() {
    std::uint64_t needed = 0;
    for (const auto& item : items_) needed += item->size;
    if (auto made = make_folder(root_); !made) return made;
    struct statvfs disk {};
    if (::statvfs(root_.c_str(), &disk) != 0) return fail_errno("look at the disk of " + root_, errno);
    const auto free = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
    if (free >= options_.keep_free && needed <= free - options_.keep_free) return {};
    return fail(ErrorKind::no_space, "fetch to " + root_,
                format_bytes(needed) + " are to be fetched, and the disk has " + format_bytes(free) + " left",
                "--disk GB");
  }

  // A piece of a file that's begun, else the first of the next; nothing: all are taken.
  Result<std::optional<PieceOf>> next() {
    while (pieces_.empty()) {
      if (items_.empty()) return std::optional<PieceOf>{};
      auto item = std::move(items_.front());
      items_.pop_front();
      if (auto begun = begin(item); !begun) return fail(std::move(begun.error()));
    }
    auto piece = std::move(pieces_.front());
    pieces_.pop_front();
    return std::optional(std::move(piece));
  }

  Status begin(const std::shared_ptr<Item>& item) {
    if (auto made = make_folder(os::folder_of(item->path)); !made) return made;
    const auto path = item->partial();
    item->fd.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!item->fd) return fail_errno("write " + path, errno);
    const auto piece = std::min(options_.piece, aws::k_largest_piece);
    for (std::uint64_t offset = 0; offset < item->size; offset += piece)
      pieces_.push_back({item, offset, std::min(piece, item->size - offset), pieces_.size()});
    item->pieces_left = pieces_.size();
    if (pieces_.size() > 1 && parts_in_etag(item->etag) == pieces_.size()) item->sums.resize(pieces_.size());
    if (item->size > 0) return {};
    item->pieces_left = 1;
    pieces_.push_back({item, 0, 0, 0});
    return {};
  }

  Awaitable<void> lane(std::shared_ptr<Fetch> self) {
    while (!failure_) {
      auto piece = next();
      if (!piece) {
        failure_ = std::move(piece.error());
        break;
      }
      if (!*piece) break;
      auto one = std::move(**piece);
      auto bringing = bring(std::move(one));
      auto done = co_await std::move(bringing);
      if (!done && !failure_) failure_ = std::move(done.error());
      tell();
    }
    (void)self;
  }

  Awaitable<Status> bring(PieceOf piece) {
    const auto item = piece.item;
    if (piece.length > 0) {
      auto asked = get_.get(item->from, piece.offset, piece.length, item->size, item->etag);
      auto got = co_await std::move(asked);
      if (!got) co_return fail(std::move(got.error()));
      if (failure_) co_return Status{};
      const auto bytes = std::make_shared<std::string>(std::move(got->bytes));
      const auto written = std::make_shared<Status>();
      std::function<void()> job = [item, bytes, written, offset = piece.offset, number = piece.number] {
        if (!item->sums.empty()) item->sums[number] = md5_of_part(*bytes);
        *written = write_at(item->fd.get(), *bytes, offset, item->partial());
      };
      auto writing = workers_.run(std::move(job));
      const bool ran = co_await std::move(writing);
      if (!ran) co_return Status{};
      if (!*written) co_return fail(std::move(written->error()));
      done_.bytes += piece.length;
      if (piece.length == item->size) item->facts = std::move(got->facts);
    }
    if (--item->pieces_left > 0) co_return Status{};
    co_return co_await finish(item);
  }

  Awaitable<Status> finish(std::shared_ptr<Item> item) {
    std::optional<Check> check;
    // Most are sent in parts as large as our pieces: then all of it was checked while it came. Where the sum is another, so
    // may be the parts.
    const bool is_checked = !item->sums.empty() && etag_of_parts(item->sums) == item->etag;
    if (item->size > 0 && !is_checked) {
      auto found = co_await find_check(item);
      if (!found) co_return fail(std::move(found.error()));
      check = std::move(*found);
      if (!check) ++done_.unverified;
    }
    const auto ended = std::make_shared<Status>();
    const auto about = std::make_shared<struct stat>();
    std::function<void()> job = [item, check, ended, about] {
      if (check) *ended = verify(item->fd.get(), item->size, *check);
      if (*ended && ::fstat(item->fd.get(), about.get()) != 0)
        *ended = fail_errno("look at " + item->partial(), errno);
      if (*ended && ::rename(item->partial().c_str(), item->path.c_str()) != 0)
        *ended = fail_errno("rename " + item->partial(), errno);
      if (!*ended) ::unlink(item->partial().c_str());
      item->fd.reset();
    };
    auto working = workers_.run(std::move(job));
    const bool ran = co_await std::move(working);
    if (!ran) co_return Status{};
    if (!*ended) co_return fail(std::move(ended->error()).within("fetch " + item->from.text()));
    ++done_.files;
    const auto modified = std::int64_t{about->st_mtim.tv_sec} * 1'000'000'000 + about->st_mtim.tv_nsec;
    FetchedFiles::note(options_.manifest, {item->from, item->path, item->etag, item->size, modified});
    co_return Status{};
  }

  Awaitable<Result<std::optional<Check>>> find_check(std::shared_ptr<Item> item) {
    if (!item->facts) {
      auto asked = get_.facts(item->from, 0);
      auto facts = co_await std::move(asked);
      if (!facts) co_return fail(std::move(facts.error()));
      if (facts->etag != item->etag)
        co_return fail(ErrorKind::conflict, "fetch " + item->from.text(),
                       "it was changed while it was being read");
      item->facts = std::move(*facts);
    }
    auto check = check_for(*item->facts);
    const auto parts = check ? parts_in_etag(check->sum.value) : 0;
    if (parts == 0) co_return check;
    check->part = item->size;
    if (parts == 1) co_return check;
    auto asked = get_.facts(item->from, 1);
    const auto first = co_await std::move(asked);
    // All parts but the last have one size, as every uploader does it; where that can't be, the ETag tells nothing.
    const bool is_plausible = first && first->size > 0 && first->size < item->size &&
                              (item->size + first->size - 1) / first->size == parts;
    if (!is_plausible) co_return std::optional<Check>{};
    check->part = first->size;
    co_return check;
  }

  void tell() {
    const auto now = std::chrono::steady_clock::now();
    if (now - noted_ < k_note_every) return;
    noted_ = now;
    note_(format_bytes(done_.bytes) + " so far, " + count_of_files(items_.size()) + " not begun yet");
  }

  asio::any_io_executor executor_;
  aws::S3& s3_;
  aws::S3Get& get_;
  FetchOptions options_;
  std::function<void(const std::string&)> note_;
  Workers workers_;
  Gate ended_;
  std::string root_;
  FetchedFiles known_;
  std::deque<std::shared_ptr<Item>> items_;
  std::deque<PieceOf> pieces_;
  std::size_t running_ = 0;
  std::optional<Error> failure_;
  Fetched done_;
  std::chrono::steady_clock::time_point noted_;
};

}  // namespace

bool is_path_below(std::string_view relative) {
  if (relative.empty() || relative.find('\0') != std::string_view::npos) return false;
  const auto steps = split(relative, '/');
  return std::none_of(steps.begin(), steps.end(),
                      [](std::string_view step) { return step.empty() || step == "." || step == ".."; });
}

Awaitable<Result<Fetched>> fetch(asio::any_io_executor executor, aws::S3& s3, aws::S3Get& get,
                                 aws::S3Location from, std::string to, FetchOptions options,
                                 std::function<void(const std::string&)> note) {
  const auto fetch = std::make_shared<Fetch>(executor, s3, get, std::move(options), std::move(note));
  auto running = fetch->run(std::move(from), std::move(to));
  co_return co_await std::move(running);
}

}  // namespace curfew::save
