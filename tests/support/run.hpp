// Runs a coroutine to its end on an io_context of its own or a given one.
#pragma once

#include <exception>
#include <optional>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace curfew::test {

template <class T>
T run(boost::asio::io_context& io, boost::asio::awaitable<T> work) {
  std::optional<T> result;
  std::exception_ptr thrown;
  boost::asio::co_spawn(io, std::move(work), [&](std::exception_ptr error, T value) {
    thrown = error;
    if (!error) result.emplace(std::move(value));
  });
  io.restart();
  while (!result && !thrown && io.run_one() > 0) {
  }
  if (thrown) std::rethrow_exception(thrown);
  return std::move(result.value());
}

template <class T>
T run(boost::asio::awaitable<T> work) {
  boost::asio::io_context io;
  return run(io, std::move(work));
}

}  // namespace curfew::test
