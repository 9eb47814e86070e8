// Waiting for descriptors and programs on the guard's loop, always with a limit.
#pragma once

#include <exception>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/result.hpp"
#include "base/times.hpp"
#include "net/within.hpp"
#include "os/command.hpp"

namespace curfew::guard {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

using net::pause;
using net::within;

// For co_spawn: an exception is a bug, and the guard that has it must die and be replaced, not go on half dead.
inline constexpr auto k_rethrow = [](const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
};

// False where `limit` passed first.
[[nodiscard]] Awaitable<bool> readable(int fd, Millis limit);
// os::run_command without blocking the loop.
[[nodiscard]] Awaitable<Result<os::Outcome>> run_program(std::vector<std::string> argv, Millis limit);
// os::is_stopping likewise.
[[nodiscard]] Awaitable<bool> machine_is_stopping();

}  // namespace curfew::guard
