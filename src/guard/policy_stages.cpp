// What happens on the way into a stage, when a stage's bound is up, and when a new guard takes it up again.
#include <algorithm>

#include "guard/policy_machine.hpp"

namespace curfew::guard::detail {

// ---- stages

void Machine::enter(Stage stage, Millis bound) {
  state_.stage = stage;
  state_.stage_since = now_.wall;
  state_.stage_until = now_.boot + bound;
}

void Machine::enter_draining(int signal) {
  const Millis left = grace();
  state_.signal = signal;
  enter(Stage::draining, left);
  act(SignalTree{signal});
  // After a command that ended by itself there's nothing left, as a rule; what is hears of it soon enough.
  if (!is_over())
    info("stopping the job: " + signal_text(signal) + ", " + seconds_text(left) + " until SIGKILL");
  if (rules_.guards_machine && state_.tree_gone) enter_before_end();
}

void Machine::enter_killing(const std::string& why) {
  warn(why + ": SIGKILL to the whole tree");
  enter(Stage::killing, k_kill_limit);
  act(KillTree{});
  if (state_.tree_gone) enter_before_end();
}

void Machine::enter_before_end() {
  // A machine that another's hand takes down waits for the save alone.
  if (!rules_.has_before_end || state_.start_failure || state_.going_down) return enter_saving();
  const Millis limit = before_end_limit();
  if (limit <= Millis{0}) {
    error("no time is left for the command of --before-end: it isn't run");
    return enter_saving();
  }
  enter(Stage::before_end, limit);
  info("running the command of --before-end, for " + seconds_text(limit) + " at most");
  act(StartBeforeEnd{state_.stage_until});
}

void Machine::enter_saving() {
  if (!rules_.has_saves || state_.start_failure) return enter_holding();
  const BootTime until = save_until();
  enter(Stage::saving, until - now_.boot);
  if (until <= now_.boot) return give_up_saving("no time is left to save");
  info("saving, for " + seconds_text(until - now_.boot) + " at most");
  act(StartSave{until});
}

void Machine::enter_holding() {
  const bool is_wanted = rules_.keep_on_failure > Seconds{0} && has_failed(state_) && !state_.going_down &&
                         !state_.taken_at && !leaves_machine_alone(state_, rules_);
  if (!is_wanted) return enter_ending();
  BootTime until = now_.boot + rules_.keep_on_failure;
  if (state_.times.end_at) until = std::min(until, state_.times.end_at->boot);
  if (until <= now_.boot) return enter_ending();
  enter(Stage::holding, until - now_.boot);
  publish();
  const std::string text = "the command has failed: the machine is kept for " +
                           seconds_text(until - now_.boot) + " to be looked at (`curfew stop` ends it now)";
  warn(text);
  announce(Announce::What::kept, text);
}

void Machine::enter_ending() {
  const Stage before = state_.stage;
  enter(Stage::ending);
  if (before != Stage::holding) publish();  // it was when the machine began to be kept
  if (before != Stage::ending) announce(Announce::What::ended, why_over(state_));
  if (leaves_machine_alone(state_, rules_) || state_.going_down) return leave();
  if (state_.plan.marks_ended) act(MarkEnded{});
  state_.l0_at.reset();
  state_.rounds = 0;
  start_round();
}

// Says why, gives the layers back where the machine is to stay, and is done.
void Machine::leave() {
  if (leaves_machine_alone(state_, rules_)) {
    info(why_left_alone(state_, rules_));
    act(Disarm{});
  }
  if (state_.stage != Stage::done) enter(Stage::done);
  act(Leave{});
}

void Machine::start_round() {
  state_.rung = 0;
  state_.pausing = false;
  move_l0();
  climb();
}

void Machine::climb() {
  if (state_.rung >= state_.plan.ladder.size()) return pause();
  const Rung rung = state_.plan.ladder[state_.rung];
  state_.stage_until = now_.boot + k_rung_time;
  info("ending the machine (" + std::string(name_of(state_.plan.ending)) + ") by '" +
       std::string(name_of(rung)) + "'");
  act(Climb{rung});
}

void Machine::pause() {
  Millis pause = k_round_pause;
  for (std::uint32_t i = 0; i < state_.rounds && pause < k_round_pause_most; ++i) pause *= 2;
  pause = std::min(pause, k_round_pause_most);
  ++state_.rounds;
  state_.pausing = true;
  state_.stage_until = now_.boot + pause;
  error("no way of ending the machine has worked: THE MACHINE STILL RUNS; trying again in " +
        seconds_text(pause));
}

// ---- bounds

void Machine::tick_running() {
  if (!state_.times.stop_at) return;
  if (has_passed(state_.times.stop_at->boot)) {
    set_cause(state_.limit);
    warn((state_.limit == Cause::cost_limit ? "cost limit reached after " : "time limit reached after ") +
         seconds_text(state_.times.stop_at->wall - state_.times.started));
    return enter_draining(k_sigterm);
  }
  if (has_passed(warning_at(state_))) {
    state_.warned = true;
    const std::string text = "the job is stopped in " + left_text(state_.times.stop_at->boot - now_.boot) +
                             " (`curfew extend` gives it longer)";
    warn(text);
    announce(Announce::What::stop_is_near, text);
  }
  if (state_.stage == Stage::running && has_passed(early_signal_at(state_, rules_))) {
    state_.early_signal_sent = true;
    info("sending the command " + signal_text(rules_.early_signal->signal) + ", " +
         left_text(state_.times.stop_at->boot - now_.boot) + " before it's stopped");
    act(SignalCommand{rules_.early_signal->signal});
  }
}

void Machine::say_what_is_waited_for() {
  if (state_.told_of_wait) return;
  state_.told_of_wait = true;
  info("the command has ended, but not all that it started: waiting for " +
       left_text(state_.stage_until - now_.boot) + " (Ctrl-C or `curfew stop --now`: SIGKILL at once)");
}

void Machine::tick_killing() {
  if (now_.boot < state_.stage_until) return act(KillTree{});  // again: what forks may have got away
  error(
      "SIGKILL hasn't ended all of the job (what is left is stuck in the kernel, or in containers): going "
      "on "
      "without it");
  enter_before_end();
}

void Machine::tick_ending() {
  if (state_.pausing) return start_round();
  warn("'" + std::string(name_of(state_.plan.ladder[state_.rung])) + "' has not ended the machine within " +
       seconds_text(k_rung_time));
  ++state_.rung;
  climb();
}

void Machine::pull_backstop() {
  error("past its end, still " + std::string(name_of(state_.stage)) + ": ending now");
  set_cause(state_.limit);
  if (state_.stage == Stage::saving) return give_up_saving("saving isn't finished");
  if (state_.stage == Stage::holding) return enter_ending();
  if (state_.stage == Stage::before_end) act(CancelBeforeEnd{});
  if (!state_.tree_gone) act(KillTree{});
  if (rules_.has_saves && !state_.start_failure) state_.all_saved = false;
  enter_ending();
}

void Machine::give_up_saving(const std::string& why) {
  error(why + ": not everything is saved");
  act(CancelSave{});
  state_.all_saved = false;
  enter_holding();
}

void Machine::give_up_before_end(const std::string& why) {
  error(why);
  act(CancelBeforeEnd{});
  enter_saving();
}

// Whoever is at work on the machine must not lose it because a process that only waits was killed, or can't be started.
void Machine::go_on_alone() {
  state_.tree_gone = true;
  if (state_.stage == Stage::draining || state_.stage == Stage::killing) return enter_before_end();
  if (state_.stage == Stage::arming) on(JobStarted{});
  warn("the process that waits in place of a command is gone: this machine is guarded without it");
}

// There was no job to be lost, and whoever uses the machine has rebooted it, or will want to know why it went down. What
// was done on the way down, if it went in order, is void.
void Machine::guard_again() {
  if (!is_before(state_.stage, Stage::draining)) enter(Stage::running);
  state_.cause = Cause::none;
  state_.result.reset();
  state_.all_saved.reset();
  state_.published.reset();
  go_on_alone();
}

// ---- how long

// What EC2 leaves is shared out: a third to the job's own ending, a sixth to --before-end, the rest to the save.
Millis Machine::left_of_spot() const {
  return std::max(*state_.taken_at - now_.boot - k_spot_reserve, Millis{0});
}
Millis Machine::grace() const {
  const Millis grace = rules_.limits.grace;
  if (!state_.taken_at) return grace;
  const bool shares = rules_.has_saves || rules_.has_before_end;
  return std::min(grace, shares ? left_of_spot() / 3 : left_of_spot());
}
Millis Machine::before_end_limit() const {
  Millis limit = rules_.limits.before_end;
  if (state_.times.end_at)
    limit = std::min(limit, state_.times.end_at->boot - rules_.limits.save + k_kill_limit - now_.boot);
  return state_.taken_at ? std::min(limit, left_of_spot() / 6) : limit;
}
BootTime Machine::save_until() const {
  BootTime until = now_.boot + rules_.limits.save;
  if (state_.times.end_at) until = std::min(until, state_.times.end_at->boot + k_kill_limit);
  return state_.taken_at ? std::min(until, *state_.taken_at - k_spot_reserve) : until;
}

// ---- small things

// What a dead guard had asked for may not have been done: ask again. Bounds stay, a rung gets a new one.
void Machine::take_up_again() {
  switch (state_.stage) {
    case Stage::arming:
    case Stage::running: return;
    case Stage::draining: return act(SignalTree{state_.signal});
    case Stage::killing: return act(KillTree{});
    case Stage::before_end:
      warn("the command of --before-end may have been cut short: it isn't run again");
      return enter_saving();
    case Stage::saving: return act(StartSave{state_.stage_until});
    case Stage::holding: return publish();
    case Stage::ending:
      publish();
      if (state_.plan.marks_ended) act(MarkEnded{});
      move_l0();
      if (!state_.pausing) climb();
      return;
    case Stage::done: publish(); return leave();
  }
}

// The code stays what it was when first published, whatever becomes known later.
void Machine::publish() {
  if (!state_.published) state_.published = exit_code(state_, rules_);
  act(Publish{*state_.published});
}

void Machine::move_l0() {
  if (!state_.l0_at || now_.boot >= *state_.l0_at) state_.l0_at = now_.boot + k_l0_while_ending;
  act(MoveL0{*state_.l0_at - now_.boot});
}

}  // namespace curfew::guard::detail
