// Opens and reads files for what they should be: curfew's own between its runs, or one of a user who isn't trusted.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "os/fd.hpp"

namespace curfew::os {

// The whole file, of at most `limit` bytes. Refused: a link, what is no regular file, one that belongs to another user or
// that others may write. Never waits for a pipe.
[[nodiscard]] Result<std::string> read_own_file(const std::string& path, std::size_t limit);

// For reading, without following a link at the last step, and never waiting for a pipe. Refused: what is no regular file,
// and one that belongs to another than `owner`: whatever a folder of that user's leads to, nothing that the user can't read
// anyhow is read. Blocks where the file's disk does.
[[nodiscard]] Result<Fd> open_file_of(const std::string& path, std::optional<uid_t> owner);
// The whole of such a file, of at most `limit` bytes.
[[nodiscard]] Result<std::string> read_file_of(const std::string& path, uid_t owner, std::size_t limit);

}  // namespace curfew::os
