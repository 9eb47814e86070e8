// Waiting for descriptors and programs on the guard's loop, always with a limit.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "base/result.hpp"
#include "base/times.hpp"
#include "os/command.hpp"

namespace curfew::guard {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

// For co_spawn: an exception is a bug, and the guard that has it must die and be replaced, not go on half dead.
inline constexpr auto k_rethrow = [](const std::exception_ptr& error) {
  if (error) std::rethrow_exception(error);
};

// False where `limit` passed first.
[[nodiscard]] Awaitable<bool> readable(int fd, Millis limit);
[[nodiscard]] Awaitable<void> pause(Millis time);

// What `work` gives, or nothing where `limit` passed first: then it's cancelled.
template <class T>
[[nodiscard]] Awaitable<std::optional<T>> within(Millis limit, Awaitable<T> work) {
  using namespace boost::asio::experimental::awaitable_operators;
  auto first = co_await (std::move(work) || pause(limit));
  if (first.index() != 0) co_return std::nullopt;
  co_return std::move(std::get<0>(first));
}

// os::run_command without blocking the loop.
[[nodiscard]] Awaitable<Result<os::Outcome>> run_program(std::vector<std::string> argv, Millis limit);
// os::is_stopping likewise.
[[nodiscard]] Awaitable<bool> machine_is_stopping();

}  // namespace curfew::guard
