// SHA-256 of a part of a file, as S3 wants it. Blocks: for the worker threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace curfew::save {

// Base64 of the SHA-256 of the bytes [offset, offset + length). `keep`, where given, gets the bytes too. invalid_input
// where the file ends before that (it shrank), timed_out once `stop` is set.
[[nodiscard]] Result<std::string> sha256_of(int fd, std::uint64_t offset, std::uint64_t length,
                                            const std::atomic<bool>& stop, std::string* keep = nullptr);

}  // namespace curfew::save
