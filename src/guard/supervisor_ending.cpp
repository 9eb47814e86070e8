// The actions that take time: the rungs of the ladder, L0, disarming, leaving.
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "guard/supervisor.hpp"
#include "os/files.hpp"
#include "os/machine.hpp"

namespace curfew::guard {

namespace asio = boost::asio;

namespace {

// Once systemd is stopping the machine, harsher rungs wait for it this long; then it counts as hung.
constexpr Millis k_stopping_patience{120'000};
constexpr Millis k_flush{100};
constexpr Millis k_first_follower{2'000};
constexpr Millis k_flush_step{2};
constexpr Millis k_tell_limit{3'000};  // the end of the machine waits for a notification no longer
// What stands before the first rung may be on a dead disk, or ask a frozen PID 1.
constexpr Millis k_before_rung{2'000};
constexpr Millis k_unhurried{60'000};

// Runs `work`, which may block, on the pool; the caller's loop goes on meanwhile, and the caller after `limit`.
Awaitable<Status> on_worker(asio::thread_pool& pool, Millis limit, std::function<Status()> work) {
  struct Shared {
    Shared(const asio::any_io_executor& executor, Millis most) : done(executor, most) {}
    asio::steady_timer done;  // cancelled on the loop when the work is
    std::optional<Status> status;
  };
  const auto executor = co_await asio::this_coro::executor;
  const auto shared = std::make_shared<Shared>(executor, limit);
  asio::post(pool, [shared, executor, work = std::move(work)] {
    auto status = work();
    asio::post(executor, [shared, status = std::move(status)]() mutable {
      shared->status = std::move(status);
      shared->done.cancel();
    });
  });
  boost::system::error_code cancelled;
  co_await shared->done.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  if (shared->status) co_return *shared->status;
  co_return fail(ErrorKind::timed_out, "wait for the disk or for systemd",
                 "no answer within " + format_duration(std::chrono::ceil<Seconds>(limit)));
}

std::string text_of(Rung rung, const EndingPlan& plan) {
  switch (rung) {
    case Rung::shutdown_command: return "shutdown -h now";
    case Rung::instance_api: return plan.ending == Ending::terminate ? "TerminateInstances" : "StopInstances";
    case Rung::systemctl_force: return "systemctl poweroff -ff";
    case Rung::kernel_power_off: return "reboot(2) RB_POWER_OFF";
    case Rung::sysrq: return "sysrq o";
  }
  return "?";
}

Status checked(const std::string& what, Result<os::Outcome> outcome) {
  if (!outcome) return fail(std::move(outcome.error()));
  // Killed by SIGTERM: by the shutdown that it has just begun, as all others are.
  if (outcome->code == 0 || outcome->code == 128 + SIGTERM) return {};
  return fail(ErrorKind::system, what,
              "exit " + std::to_string(outcome->code) +
                  (outcome->output.empty() ? "" : ": " + outcome->output.substr(0, 400)));
}

}  // namespace

Awaitable<void> Supervisor::perform_slowly(Action action) {
  if (std::holds_alternative<MarkEnded>(action)) {
    co_await mark_ended();
  } else if (std::holds_alternative<MoveL0>(action)) {
    if (spec_.root) {
      // Named before co_await, as all lambdas here: g++ 12 destroys temporaries of such an expression twice.
      const std::function<Status()> work = [this, marks = state_.plan.marks_ended, at = now()] {
        return l0_.move_for_ending(marks, at);
      };
      const auto moved = co_await on_worker(workers_, k_before_rung, work);
      if (!moved) parts_.log.error(moved.error().text());
    }
  } else if (const auto* rung = std::get_if<Climb>(&action)) {
    co_await report_end();
    // Not awaited: a rung that hangs must not keep the next one from being tried.
    asio::co_spawn(parts_.io, climb(rung->rung), k_rethrow);
  } else if (std::holds_alternative<Disarm>(action)) {
    co_await disarm();
  } else if (std::holds_alternative<Leave>(action)) {
    co_await report_end();
    co_await leave();
  }
}

Awaitable<void> Supervisor::mark_ended() {
  const std::function<Status()> work = [path = spec_.places.ended_marker(), id = os::boot_id()] {
    return os::replace_file(path, id, 0644, os::Sync::yes);
  };
  if (auto marked = co_await on_worker(workers_, k_before_rung, work); !marked)
    parts_.log.error("the mark for a later boot can't be written: " + marked.error().text());
}

// An instance that somebody else stops stays up when it's started again, as one that curfew stopped; a reboot is no stop.
Awaitable<void> Supervisor::leave() {
  if (state_.going_down && state_.plan.marks_ended && spec_.ends_machine()) {
    std::vector<std::string> argv{"systemctl", "list-jobs", "--no-legend"};
    const auto jobs = co_await run_program(std::move(argv), k_before_rung);
    if (jobs && jobs->output.find("reboot.target") == std::string::npos &&
        jobs->output.find("kexec.target") == std::string::npos)
      co_await mark_ended();
  }
  shim_.leave();
  co_await parts_.teller.flush(parts_.clock.boot() + k_tell_limit);
  // So that followers get what was told, and one who is still on the way finds somebody: the job may have been quicker
  // than its front end.
  const bool may_come = !control_.was_followed() && !state_.going_down && !spec_.ends_machine();
  const auto flushed = std::chrono::steady_clock::now() + (may_come ? k_first_follower : k_flush);
  while (!control_.all_heard() && std::chrono::steady_clock::now() < flushed) co_await pause(k_flush_step);
  (void)os::remove_file(control_path(spec_.places.run));
  parts_.io.stop();
}

Awaitable<void> Supervisor::climb(Rung rung) {
  const auto name = text_of(rung, state_.plan);
  bool stopping = false;
  if (rung != Rung::shutdown_command) stopping = co_await machine_is_stopping();
  if (stopping) {
    const auto at = parts_.clock.boot();
    if (!stopping_since_) stopping_since_ = at;
    if (at - *stopping_since_ < k_stopping_patience) {
      parts_.log.info("systemd is stopping this machine: " + name + " waits");
      handle(RungEnded{rung, true});
      co_return;
    }
  }
  parts_.log.info("ending this machine: " + name);
  const auto done = co_await try_rung(rung);
  if (!done) parts_.log.error("ending this machine failed: " + done.error().text());
  handle(RungEnded{rung, done.has_value()});
}

Awaitable<Status> Supervisor::try_rung(Rung rung) {
  std::vector<std::string> argv;
  switch (rung) {
    case Rung::shutdown_command: argv = parts_.power.shutdown_now(); break;
    case Rung::systemctl_force: argv = parts_.power.force_off(); break;
    case Rung::instance_api: {
      auto state = co_await parts_.cloud.end_instance(state_.plan.ending);
      if (!state) co_return fail(std::move(state.error()));
      parts_.log.info("the instance is " + *state);
      co_return Status{};
    }
    case Rung::kernel_power_off: co_return parts_.power.kernel_power_off();
    case Rung::sysrq: co_return parts_.power.sysrq_power_off();
  }
  const std::string what = text_of(rung, state_.plan);
  auto outcome = co_await run_program(std::move(argv), k_rung_time);
  co_return checked(what, std::move(outcome));
}

Awaitable<void> Supervisor::disarm() {
  if (!spec_.root) co_return;
  if (spec_.ends_machine()) {
    const std::function<Status()> disarm_l0 = [this] { return l0_.disarm(); };
    const auto l0 = co_await on_worker(workers_, k_unhurried, disarm_l0);
    if (!l0) parts_.log.error(l0.error().text());
  }
  // The service is there where nothing is to end as well: it must not wait for the next boot.
  if (!spec_.service) co_return;
  // By hand, the job goes on and is to be saved: who does that is still restarted when it dies.
  const bool goes_on = state_.disarmed && state_.stage < Stage::ending;
  const std::function<Status()> disarm_l2 = [this, goes_on] {
    return goes_on ? l2_.keep_without_power_off(spec_.rules.limits.after_stop() + Seconds{30}) : l2_.disarm();
  };
  const auto l2 = co_await on_worker(workers_, k_unhurried, disarm_l2);
  if (!l2) parts_.log.error(l2.error().text());
}

Awaitable<void> Supervisor::move_l0_to_end() {
  if (!spec_.root || !spec_.ends_machine() || !state_.times.end_at || state_.disarmed) co_return;
  if (taken_up_ && state_.stage == Stage::ending) co_return;  // it's where the ending put it, which is sooner
  const auto end = *state_.times.end_at;
  const layers::L0Record record{{end.wall + layers::k_l0_after_end, end.boot + layers::k_l0_after_end},
                                state_.times.boot_id,
                                state_.plan.marks_ended,
                                os::machine_id(),
                                spec_.installed};
  const std::function<Status()> work = [this, record, at = now()] { return l0_.move(record, at); };
  const auto moved = co_await on_worker(workers_, k_unhurried, work);
  if (!moved) parts_.log.error(moved.error().text());
}

}  // namespace curfew::guard
