// Waiting for descriptors and programs on the guard's loop, always with a limit.
#pragma once

#include <exception>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "base/result.hpp"
#include "base/times.hpp"
#include "net/program.hpp"
#include "net/within.hpp"
#include "os/command.hpp"

namespace curfew::guard {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

using net::pause;
using net::readable;
using net::run_program;
using net::within;

// For co_spawn: an exception is a bug, and the guard that has it must die and be replaced, not go on half dead.
inline constexpr auto k_rethrow = [](const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
};

// os::is_stopping() without blocking the loop.
[[nodiscard]] Awaitable<bool> machine_is_stopping();

}  // namespace curfew::guard
