// Programs of the system on the loop: os::run_command() without blocking it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"
#include "net/http.hpp"
#include "os/command.hpp"

namespace curfew::net {

// False where `limit` passed first. `fd` stays the caller's.
[[nodiscard]] Awaitable<bool> readable(int fd, Millis limit);

struct Program {
  std::vector<std::string> argv;                // as os::start_command() takes it
  std::string input = {};                       // its stdin; empty: /dev/null
  std::optional<os::Surroundings> around = {};  // none: a clean environment
};
// For at most `limit`; past it, or where the one who waits is cancelled, the program and what it started are killed.
[[nodiscard]] Awaitable<Result<os::Outcome>> run_program(Program program, Millis limit);
[[nodiscard]] Awaitable<Result<os::Outcome>> run_program(std::vector<std::string> argv, Millis limit);

}  // namespace curfew::net
