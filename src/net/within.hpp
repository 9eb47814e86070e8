// Waiting on the loop, always with a limit.
#pragma once

#include <optional>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "base/times.hpp"
#include "net/http.hpp"

namespace curfew::net {

[[nodiscard]] Awaitable<void> pause(Millis time);

// What `work` gives, or nothing where `limit` passed first: then it's cancelled.
template <class T>
[[nodiscard]] Awaitable<std::optional<T>> within(Millis limit, Awaitable<T> work) {
  using namespace boost::asio::experimental::awaitable_operators;
  auto first = co_await (std::move(work) || pause(limit));
  if (first.index() != 0) co_return std::nullopt;
  co_return std::move(std::get<0>(first));
}

}  // namespace curfew::net
