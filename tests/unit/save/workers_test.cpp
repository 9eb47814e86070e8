// Work on threads, and the way back to the loop.
#include "save/workers.hpp"

#include <chrono>
#include <future>
#include <optional>
#include <stdexcept>
#include <thread>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace curfew::save {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

struct Loop {
  asio::io_context io;
  std::optional<bool> ran;
  std::exception_ptr thrown;
  asio::cancellation_signal signal;

  void start(Workers& workers, std::function<void()> job) {
    asio::co_spawn(io, workers.run(std::move(job)),
                   asio::bind_cancellation_slot(signal.slot(), [this](std::exception_ptr what, bool done) {
                     thrown = std::move(what);
                     ran = done;
                   }));
  }
};

TEST(Workers, run_a_job_elsewhere_and_come_back) {
  for (const std::size_t threads : {0U, 1U, 2U}) {
    Loop loop;
    Workers workers(loop.io.get_executor(), threads);
    std::thread::id where;
    loop.start(workers, [&] { where = std::this_thread::get_id(); });
    loop.io.run_for(10s);
    EXPECT_EQ(loop.ran, true);
    EXPECT_EQ(where == std::this_thread::get_id(), threads == 0);
  }
}

TEST(Workers, rethrow_what_the_job_throws) {
  Loop loop;
  Workers workers(loop.io.get_executor(), 1);
  loop.start(workers, [] { throw std::runtime_error("no"); });
  loop.io.run_for(10s);
  EXPECT_TRUE(loop.thrown);
}

TEST(Workers, let_go_of_a_job_that_hangs) {
  auto gate = std::make_shared<std::promise<void>>();
  std::shared_future<void> opened = gate->get_future().share();
  {
    Loop loop;
    Workers workers(loop.io.get_executor(), 1);
    loop.start(workers, [opened] { opened.wait(); });
    loop.io.run_for(5ms);
    EXPECT_FALSE(loop.ran);
    loop.signal.emit(asio::cancellation_type::terminal);
    loop.io.run_for(10s);
    EXPECT_EQ(loop.ran, false);
  }
  gate->set_value();  // ends after its loop has gone, and harms nothing
}

}  // namespace
}  // namespace curfew::save
