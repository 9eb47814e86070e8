// What each event means. What the stages then do is in policy_stages.cpp.
#include "guard/policy.hpp"

#include <algorithm>
#include <utility>

#include "guard/policy_machine.hpp"

namespace curfew::guard {
namespace detail {

void Machine::on(const JobStarted&) {
  switch (state_.stage) {
    case Stage::arming: enter(Stage::running); return announce(Announce::What::started, "started");
    // It was asked to stop before it was there to hear it.
    case Stage::draining: return act(SignalTree{state_.signal});
    case Stage::killing: return act(KillTree{});
    default: return;
  }
}

void Machine::on(const JobNotStarted& event) {
  if (rules_.guards_machine) return go_on_alone();
  if (state_.stage != Stage::arming && state_.stage != Stage::draining && state_.stage != Stage::killing)
    return;
  if (is_over()) return;
  state_.start_failure = event.code;
  state_.tree_gone = true;
  set_cause(Cause::job_not_started);
  warn("the command could not be started, code " + std::to_string(event.code));
  enter_holding();
}

void Machine::on(const JobEnded& event) {
  const bool is_news = !state_.result || state_.result->how == JobResult::How::unknown;
  if (state_.published || !is_news || state_.start_failure) return;
  if (rules_.guards_machine && is_before(state_.stage, Stage::draining)) return go_on_alone();
  state_.result = event.result;
  info("the command has ended: " + result_text(event.result));
  if (is_before(state_.stage, Stage::draining)) {
    set_cause(Cause::job_ended);
    if (state_.tree_gone) return enter_before_end();
    return enter_draining(k_sigterm);
  }
  if (state_.stage != Stage::draining) return;
  if (state_.tree_gone) return enter_before_end();
  // A shell's children in the background ignore SIGINT: once the command itself is gone, they get what a batch job gets.
  if (state_.signal == k_sigterm) return;
  state_.signal = k_sigterm;
  info("what is left of the job gets SIGTERM");
  act(SignalTree{k_sigterm});
}

void Machine::on(const JobLost&) {
  if (!is_before(state_.stage, Stage::before_end) || is_over()) return;
  if (rules_.guards_machine && is_before(state_.stage, Stage::draining)) return go_on_alone();
  state_.result = JobResult{};
  if (state_.stage == Stage::killing) return;
  if (state_.stage == Stage::draining) {
    warn("the job's parent has died: how the command ends can't be known");
    if (state_.tree_gone) enter_before_end();
    return;
  }
  set_cause(Cause::job_lost);
  enter_killing("the job's parent has died: how the command ended can't be known");
}

void Machine::on(const TreeGone&) {
  if (state_.stage == Stage::arming) return;  // nothing is there yet
  state_.tree_gone = true;
  if (state_.stage == Stage::killing || (state_.stage == Stage::draining && is_over())) enter_before_end();
}

void Machine::on(const Tick&) {
  if (is_before(state_.stage, Stage::ending) && has_passed(backstop(state_))) return pull_backstop();
  switch (state_.stage) {
    case Stage::arming:
    case Stage::running: return tick_running();
    case Stage::draining:
      if (now_.boot >= state_.stage_until) enter_killing("still running after the grace period");
      else if (is_over()) say_what_is_waited_for();
      return;
    case Stage::killing: return tick_killing();
    case Stage::before_end:
      if (now_.boot >= state_.stage_until) give_up_before_end("the command of --before-end took too long");
      return;
    case Stage::holding:
      if (now_.boot < state_.stage_until) return;
      info("the machine was kept for as long as was asked");
      return enter_ending();
    case Stage::saving:
      if (now_.boot >= state_.stage_until) give_up_saving("saving took longer than its limit");
      return;
    case Stage::ending:
      if (now_.boot >= state_.stage_until) tick_ending();
      return;
    case Stage::done: return;
  }
}

void Machine::on(const StopAsked& event) {
  if (is_before(state_.stage, Stage::draining)) {
    set_cause(Cause::stop_asked);
    if (event.at_once) return enter_killing("asked to stop at once");
    info("asked to stop with " + signal_text(event.signal));
    return enter_draining(event.signal);
  }
  if (state_.stage == Stage::draining && event.at_once) enter_killing("asked to stop at once");
  if (state_.stage == Stage::holding) enter_ending();
}

void Machine::on(const MachineGoingDown&) {
  if (state_.stage == Stage::done || state_.going_down) return;
  state_.going_down = true;
  if (state_.stage == Stage::ending) {
    info("the machine is going down");
    return leave();
  }
  warn("the machine is going down by another's hand: finishing within what is left, no ending of our own");
  if (state_.stage == Stage::holding) return enter_ending();
  if (state_.stage == Stage::before_end) return give_up_before_end("the command of --before-end is given up");
  if (!is_before(state_.stage, Stage::draining)) return;
  set_cause(Cause::machine_going_down);
  enter_draining(k_sigterm);
}

void Machine::on(const TimesMoved& event) {
  if (state_.stage == Stage::done || state_.disarmed) return;
  state_.times = event.times;
  if (event.limit != Cause::none) state_.limit = event.limit;
  if (event.held) state_.held = event.held;
  // Moved away again, they come again.
  if (!state_.times.stop_at) return;
  if (now_.boot < state_.times.stop_at->boot - k_warn_ahead) state_.warned = false;
  if (rules_.early_signal && now_.boot < state_.times.stop_at->boot - rules_.early_signal->ahead)
    state_.early_signal_sent = false;
}

void Machine::on(const PlanKnown& event) {
  if (is_before(state_.stage, Stage::ending) && !state_.disarmed) state_.plan = event.plan;
}

void Machine::on(const ReasonFound& event) {
  if (!is_before(state_.stage, Stage::draining) || state_.cause != Cause::none) return;
  set_cause(event.cause);
  state_.reason = event.why;
  if (event.cause == Cause::launch_unfinished && !state_.taken_at)
    state_.taken_at = now_.boot + k_unfinished_time;
  warn(event.why);
  enter_draining(k_sigterm);
}

void Machine::on(const GpuBusy&) { state_.gpu_was_busy = true; }

void Machine::on(const SpotInterruption& event) {
  if (!is_before(state_.stage, Stage::ending) || state_.taken_at) return;
  state_.taken_at = event.at;
  const std::string text = "EC2 takes this spot instance back in " + left_text(event.at - now_.boot);
  warn(text);
  announce(Announce::What::interrupted, text);
  switch (state_.stage) {
    case Stage::draining: state_.stage_until = std::min(state_.stage_until, now_.boot + grace()); return;
    case Stage::before_end:
      state_.stage_until = std::min(state_.stage_until, now_.boot + before_end_limit());
      return;
    case Stage::saving: state_.stage_until = std::min(state_.stage_until, save_until()); return;
    case Stage::holding: return enter_ending();
    case Stage::killing: return;
    default: break;
  }
  set_cause(Cause::spot_interruption);
  enter_draining(k_sigterm);
}

void Machine::on(const BeforeEndEnded& event) {
  if (state_.stage != Stage::before_end) return;
  if (!event.well) error("the command of --before-end has failed");
  enter_saving();
}

void Machine::on(const DisarmAsked&) {
  if (!is_before(state_.stage, Stage::ending)) return;
  if (state_.disarmed) return act(Disarm{});  // it may have failed
  state_.disarmed = true;
  state_.plan = {};
  state_.times.stop_at.reset();
  state_.times.end_at.reset();
  const std::string text =
      "DISARMED by hand: NOTHING ENDS THIS MACHINE ANY MORE. What the job makes is still saved";
  warn(text);
  announce(Announce::What::disarmed, text);
  act(Disarm{});
  if (state_.stage == Stage::holding) enter_ending();
}

void Machine::on(const SaveEnded& event) {
  if (state_.stage != Stage::saving) return;
  state_.all_saved = event.all_saved;
  if (event.all_saved) info("everything is saved");
  else error("not everything could be saved");
  enter_holding();
}

void Machine::on(const RungEnded& event) {
  if (state_.stage != Stage::ending || state_.pausing || state_.rung >= state_.plan.ladder.size()) return;
  if (event.accepted || event.rung != state_.plan.ladder[state_.rung]) return;
  warn("'" + std::string(name_of(event.rung)) + "' was refused or failed");
  ++state_.rung;
  climb();
}

void Machine::on(const Resumed& event) {
  if (event.same_boot) return take_up_again();
  state_.going_down = false;  // it was, and came back
  state_.taken_at.reset();    // a time of the old boot's clock; the notice is looked for again
  if (is_without_reason()) return guard_again();
  if (state_.stage == Stage::done) {
    if (leaves_machine_alone(state_, rules_)) return take_up_again();
    warn("the machine came back after it went down");
    return enter_ending();
  }
  if (state_.stage == Stage::ending) {
    warn("the machine came back while it was being ended: ending it again");
    return enter_ending();
  }
  if (state_.stage == Stage::holding) {
    warn("the machine was started anew while it was kept: ending it");
    publish();  // again: the guard before this one may have died just before it did
    return enter_ending();
  }
  if (!is_over()) state_.result = JobResult{};
  state_.tree_gone = true;
  set_cause(Cause::rebooted);
  warn("found after a reboot in stage " + std::string(name_of(state_.stage)) + ": the job is gone");
  enter_saving();
}

}  // namespace detail

Step step(State state, const Rules& rules, const job::Now& now, const Event& event) {
  Step result{std::move(state), {}};
  detail::Machine machine{result.state, rules, now, result.actions};
  std::visit([&](const auto& known) { machine.on(known); }, event);
  return result;
}

}  // namespace curfew::guard
