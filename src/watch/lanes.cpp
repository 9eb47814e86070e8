// Lanes that take one job after the other.
#include "watch/lanes.hpp"

#include <algorithm>
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
namespace {

struct Lanes {
  Lanes(const asio::any_io_executor& executor, std::vector<Job> all)
      : jobs(std::move(all)), ended(executor, asio::steady_timer::time_point::max()) {}
  std::vector<Job> jobs;
  std::size_t next = 0;
  std::size_t running = 0;
  std::exception_ptr thrown;
  asio::steady_timer ended;
};

net::Awaitable<void> run_lane(std::shared_ptr<Lanes> lanes) {
  while (lanes->next < lanes->jobs.size()) {
    const Job job = std::move(lanes->jobs[lanes->next++]);
    co_await job();
  }
}

}  // namespace

net::Awaitable<void> run_all(std::vector<Job> jobs, std::size_t at_once) {
  const auto executor = co_await asio::this_coro::executor;
  const auto lanes = std::make_shared<Lanes>(executor, std::move(jobs));
  lanes->running = std::min(std::max<std::size_t>(at_once, 1), lanes->jobs.size());
  for (std::size_t i = lanes->running; i > 0; --i) {
    asio::co_spawn(executor, run_lane(lanes), [lanes](const std::exception_ptr& thrown) {
      if (thrown && !lanes->thrown) lanes->thrown = thrown;
      if (--lanes->running == 0) lanes->ended.cancel();
    });
  }
  while (lanes->running > 0) co_await lanes->ended.async_wait(asio::as_tuple(asio::use_awaitable));
  if (lanes->thrown) std::rethrow_exception(lanes->thrown);
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
