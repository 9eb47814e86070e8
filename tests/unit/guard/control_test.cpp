// When the guard may leave its followers alone.
#include "guard/control.hpp"

#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace curfew::guard {
namespace {

class ControlTest : public testing::Test {
 protected:
  ControlTest() {
    std::string name = (std::filesystem::temp_directory_path() / "curfew-control-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    EXPECT_TRUE(server.open(folder_));
  }
  ~ControlTest() override { std::filesystem::remove_all(folder_); }

  // Runs the loop until it holds.
  bool until(const std::function<bool()>& holds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    bool held = holds();
    while (!held && std::chrono::steady_clock::now() < end) {
      io.run_for(Millis{5});
      held = holds();
    }
    return held;
  }
  os::Channel follow() {
    auto channel = connect_to_guard(folder_);
    EXPECT_TRUE(channel);
    EXPECT_TRUE(channel->send(static_cast<char>(ToGuard::follow), ""));
    return std::move(*channel);
  }
  // The type of the next message; 0 where there is none.
  static char read(os::Channel& channel) {
    const auto message = channel.receive();
    return message && *message ? (*message)->type : '\0';
  }

  boost::asio::io_context io;
  std::string result;
  bool may_decide = true;
  int disarmed = 0;
  int stopped = 0;
  ControlServer server{
      io.get_executor(), ::geteuid(),
      ControlServer::Handlers{[] { return std::string(); }, [this](int, bool) { ++stopped; },
                              [this] { return result; }, [](Seconds) { return Result<std::string>("done"); },
                              [this] {
                                ++disarmed;
                                return Result<std::string>("done");
                              },
                              [this] { return may_decide; }}};
  std::string folder_;
};

TEST_F(ControlTest, AllHaveHeardOnceTheyHaveReadTheResult) {
  EXPECT_FALSE(server.all_heard());  // somebody may be on the way
  auto one = follow();
  auto late = follow();
  server.tell(FromGuard::line, "hello");
  ASSERT_TRUE(until([&] { return read(one) == static_cast<char>(FromGuard::line); }));
  EXPECT_FALSE(server.all_heard());  // there is no result yet
  result = "0";
  server.tell(FromGuard::published, result);
  EXPECT_FALSE(server.all_heard());
  ASSERT_TRUE(until([&] { return read(one) == static_cast<char>(FromGuard::published); }));
  EXPECT_FALSE(server.all_heard());  // the other one has not read it
  ASSERT_TRUE(until([&] { return read(late) == static_cast<char>(FromGuard::published); }));
  EXPECT_TRUE(server.all_heard());
  auto last = follow();
  ASSERT_TRUE(until([&] { return !server.all_heard(); }));
  ASSERT_TRUE(until([&] { return read(last) == static_cast<char>(FromGuard::published); }));
  EXPECT_TRUE(server.all_heard());
}

TEST_F(ControlTest, WhoReadsTooSlowlyIsWaitedFor) {
  auto slow = follow();
  server.tell(FromGuard::line, "begin");
  ASSERT_TRUE(until([&] { return read(slow) == static_cast<char>(FromGuard::line); }));
  for (int i = 0; i < 10'000; ++i) server.tell(FromGuard::line, "one of too many lines");
  result = "0";
  server.tell(FromGuard::published, result);  // its queue is full: it's closed, and comes again
  while (read(slow) != 0) {
  }
  EXPECT_FALSE(server.all_heard());
}

// Right after the start the metadata service hasn't answered: whether the deadline may be moved isn't known.
TEST_F(ControlTest, MoreTimeIsDecidedOnceItCanBe) {
  may_decide = false;
  auto asks = connect_to_guard(folder_);
  ASSERT_TRUE(asks);
  ASSERT_TRUE(asks->send(static_cast<char>(ToGuard::extend), "60"));
  io.run_for(Millis{200});
  EXPECT_EQ(read(*asks), '\0');
  auto other = follow();  // nobody else waits
  server.tell(FromGuard::line, "hello");
  ASSERT_TRUE(until([&] { return read(other) == static_cast<char>(FromGuard::line); }));
  may_decide = true;
  ASSERT_TRUE(until([&] { return read(*asks) == static_cast<char>(FromGuard::done); }));
}

TEST_F(ControlTest, WhoHasGoneMeanwhileGetsNothingDone) {
  may_decide = false;
  {
    auto asks = connect_to_guard(folder_);
    ASSERT_TRUE(asks);
    ASSERT_TRUE(asks->send(static_cast<char>(ToGuard::disarm), ""));
    io.run_for(Millis{100});
  }
  may_decide = true;
  io.run_for(Millis{200});
  EXPECT_EQ(disarmed, 0);
  auto asks = connect_to_guard(folder_);
  ASSERT_TRUE(asks);
  ASSERT_TRUE(asks->send(static_cast<char>(ToGuard::disarm), ""));
  ASSERT_TRUE(until([&] { return read(*asks) == static_cast<char>(FromGuard::done); }));
  EXPECT_EQ(disarmed, 1);
}

TEST_F(ControlTest, WhoAsksToStopWaitsForNoAnswer) {
  {
    auto asks = connect_to_guard(folder_);
    ASSERT_TRUE(asks);
    ASSERT_TRUE(asks->send(static_cast<char>(ToGuard::stop), "15 0"));
  }
  EXPECT_TRUE(until([&] { return stopped == 1; }));
}

TEST_F(ControlTest, WhatStaysUnknownIsAnsweredAllTheSame) {
  may_decide = false;
  auto asks = connect_to_guard(folder_);
  ASSERT_TRUE(asks);
  ASSERT_TRUE(asks->send(static_cast<char>(ToGuard::disarm), ""));
  ASSERT_TRUE(until([&] { return read(*asks) == static_cast<char>(FromGuard::done); }));
}

}  // namespace
}  // namespace curfew::guard
