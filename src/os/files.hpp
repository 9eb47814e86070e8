// Files as curfew uses them: bounded reads, whole-file replacement, private folders.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "os/fd.hpp"

namespace curfew::os {

// The whole file; an error where it's longer than `limit`. /proc and /sys files are fine.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t limit = 1U << 20U);

enum class Sync : bool { no, yes };

// Replaces `path` by rename of a new file in the same folder, so that readers see the old or the new text, never a
// part, and a full disk keeps the old one. What is no regular file stays; a link is replaced, not what it leads to. With Sync::yes the text and the folder are on disk when it returns.
[[nodiscard]] Status replace_file(const std::string& path, std::string_view text, mode_t mode, Sync sync);

// Opens for appending without following a link at the last step; creates with `mode`. Regular files only.
[[nodiscard]] Result<Fd> open_append(const std::string& path, mode_t mode);

// Writes all of it to a blocking descriptor.
[[nodiscard]] Status write_all(int fd, std::string_view text, const std::string& what);

// Makes the folder and its parents; fails where the last one is a link, not a folder, or not ours. Its mode is set.
[[nodiscard]] Status make_private_folder(const std::string& path, mode_t mode);

// An exclusive lock on `path`, made where it isn't there, held until the descriptor is closed, by the end of the process
// at the latest. conflict: somebody else holds it.
[[nodiscard]] Result<Fd> lock_file(const std::string& path);

// Removes a file; fine when there is none.
[[nodiscard]] Status remove_file(const std::string& path);

[[nodiscard]] bool exists(const std::string& path);

// The folder part and the name part: "/a/b" -> "/a", "b".
[[nodiscard]] std::string folder_of(const std::string& path);

// The absolute path of the running program; where it has been deleted or replaced, an error.
[[nodiscard]] Result<std::string> own_path();

}  // namespace curfew::os
