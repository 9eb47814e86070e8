// Lanes that take one job after the other.
#include "watch/lanes.hpp"

#include <algorithm>
#include <deque>
#include <exception>
#include <memory>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace curfew::watch {
namespace asio = boost::asio;

struct Lanes::State {
  State(asio::any_io_executor where, std::size_t most)
      : executor(std::move(where)),
        at_once(std::max<std::size_t>(most, 1)),
        changed(executor, asio::steady_timer::time_point::max()) {}
  asio::any_io_executor executor;
  std::size_t at_once;
  std::deque<Job> waiting;
  std::size_t running = 0;
  std::exception_ptr thrown;
  asio::steady_timer changed;
};

Lanes::Lanes(asio::any_io_executor executor, std::size_t at_once)
    : state_(std::make_shared<State>(std::move(executor), at_once)) {}

void Lanes::add(Job job) {
  state_->waiting.push_back(std::move(job));
  start(state_);
}

void Lanes::start(const std::shared_ptr<State>& state) {
  if (state->waiting.empty() || state->running == state->at_once) return;
  ++state->running;
  asio::co_spawn(state->executor, run(state), [state](const std::exception_ptr& thrown) {
    if (thrown && !state->thrown) state->thrown = thrown;
    --state->running;
    start(state);  // for what was added after this lane had found nothing more
    if (state->running == 0) state->changed.cancel();
  });
}

net::Awaitable<void> Lanes::run(std::shared_ptr<State> state) {
  while (!state->waiting.empty()) {
    const Job job = std::move(state->waiting.front());
    state->waiting.pop_front();
    co_await job();
  }
}

net::Awaitable<void> Lanes::ended() {
  const auto state = state_;
  while (state->running > 0) co_await state->changed.async_wait(asio::as_tuple(asio::use_awaitable));
  if (state->thrown) std::rethrow_exception(state->thrown);
}

net::Awaitable<void> run_all(std::vector<Job> jobs, std::size_t at_once) {
  Lanes lanes(co_await asio::this_coro::executor, at_once);
  for (auto& job : jobs) lanes.add(std::move(job));
  auto ended = lanes.ended();
  co_await std::move(ended);
}

net::Awaitable<void> run_together(std::vector<net::Awaitable<void>> work) {
  using namespace asio::experimental::awaitable_operators;
  if (work.empty()) co_return;
  auto all = std::move(work.back());
  for (work.pop_back(); !work.empty(); work.pop_back()) {
    auto both = std::move(all) && std::move(work.back());
    all = std::move(both);
  }
  co_await std::move(all);
}

}  // namespace curfew::watch
