// Many coroutines at once on one loop, but not too many.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "net/http.hpp"

namespace curfew::watch {

using Job = std::function<net::Awaitable<void>()>;

// Jobs in the order in which they were added, `at_once` at most at a time; a job may add others.
class Lanes {
 public:
  Lanes(boost::asio::any_io_executor executor, std::size_t at_once);
  void add(Job job);
  // Returns when the last has ended. What one throws is thrown then. What jobs refer to must live until then.
  [[nodiscard]] net::Awaitable<void> ended();

 private:
  struct State;
  static void start(const std::shared_ptr<State>& state);
  static net::Awaitable<void> run(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

// Runs all of them, and returns when the last has ended, as Lanes does.
[[nodiscard]] net::Awaitable<void> run_all(std::vector<Job> jobs, std::size_t at_once);

// For a few that belong to the caller: cancelling it cancels them, and it ends only when they have. What one
// throws cancels the others.
[[nodiscard]] net::Awaitable<void> run_together(std::vector<net::Awaitable<void>> work);

}  // namespace curfew::watch
