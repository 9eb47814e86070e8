// One look at a time on a thread.
#include "guard/probes/blocking.hpp"

#include <utility>

namespace curfew::guard {
namespace {

// Given back when the job has run, or was dropped before it began.
struct Turn {
  explicit Turn(std::shared_ptr<std::atomic<bool>> taken) : busy(std::move(taken)) {}
  ~Turn() { busy->store(false); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  std::shared_ptr<std::atomic<bool>> busy;
};

}  // namespace

Awaitable<Status> BlockingLook::run(std::function<void()> job, Millis limit, std::string what) {
  if (busy_->exchange(true))
    co_return fail(ErrorKind::timed_out, std::move(what), "the look before it still hangs");
  auto turn = std::make_shared<Turn>(busy_);
  std::function<void()> counted = [taken = std::move(turn), work = std::move(job)] { work(); };
  auto running = workers_.run(std::move(counted));
  const auto done = co_await within(limit, std::move(running));
  if (done && *done) co_return Status{};
  co_return fail(ErrorKind::timed_out, std::move(what),
                 "did not end within " + std::to_string(limit.count()) + " ms");
}

}  // namespace curfew::guard
