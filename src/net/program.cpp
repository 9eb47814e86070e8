// Waits for descriptors and programs.
#include "net/program.hpp"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/text.hpp"

namespace curfew::net {
namespace {

namespace asio = boost::asio;

constexpr Millis k_output_look{5};
constexpr Millis k_output_look_most{100};

// Killed when the coroutine that waits for it ends, however it ends.
class Child {
 public:
  explicit Child(os::Running running) : running_(std::move(running)) {}
  ~Child() { os::kill_command(running_); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  os::Running& operator*() { return running_; }
  os::Running* operator->() { return &running_; }

 private:
  os::Running running_;
};

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

Awaitable<Result<os::Outcome>> run_program(Program program, Millis limit) {
  const auto* around = program.around ? &*program.around : nullptr;
  auto running = os::start_command(program.argv, program.input, around);
  if (!running) co_return fail(std::move(running.error()));
  Child child(std::move(*running));
  const auto until = std::chrono::steady_clock::now() + limit;
  os::Outcome outcome;
  bool ended = false;
  // Read while it runs, too: a full pipe would hold it up.
  for (Millis look = k_output_look; !ended && std::chrono::steady_clock::now() < until;
       look = std::min(2 * look, k_output_look_most)) {
    const auto left = std::chrono::ceil<Millis>(until - std::chrono::steady_clock::now());
    ended = co_await readable(child->pidfd.get(), std::clamp(left, Millis{1}, look));
    os::read_output(*child, outcome.output);
  }
  if (!ended)
    co_return fail(ErrorKind::timed_out, "run " + shell_quoted(program.argv),
                   "did not end within " + format_duration(std::chrono::ceil<Seconds>(limit)));
  outcome.code = os::reap(*child);
  outcome.output = std::string(trimmed(outcome.output));
  co_return outcome;
}

Awaitable<Result<os::Outcome>> run_program(std::vector<std::string> argv, Millis limit) {
  return run_program(Program{std::move(argv)}, limit);
}

}  // namespace curfew::net
