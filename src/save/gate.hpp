// Coroutines wait at a gate until somebody opens it; it closes again behind them. Loop's thread only.
#pragma once

#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "base/times.hpp"
#include "net/http.hpp"

namespace curfew::save {

using net::Awaitable;

// A wait ends when the gate is opened or the waiter is cancelled; look at the reason for waiting again after each.
class Gate {
 public:
  explicit Gate(const boost::asio::any_io_executor& executor);
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // Any number of waiters.
  [[nodiscard]] Awaitable<void> wait();
  // At most so long; for a gate with one waiter.
  [[nodiscard]] Awaitable<void> wait_for(Millis at_most);
  void open();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace curfew::save
