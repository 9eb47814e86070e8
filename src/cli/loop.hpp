// A coroutine of a command that does one thing after another.
#pragma once

#include <exception>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "net/http.hpp"

namespace curfew::cli {

// Runs it to its end.
template <class T>
T complete(boost::asio::io_context& io, net::Awaitable<T> work) {
  std::optional<T> result;
  std::exception_ptr thrown;
  boost::asio::co_spawn(io, std::move(work), [&](const std::exception_ptr& error, T value) {
    thrown = error;
    if (!error) result.emplace(std::move(value));
  });
  io.restart();
  io.run();
  if (thrown) std::rethrow_exception(thrown);
  return std::move(result.value());
}

}  // namespace curfew::cli
