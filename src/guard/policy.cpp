// The state machine. A handler an event (`on`), an entry a stage (`enter_…`), and the bounds (`on(Tick)`).
#include "guard/policy.hpp"

#include <algorithm>
#include <utility>

namespace curfew::guard {
namespace {

constexpr int k_sigterm = 15;
constexpr int k_exit_time_limit = 124;  // as timeout(1)
constexpr int k_exit_unknown = 125;

std::string seconds_text(Millis duration) {
  return format_duration(std::chrono::duration_cast<Seconds>(std::max(duration, Millis{0})));
}

std::string signal_text(int signal) {
  switch (signal) {
    case 1: return "SIGHUP";
    case 2: return "SIGINT";
    case 3: return "SIGQUIT";
    case 9: return "SIGKILL";
    case 10: return "SIGUSR1";
    case 12: return "SIGUSR2";
    case k_sigterm: return "SIGTERM";
    default: return "signal " + std::to_string(signal);
  }
}

std::string result_text(const JobResult& result) {
  switch (result.how) {
    case JobResult::How::exited: return "exit code " + std::to_string(result.number);
    case JobResult::How::signalled: return "killed by " + signal_text(result.number);
    case JobResult::How::unknown: break;
  }
  return "how it ended isn't known";
}

bool is_before(Stage a, Stage b) { return static_cast<int>(a) < static_cast<int>(b); }

// A command that was mistyped at a terminal: the person there wants to type it again.
bool is_typing_error(const State& state, const Rules& rules) {
  return rules.on_terminal && (state.start_failure == 126 || state.start_failure == 127);
}

bool leaves_machine_alone(const State& state, const Rules& rules) {
  return state.plan.ending == Ending::none || rules.dry_run || is_typing_error(state, rules);
}

std::optional<BootTime> backstop(const State& state) {
  if (!state.times.end_at) return {};
  return state.times.end_at->boot + k_backstop;
}

class Machine {
 public:
  Machine(State& state, const Rules& rules, const job::Now& now, std::vector<Action>& actions)
      : state_(state), rules_(rules), now_(now), actions_(actions) {}

  // ---- events

  void on(const JobStarted&) {
    switch (state_.stage) {
      case Stage::arming: return enter(Stage::running);
      // It was asked to stop before it was there to hear it.
      case Stage::draining: return act(SignalTree{state_.signal});
      case Stage::killing: return act(KillTree{});
      default: return;
    }
  }

  void on(const JobNotStarted& event) {
    if (state_.stage != Stage::arming && state_.stage != Stage::draining && state_.stage != Stage::killing)
      return;
    if (is_over()) return;
    state_.start_failure = event.code;
    state_.tree_gone = true;
    set_cause(Cause::job_not_started);
    warn("the command could not be started, code " + std::to_string(event.code));
    enter_ending();
  }

  void on(const JobEnded& event) {
    const bool is_news = !state_.result || state_.result->how == JobResult::How::unknown;
    if (state_.published || !is_news || state_.start_failure) return;
    state_.result = event.result;
    info("the command has ended: " + result_text(event.result));
    if (is_before(state_.stage, Stage::draining)) {
      set_cause(Cause::job_ended);
      if (state_.tree_gone) return enter_saving();
      return enter_draining(k_sigterm);
    }
    if (state_.stage == Stage::draining && state_.tree_gone) enter_saving();
  }

  void on(const JobLost&) {
    if (!is_before(state_.stage, Stage::saving) || is_over()) return;
    state_.result = JobResult{};
    if (state_.stage == Stage::killing) return;
    if (state_.stage == Stage::draining) {
      warn("the job's parent has died: how the command ends can't be known");
      if (state_.tree_gone) enter_saving();
      return;
    }
    set_cause(Cause::job_lost);
    enter_killing("the job's parent has died: how the command ended can't be known");
  }

  void on(const TreeGone&) {
    if (state_.stage == Stage::arming) return;  // nothing is there yet
    state_.tree_gone = true;
    if (state_.stage == Stage::killing || (state_.stage == Stage::draining && is_over())) enter_saving();
  }

  void on(const Tick&) {
    if (is_before(state_.stage, Stage::ending) && has_passed(backstop(state_))) return pull_backstop();
    switch (state_.stage) {
      case Stage::arming:
      case Stage::running: return tick_running();
      case Stage::draining:
        if (now_.boot >= state_.stage_until) enter_killing("still running after the grace period");
        return;
      case Stage::killing: return tick_killing();
      case Stage::saving:
        if (now_.boot >= state_.stage_until) give_up_saving("saving took longer than its limit");
        return;
      case Stage::ending:
        if (now_.boot >= state_.stage_until) tick_ending();
        return;
      case Stage::done: return;
    }
  }

  void on(const StopAsked& event) {
    if (is_before(state_.stage, Stage::draining)) {
      set_cause(Cause::stop_asked);
      if (event.at_once) return enter_killing("asked to stop at once");
      info("asked to stop with " + signal_text(event.signal));
      return enter_draining(event.signal);
    }
    if (state_.stage == Stage::draining && event.at_once) enter_killing("asked to stop at once");
  }

  void on(const MachineGoingDown&) {
    if (state_.stage == Stage::done || state_.going_down) return;
    state_.going_down = true;
    if (state_.stage == Stage::ending) {
      info("the machine is going down");
      return leave();
    }
    warn("the machine is going down by another's hand: finishing within what is left, no ending of our own");
    if (!is_before(state_.stage, Stage::draining)) return;
    set_cause(Cause::machine_going_down);
    enter_draining(k_sigterm);
  }

  void on(const TimesMoved& event) {
    if (state_.stage != Stage::done) state_.times = event.times;
  }

  void on(const PlanKnown& event) {
    if (is_before(state_.stage, Stage::ending)) state_.plan = event.plan;
  }

  void on(const SaveEnded& event) {
    if (state_.stage != Stage::saving) return;
    state_.all_saved = event.all_saved;
    if (event.all_saved) info("everything is saved");
    else error("not everything could be saved");
    enter_ending();
  }

  void on(const RungEnded& event) {
    if (state_.stage != Stage::ending || state_.pausing || state_.rung >= state_.plan.ladder.size()) return;
    if (event.accepted || event.rung != state_.plan.ladder[state_.rung]) return;
    warn("'" + std::string(name_of(event.rung)) + "' was refused or failed");
    ++state_.rung;
    climb();
  }

  void on(const Resumed& event) {
    if (event.same_boot) return take_up_again();
    state_.going_down = false;  // it was, and came back
    if (state_.stage == Stage::done) {
      if (leaves_machine_alone(state_, rules_)) return take_up_again();
      warn("the machine came back after it went down");
      return enter_ending();
    }
    if (state_.stage == Stage::ending) {
      warn("the machine came back while it was being ended: ending it again");
      return enter_ending();
    }
    if (!is_over()) state_.result = JobResult{};
    state_.tree_gone = true;
    set_cause(Cause::rebooted);
    warn("found after a reboot in stage " + std::string(name_of(state_.stage)) + ": the job is gone");
    enter_saving();
  }

 private:
  // ---- stages

  void enter(Stage stage, Millis bound = Millis{0}) {
    state_.stage = stage;
    state_.stage_since = now_.wall;
    state_.stage_until = now_.boot + bound;
  }

  void enter_draining(int signal) {
    const Millis grace = rules_.limits.grace;
    state_.signal = signal;
    enter(Stage::draining, grace);
    act(SignalTree{signal});
    info("stopping what is left of the job: " + signal_text(signal) + ", " + seconds_text(grace) +
         " until SIGKILL");
  }

  void enter_killing(const std::string& why) {
    warn(why + ": SIGKILL to the whole tree");
    enter(Stage::killing, k_kill_limit);
    act(KillTree{});
    if (state_.tree_gone) enter_saving();
  }

  void enter_saving() {
    if (!rules_.has_saves || state_.start_failure) return enter_ending();
    BootTime until = now_.boot + rules_.limits.save;
    if (state_.times.end_at) until = std::min(until, state_.times.end_at->boot + k_kill_limit);
    enter(Stage::saving, until - now_.boot);
    if (until <= now_.boot) return give_up_saving("no time is left to save");
    info("saving, for " + seconds_text(until - now_.boot) + " at most");
    act(StartSave{until});
  }

  void enter_ending() {
    enter(Stage::ending);
    publish();
    if (leaves_machine_alone(state_, rules_) || state_.going_down) return leave();
    if (state_.plan.marks_ended) act(MarkEnded{});
    state_.l0_at.reset();
    state_.rounds = 0;
    start_round();
  }

  // Says why, gives the layers back where the machine is to stay, and is done.
  void leave() {
    if (leaves_machine_alone(state_, rules_)) {
      info(why_left_alone());
      act(Disarm{});
    }
    if (state_.stage != Stage::done) enter(Stage::done);
    act(Leave{});
  }

  void start_round() {
    state_.rung = 0;
    state_.pausing = false;
    move_l0();
    climb();
  }

  void climb() {
    if (state_.rung >= state_.plan.ladder.size()) return pause();
    const Rung rung = state_.plan.ladder[state_.rung];
    state_.stage_until = now_.boot + k_rung_time;
    info("ending the machine (" + std::string(name_of(state_.plan.ending)) + ") by '" +
         std::string(name_of(rung)) + "'");
    act(Climb{rung});
  }

  void pause() {
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

  void tick_running() {
    if (!state_.times.stop_at || !has_passed(state_.times.stop_at->boot)) return;
    set_cause(Cause::time_limit);
    warn("time limit reached after " + seconds_text(state_.times.stop_at->wall - state_.times.started));
    enter_draining(k_sigterm);
  }

  void tick_killing() {
    if (now_.boot < state_.stage_until) return act(KillTree{});  // again: what forks may have got away
    error("processes of the job are stuck in the kernel, SIGKILL doesn't end them: going on without them");
    enter_saving();
  }

  void tick_ending() {
    if (state_.pausing) return start_round();
    warn("'" + std::string(name_of(state_.plan.ladder[state_.rung])) + "' has not ended the machine within " +
         seconds_text(k_rung_time));
    ++state_.rung;
    climb();
  }

  void pull_backstop() {
    error("past its end, still " + std::string(name_of(state_.stage)) + ": ending now");
    set_cause(Cause::time_limit);
    if (state_.stage == Stage::saving) return give_up_saving("saving isn't finished");
    if (!state_.tree_gone) act(KillTree{});
    if (rules_.has_saves && !state_.start_failure) state_.all_saved = false;
    enter_ending();
  }

  void give_up_saving(const std::string& why) {
    error(why + ": not everything is saved");
    act(CancelSave{});
    state_.all_saved = false;
    enter_ending();
  }

  // ---- small things

  // What a dead guard had asked for may not have been done: ask again. Bounds stay, a rung gets a new one.
  void take_up_again() {
    switch (state_.stage) {
      case Stage::arming:
      case Stage::running: return;
      case Stage::draining: return act(SignalTree{state_.signal});
      case Stage::killing: return act(KillTree{});
      case Stage::saving: return act(StartSave{state_.stage_until});
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
  void publish() {
    if (!state_.published) state_.published = exit_code(state_, rules_);
    act(Publish{*state_.published});
  }

  void move_l0() {
    if (!state_.l0_at || now_.boot >= *state_.l0_at) state_.l0_at = now_.boot + k_l0_while_ending;
    act(MoveL0{*state_.l0_at - now_.boot});
  }

  [[nodiscard]] std::string why_left_alone() const {
    if (is_typing_error(state_, rules_)) return "the machine stays: nothing was started";
    if (state_.plan.ending == Ending::none) return "the machine stays: nothing is to be ended";
    std::string text = "dry run: would now " + std::string(name_of(state_.plan.ending)) + " the machine by";
    for (const Rung rung : state_.plan.ladder) text += " '" + std::string(name_of(rung)) + "'";
    return text;
  }

  [[nodiscard]] bool is_over() const { return state_.result || state_.start_failure; }
  [[nodiscard]] bool has_passed(std::optional<BootTime> bound) const { return bound && now_.boot >= *bound; }
  void set_cause(Cause cause) {
    if (state_.cause == Cause::none) state_.cause = cause;
  }
  template <class Known>
  void act(Known action) {
    actions_.emplace_back(std::in_place_type<Known>, std::move(action));
  }
  void info(std::string text) { act(Note{Note::Level::info, std::move(text)}); }
  void warn(std::string text) { act(Note{Note::Level::warning, std::move(text)}); }
  void error(std::string text) { act(Note{Note::Level::error, std::move(text)}); }

  State& state_;
  const Rules& rules_;
  const job::Now& now_;
  std::vector<Action>& actions_;
};

}  // namespace

Step step(State state, const Rules& rules, const job::Now& now, const Event& event) {
  Step result{std::move(state), {}};
  Machine machine{result.state, rules, now, result.actions};
  std::visit([&](const auto& known) { machine.on(known); }, event);
  return result;
}

std::optional<BootTime> next_bound(const State& state, const Rules&) {
  const auto last = backstop(state);
  switch (state.stage) {
    case Stage::arming:
    case Stage::running:
      if (!state.times.stop_at) return last;
      return last ? std::min(*last, state.times.stop_at->boot) : state.times.stop_at->boot;
    case Stage::draining:
    case Stage::killing:
    case Stage::saving: return last ? std::min(*last, state.stage_until) : state.stage_until;
    case Stage::ending: return state.stage_until;
    case Stage::done: break;
  }
  return {};
}

int exit_code(const State& state, const Rules&) {
  if (state.cause == Cause::time_limit) return k_exit_time_limit;
  if (state.start_failure) return *state.start_failure;
  if (!state.result || state.result->how == JobResult::How::unknown) return k_exit_unknown;
  if (state.result->how == JobResult::How::signalled) return 128 + state.result->number;
  if (state.result->number == 0 && state.all_saved == false) return k_exit_unknown;
  return state.result->number;
}

std::string_view name_of(Stage stage) {
  switch (stage) {
    case Stage::arming: return "arming";
    case Stage::running: return "running";
    case Stage::draining: return "draining";
    case Stage::killing: return "killing";
    case Stage::saving: return "saving";
    case Stage::ending: return "ending";
    case Stage::done: return "done";
  }
  return "unknown";
}

std::string_view name_of(Cause cause) {
  switch (cause) {
    case Cause::none: return "none";
    case Cause::job_ended: return "job_ended";
    case Cause::job_not_started: return "job_not_started";
    case Cause::job_lost: return "job_lost";
    case Cause::time_limit: return "time_limit";
    case Cause::stop_asked: return "stop_asked";
    case Cause::machine_going_down: return "machine_going_down";
    case Cause::rebooted: return "rebooted";
  }
  return "unknown";
}

std::string_view name_of(Ending ending) {
  switch (ending) {
    case Ending::none: return "none";
    case Ending::stop: return "stop";
    case Ending::terminate: return "terminate";
  }
  return "unknown";
}

std::string_view name_of(Rung rung) {
  switch (rung) {
    case Rung::shutdown_command: return "shutdown_command";
    case Rung::instance_api: return "instance_api";
    case Rung::systemctl_force: return "systemctl_force";
    case Rung::kernel_power_off: return "kernel_power_off";
    case Rung::sysrq: return "sysrq";
  }
  return "unknown";
}

}  // namespace curfew::guard
