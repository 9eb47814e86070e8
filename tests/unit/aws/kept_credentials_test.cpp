#include "aws/core/kept_credentials.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "support/fake_clock.hpp"

namespace curfew::aws {
namespace {

namespace asio = boost::asio;

Awaitable<void> pause_for(Millis time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(asio::use_awaitable);
}

// A source whose fetch takes 20 ms, and is counted.
class KeptTest : public testing::Test {
 protected:
  Awaitable<Result<Credentials>> fetch() {
    ++fetches_;
    co_await pause_for(Millis{20});
    ++ended_;
    co_return answer_;
  }
  Awaitable<void> ask() {
    const auto got = co_await source_->get();
    ++(got ? found_ : refused_);
  }
  Awaitable<void> ask_briefly() {
    using namespace asio::experimental::awaitable_operators;
    auto got = ask();
    auto limit = pause_for(Millis{5});
    co_await (std::move(got) || std::move(limit));
  }
  void start(Awaitable<void> work) {
    asio::co_spawn(io_, std::move(work), [](const std::exception_ptr& error) {
      if (error) std::rethrow_exception(error);
    });
  }

  test::FakeClock clock_;
  asio::io_context io_;
  Result<Credentials> answer_ = Credentials{"AK", "s", "t", {}, "x"};
  std::unique_ptr<CredentialsSource> source_ = make_kept_credentials(clock_, [this] { return fetch(); });
  int fetches_ = 0;
  int ended_ = 0;
  int found_ = 0;
  int refused_ = 0;
};

TEST_F(KeptTest, ThoseWhoWaitGetWhatOneFetched) {
  for (int i = 0; i < 30; ++i) start(ask());
  io_.run();
  EXPECT_EQ(fetches_, 1);
  EXPECT_EQ(found_, 30);
}

TEST_F(KeptTest, ThoseWhoWaitAreRefusedWithTheOneThatWas) {
  answer_ = fail(ErrorKind::refused, "find AWS credentials", "none");
  for (int i = 0; i < 30; ++i) start(ask());
  io_.run();
  EXPECT_EQ(fetches_, 1);
  EXPECT_EQ(refused_, 30);
  start(ask());
  io_.restart();
  io_.run();
  EXPECT_EQ(fetches_, 2);  // a later one tries anew
}

TEST_F(KeptTest, OneThatGivesUpLeavesTheFetchToTheNext) {
  start(ask_briefly());
  start(ask());
  start(ask());
  io_.run();
  EXPECT_EQ(fetches_, 2);
  EXPECT_EQ(found_, 2);
}

TEST_F(KeptTest, OldOnesServeWhileNewOnesAreFetched) {
  answer_->expires = clock_.now + std::chrono::hours{1};
  start(ask());
  io_.run();
  clock_.advance(std::chrono::minutes{55});
  start(ask());
  start(ask());
  io_.restart();
  while (found_ < 2 && io_.run_one() > 0) {
  }
  EXPECT_EQ(found_, 2);
  EXPECT_EQ(fetches_, 2);
  EXPECT_EQ(ended_, 1);  // the second is under way
  io_.run();
  EXPECT_EQ(found_, 3);
  EXPECT_EQ(fetches_, 2);
}

TEST_F(KeptTest, AJumpOfTheWallClockAgesNothing) {
  answer_->expires = clock_.now + std::chrono::hours{1};
  start(ask());
  io_.run();
  clock_.now += std::chrono::hours{5};
  start(ask());
  io_.restart();
  io_.run();
  EXPECT_EQ(fetches_, 1);
}

}  // namespace
}  // namespace curfew::aws
