// Which files a save in the middle of a job leaves alone, because something is still writing them. Pure.
#pragma once

#include <optional>
#include <string>

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

}  // namespace curfew::save
