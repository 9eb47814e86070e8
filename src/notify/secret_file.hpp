// Reads the file that `--notify file:PATH` names.
#pragma once

#include <string>

#include "base/result.hpp"
#include "notify/target.hpp"

namespace curfew::notify {

// The first line of a regular file of at most 4 KiB; a pipe or device is refused and never waited for. Warned of where
// others may read it.
[[nodiscard]] Result<SecretFile> read_secret_file(const std::string& path);

}  // namespace curfew::notify
