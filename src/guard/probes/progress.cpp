// Looks for changes in files.
#include "guard/probes/progress.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/text.hpp"
#include "os/fd.hpp"

namespace curfew::guard {
namespace {

constexpr std::size_t k_most_waiting =
    200'000;  // folders not yet read; with more the tree is too wide to be known
constexpr std::size_t k_clock_every = 256;  // entries between two looks at the clock
constexpr Millis k_more{3'000};             // a look's own bound, and what a slow disk may add to it
constexpr Millis k_stat_limit{3'000};

std::int64_t nanoseconds(const timespec& time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; }

WallTime wall_of(const timespec& time) {
  return WallTime{Millis{time.tv_sec * 1'000 + time.tv_nsec / 1'000'000}};
}

// splitmix64 (Steele, Lea, Flood 2014), to spread bits; sums of it don't depend on the order of names.
std::uint64_t mixed(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

std::uint64_t fingerprint_of(const struct stat& info) {
  std::uint64_t sum = 0;
  for (const auto part :
       {static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino),
        static_cast<std::uint64_t>(info.st_size), static_cast<std::uint64_t>(nanoseconds(info.st_mtim)),
        static_cast<std::uint64_t>(nanoseconds(info.st_ctim))})
    sum = mixed(sum ^ part);
  return sum;
}

void add(Walked& walked, const struct stat& info) {
  ++walked.entries;
  walked.fingerprint += fingerprint_of(info);
  const auto time = std::max(wall_of(info.st_mtim), wall_of(info.st_ctim));
  walked.newest = std::max(walked.newest.value_or(time), time);
}

}  // namespace

PathProgress with_walk(PathProgress progress, const Walked& walked, BootTime at) {
  bool changed = !progress.changed_at;
  if (walked.newest && (!progress.newest || *walked.newest > *progress.newest)) {
    changed = true;
    progress.newest = walked.newest;
  }
  if (walked.complete) {
    changed = changed || (progress.fingerprint && *progress.fingerprint != walked.fingerprint);
    progress.fingerprint = walked.fingerprint;
    progress.newest = walked.newest;
    progress.known_until = walked.began;
  }
  if (changed) progress.changed_at = at;
  return progress;
}

Millis unchanged_for(const PathProgress& progress) {
  if (!progress.changed_at || !progress.known_until) return Millis{0};
  return std::max(*progress.known_until - *progress.changed_at, Millis{0});
}

void TreeWalk::find_own() {
  own_ids_.clear();
  for (const auto& path : own_) {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0) own_ids_.emplace_back(info.st_dev, info.st_ino);
  }
}

void TreeWalk::take(const char* name) {
  struct stat info {};
  // One that is gone by now changes the fingerprint, as it should.
  if (::fstatat(::dirfd(folder_.get()), name, &info, AT_SYMLINK_NOFOLLOW) != 0) return;
  const std::pair<std::uint64_t, std::uint64_t> id{info.st_dev, info.st_ino};
  if (std::find(own_ids_.begin(), own_ids_.end(), id) != own_ids_.end()) return;
  add(walked_, info);
  if (!S_ISDIR(info.st_mode)) return;
  if (waiting_.size() < k_most_waiting) waiting_.push_back(folder_path_ + "/" + name);
  else ++walked_.unreadable;
}

Result<bool> TreeWalk::enter_next() {
  while (!waiting_.empty()) {
    folder_path_ = std::move(waiting_.back());
    waiting_.pop_back();
    const bool is_root = folder_path_ == root_;
    os::Fd fd{::open(folder_path_.c_str(),
                     O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK | (is_root ? 0 : O_NOFOLLOW))};
    struct stat info {};
    if (fd && is_root && ::fstat(fd.get(), &info) == 0) add(walked_, info);
    DIR* opened = fd ? ::fdopendir(fd.get()) : nullptr;
    if (opened != nullptr) {
      (void)fd.release();
      folder_.reset(opened);
      return true;
    }
    if (is_root && errno != ENOENT) return fail_errno("look below " + printable(root_), errno);
    if (errno != ENOENT) ++walked_.unreadable;
  }
  return false;
}

Result<Walked> TreeWalk::look(const os::Clock& clock, const WalkBounds& bounds) {
  const auto until = clock.boot() + bounds.time;
  if (!under_way_) {
    walked_ = Walked{};
    walked_.began = clock.boot();
    find_own();
    waiting_.assign(1, root_);
    under_way_ = true;
  }
  std::size_t since_clock = 0;
  for (std::size_t taken = 0; taken < bounds.entries;) {
    if (!folder_) {
      const auto entered = enter_next();
      if (!entered || !*entered) {
        under_way_ = false;
        if (!entered) return fail(entered.error());
        walked_.complete = true;
        return walked_;
      }
      ++taken;
    }
    const dirent* entry = ::readdir(folder_.get());
    // An error that ends a folder early shows as a change when it's gone, and as none while it stays.
    if (entry == nullptr) {
      folder_.reset();
      continue;
    }
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    take(entry->d_name);
    ++taken;
    if (++since_clock < k_clock_every) continue;
    since_clock = 0;
    if (clock.boot() >= until) break;
  }
  return walked_;
}

Awaitable<Result<Walked>> PathWatch::look() {
  const auto found = std::make_shared<Result<Walked>>();
  std::function<void()> job = [found, walk = walk_, bounds = bounds_, &clock = clock_] {
    *found = walk->look(clock, bounds);
  };
  std::string what = "look below " + printable(root_);
  const Millis limit = bounds_.time + k_more;
  const Status done = co_await blocking_.run(std::move(job), limit, std::move(what));
  if (!done) co_return fail(done.error());
  co_return std::move(*found);
}

Result<FileMark> mark_of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return FileMark{};
    return fail_errno("look for " + printable(path), errno);
  }
  return FileMark{true, info.st_dev, info.st_ino, nanoseconds(info.st_ctim)};
}

Awaitable<Result<FileMark>> FileWatch::look() {
  const auto found = std::make_shared<Result<FileMark>>();
  std::function<void()> job = [found, path = path_] { *found = mark_of(path); };
  std::string what = "look for " + printable(path_);
  const Status done = co_await blocking_.run(std::move(job), k_stat_limit, std::move(what));
  if (!done) co_return fail(done.error());
  co_return std::move(*found);
}

}  // namespace curfew::guard
