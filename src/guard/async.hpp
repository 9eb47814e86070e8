// Waiting for descriptors and programs on the guard's loop, always with a limit.
#pragma once

#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/result.hpp"
#include "base/times.hpp"
#include "os/command.hpp"

namespace curfew::guard {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

// False where `limit` passed first.
[[nodiscard]] Awaitable<bool> readable(int fd, Millis limit);
[[nodiscard]] Awaitable<void> pause(Millis time);

// os::run_command without blocking the loop.
[[nodiscard]] Awaitable<Result<os::Outcome>> run_program(std::vector<std::string> argv, Millis limit);
// os::is_stopping likewise.
[[nodiscard]] Awaitable<bool> machine_is_stopping();

}  // namespace curfew::guard
