// Which files a save in the middle of a job leaves alone, because something is still writing them. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/times.hpp"
#include "save/tree.hpp"

namespace curfew::save {

// A file is steady when two looks at it, at least `between` apart, show the same state, and its last change lies at least
// `age` back on the wall clock. Two seconds cover writers that flush every second and file systems that keep whole seconds;
// a writer that pauses for longer in the middle of a file looks like one that is done. Who writes to another name and
// renames it is saved right in any case. What is written through mmap shows once it's written back, which a
// midway save sees to (write_back in tree.hpp).
struct Steady {
  Millis age{2'000};
  Millis between{2'000};
};

// Why the file that was in state `before` at the first look and is in state `after` at the second, made at `now`, isn't
// steady; nothing where it is. An mtime more than `age` ahead of `now` says nothing: then the two looks decide alone.
[[nodiscard]] std::optional<std::string> why_unsteady(const FileState& before, const FileState& after,
                                                      WallTime now, const Steady& steady);

// As far as its state tells, nothing was done to the file but appending: what it held at `before` is still its beginning.
// Who rewrites a file in place, longer each time, looks the same.
[[nodiscard]] bool only_grew(const FileState& before, const FileState& after);

// What one midway save leaves out and the next takes if it has only grown: a log that is never still for as long as Steady
// asks would never be saved else. Lives from one save to the next; loop's thread only.
class LeftOut {
 public:
  // So many files are remembered; who leaves out more has them looked at as if for the first time.
  static constexpr std::size_t k_most = 4'096;

  // The file's state when the last save left it out, or took it while it grew.
  [[nodiscard]] std::optional<FileState> last(const std::string& path) const;
  void add(std::string path, const FileState& state);
  // A save is over. What one that was `cut` didn't come to is as it was.
  void end_save(bool cut);

 private:
  std::unordered_map<std::string, FileState> last_;
  std::unordered_map<std::string, FileState> now_;
};

}  // namespace curfew::save
