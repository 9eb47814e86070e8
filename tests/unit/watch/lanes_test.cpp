// How much is under way at once.
#include "watch/lanes.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "support/run.hpp"

namespace curfew::watch {
namespace {

namespace asio = boost::asio;

struct Counted {
  std::size_t running = 0;
  std::size_t most = 0;
  std::vector<std::size_t> begun;
};

// Lets others go on a few times before it ends.
net::Awaitable<void> count(Counted& counted, std::size_t number) {
  counted.begun.push_back(number);
  ++counted.running;
  counted.most = std::max(counted.most, counted.running);
  for (int turn = 0; turn < 3; ++turn) co_await asio::post(asio::use_awaitable);
  --counted.running;
}

net::Awaitable<bool> finished(net::Awaitable<void> work) {
  co_await std::move(work);
  co_return true;
}

std::vector<Job> jobs_of(Counted& counted, std::size_t how_many) {
  std::vector<Job> jobs;
  for (std::size_t at = 0; at < how_many; ++at)
    jobs.emplace_back([&counted, at] { return count(counted, at); });
  return jobs;
}

TEST(RunAll, HasSoManyUnderWayAndNoMoreInTheOrderTheyCame) {
  for (const auto& [jobs, at_once, most] :
       {std::tuple<std::size_t, std::size_t, std::size_t>{200, 64, 64}, {5, 8, 5}, {7, 1, 1}, {3, 0, 1}}) {
    asio::io_context io{1};
    Counted counted;
    EXPECT_TRUE(test::run(io, finished(run_all(jobs_of(counted, jobs), at_once))));
    EXPECT_EQ(counted.most, most);
    EXPECT_EQ(counted.begun.size(), jobs);
    EXPECT_TRUE(std::is_sorted(counted.begun.begin(), counted.begun.end()));
    EXPECT_EQ(counted.running, 0U) << "it has waited for the last";
  }
  asio::io_context io{1};
  EXPECT_TRUE(test::run(io, finished(run_all({}, 4))));
}

TEST(Lanes, JobsAddOthersWithinTheBound) {
  asio::io_context io{1};
  Counted counted;
  std::optional<Lanes> lanes;
  const auto add_some = [&] {
    for (auto& job : jobs_of(counted, 10)) lanes->add(std::move(job));
  };
  const auto begin = [&]() -> net::Awaitable<void> {
    lanes.emplace(co_await asio::this_coro::executor, 4);
    const auto first = [&]() -> net::Awaitable<void> {
      add_some();
      co_return;
    };
    lanes->add(first);
    auto ended = lanes->ended();
    co_await std::move(ended);
  };
  EXPECT_TRUE(test::run(io, finished(begin())));
  EXPECT_EQ(counted.begun.size(), 10U);
  EXPECT_EQ(counted.most, 4U);
}

TEST(RunAll, ThrowsWhatAJobThrowsOnceAllHaveEnded) {
  asio::io_context io{1};
  Counted counted;
  auto jobs = jobs_of(counted, 6);
  const auto bad = []() -> net::Awaitable<void> {
    co_await asio::post(asio::use_awaitable);
    throw std::runtime_error("bad");
  };
  jobs.insert(jobs.begin() + 1, bad);
  EXPECT_THROW(test::run(io, finished(run_all(std::move(jobs), 2))), std::runtime_error);
  EXPECT_EQ(counted.begun.size(), 6U);
  EXPECT_EQ(counted.running, 0U);
}

}  // namespace
}  // namespace curfew::watch
