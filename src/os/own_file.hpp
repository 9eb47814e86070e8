// Reads a file that curfew keeps for itself between its runs.
#pragma once

#include <string>

#include "base/result.hpp"

namespace curfew::os {

// The whole file, of at most `limit` bytes. Refused: a link, what is no regular file, one that belongs to another user or
// that others may write. Never waits for a pipe.
[[nodiscard]] Result<std::string> read_own_file(const std::string& path, std::size_t limit);

}  // namespace curfew::os
