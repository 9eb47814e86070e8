// Waits on the guard's loop.
#include "guard/async.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/text.hpp"
#include "os/files.hpp"
#include "os/systemd.hpp"

namespace curfew::guard {

namespace asio = boost::asio;

namespace {
constexpr Millis k_output_look{5};
constexpr Millis k_output_look_most{100};
}  // namespace

Awaitable<bool> readable(int fd, Millis limit) {
  const auto executor = co_await asio::this_coro::executor;
  // A duplicate, so that closing it here leaves the caller's open; shared, for the timer's handler may come late.
  auto descriptor =
      std::make_shared<asio::posix::stream_descriptor>(executor, ::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  asio::steady_timer timer(executor, limit);
  timer.async_wait([descriptor](const boost::system::error_code& error) {
    if (!error) descriptor->cancel();
  });
  boost::system::error_code error;
  co_await descriptor->async_wait(asio::posix::stream_descriptor::wait_read,
                                  asio::redirect_error(asio::use_awaitable, error));
  co_return !error;
}

Awaitable<Result<os::Outcome>> run_program(std::vector<std::string> argv, Millis limit) {
  auto running = os::start_command(argv);
  if (!running) co_return fail(std::move(running.error()));
  const auto until = std::chrono::steady_clock::now() + limit;
  os::Outcome outcome;
  bool ended = false;
  // Read while it runs, too: a full pipe would hold it up.
  for (Millis look = k_output_look; !ended && std::chrono::steady_clock::now() < until;
       look = std::min(2 * look, k_output_look_most)) {
    const auto left = std::chrono::ceil<Millis>(until - std::chrono::steady_clock::now());
    ended = co_await readable(running->pidfd.get(), std::clamp(left, Millis{1}, look));
    os::read_output(*running, outcome.output);
  }
  if (!ended) {
    os::kill_command(*running);
    co_return fail(ErrorKind::timed_out, "run " + shell_quoted(argv),
                   "did not end within " + format_duration(std::chrono::ceil<Seconds>(limit)));
  }
  outcome.code = os::reap(*running);
  outcome.output = std::string(trimmed(outcome.output));
  co_return outcome;
}

Awaitable<bool> machine_is_stopping() {
  if (!os::has_systemd()) co_return false;
  // The last part of a shutdown, or one by force: systemd has become systemd-shutdown, which waits for every process.
  const auto first = os::read_file("/proc/1/comm", 64);
  if (first && first->starts_with("systemd-shutdow")) co_return true;
  // g++ 12 can't build an initializer list within co_await.
  std::vector<std::string> argv{"systemctl", "is-system-running"};
  const auto outcome = co_await run_program(std::move(argv), Millis{2'000});
  co_return outcome && outcome->output == "stopping";
}

}  // namespace curfew::guard
