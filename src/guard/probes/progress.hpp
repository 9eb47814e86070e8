// Signs that work goes on, or is done, that can be seen in files: changes below a folder, and a file that appears.
//
// A change is seen by comparing two looks, never a file's times with the clock: those may be set to anything, and the
// clock may jump. What a look takes is bounded; a tree that is larger takes several looks.
#pragma once

#include <dirent.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"
#include "guard/probes/blocking.hpp"
#include "os/clock.hpp"

namespace curfew::guard {

// ---- what changed below a folder

// What a walk has seen since it began at the top.
struct Walked {
  bool complete = false;           // it has come through the whole tree; the next look begins at the top
  BootTime began{};                // changes before this are in it
  std::optional<WallTime> newest;  // mtime or ctime, the later, of the file that changed last
  std::uint64_t fingerprint = 0;   // of all names' inodes, sizes and times: another one means a change
  std::size_t entries = 0;
  std::size_t unreadable = 0;  // folders that could not be read
};

struct PathProgress {
  std::optional<WallTime> newest;            // for people
  std::optional<std::uint64_t> fingerprint;  // of the last complete walk
  std::optional<BootTime> changed_at;        // when a change was last seen; the first look counts as one
  std::optional<BootTime> known_until;       // up to here all changes are known
};
[[nodiscard]] PathProgress with_walk(PathProgress progress, const Walked& walked, BootTime at);
// Nothing changed for so long, as far as is known: it doesn't grow while looks fail or a walk takes long.
[[nodiscard]] Millis unchanged_for(const PathProgress& progress);

struct WalkBounds {
  std::size_t entries = 200'000;  // in one look
  Millis time{2'000};             // for one look
};

// Blocking; keeps its place between looks. Links aren't followed, but for the root itself. A root that isn't there (yet)
// is an empty tree.
//
// What curfew itself writes there (its log, its state, a file that its stderr goes to) is no sign of the job's life: `own`
// are such files and folders, by whatever path; they're passed over.
class TreeWalk {
 public:
  explicit TreeWalk(std::string root, std::vector<std::string> own = {})
      : root_(std::move(root)), own_(std::move(own)) {}
  [[nodiscard]] Result<Walked> look(const os::Clock& clock, const WalkBounds& bounds);

 private:
  struct Close {
    void operator()(DIR* folder) const { ::closedir(folder); }
  };
  // The next folder to read; false where there is none left.
  [[nodiscard]] Result<bool> enter_next();
  void take(const char* name);
  void find_own();

  std::string root_;
  std::vector<std::string> own_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> own_ids_;  // device and inode, as of this walk
  std::vector<std::string> waiting_;
  std::unique_ptr<DIR, Close> folder_;
  std::string folder_path_;
  bool under_way_ = false;
  Walked walked_;
};

// The same on a thread, from the guard's loop.
class PathWatch {
 public:
  PathWatch(const boost::asio::any_io_executor& executor, const os::Clock& clock, std::string root,
            std::vector<std::string> own = {}, WalkBounds bounds = {})
      : clock_(clock),
        root_(root),
        walk_(std::make_shared<TreeWalk>(std::move(root), std::move(own))),
        bounds_(bounds),
        blocking_(executor) {}

  // timed_out: the file system hangs; unknown, which is never a stall.
  [[nodiscard]] Awaitable<Result<Walked>> look();

 private:
  const os::Clock& clock_;
  std::string root_;
  std::shared_ptr<TreeWalk> walk_;
  WalkBounds bounds_;
  BlockingLook blocking_;
};

// ---- a file that appears

// Which file stands at a path, so that one left by an earlier run isn't taken for this run's.
struct FileMark {
  bool exists = false;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t changed_ns = 0;  // ctime
  friend bool operator==(const FileMark&, const FileMark&) = default;
};
// Blocks; follows links. An error where it can't be known.
[[nodiscard]] Result<FileMark> mark_of(const std::string& path);
// There is one now that wasn't there at the start, or that was made or written since.
[[nodiscard]] inline bool has_appeared(const FileMark& at_start, const FileMark& now) {
  // A mark of what wasn't there may have a time: what is older than that was hidden, by a file system not yet mounted.
  if (!at_start.exists && now.changed_ns < at_start.changed_ns) return false;
  return now.exists && now != at_start;
}

class FileWatch {
 public:
  FileWatch(const boost::asio::any_io_executor& executor, std::string path)
      : path_(std::move(path)), blocking_(executor) {}
  [[nodiscard]] Awaitable<Result<FileMark>> look();

 private:
  std::string path_;
  BlockingLook blocking_;
};

}  // namespace curfew::guard
