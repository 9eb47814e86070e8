// The state machine. A handler an event (`on`), an entry a stage (`enter_…`), and the bounds (`on(Tick)`).
#include "guard/policy.hpp"

#include <algorithm>
#include <utility>

namespace curfew::guard {
namespace {

constexpr int k_sigterm = 15;
constexpr int k_exit_limit = 124;  // as timeout(1)
constexpr int k_exit_unknown = 125;
constexpr int k_exit_interrupted = 75;  // EX_TEMPFAIL of sysexits.h: try again

std::string seconds_text(Millis duration) {
  return format_duration(std::chrono::duration_cast<Seconds>(std::max(duration, Millis{0})));
}

// Rounded up: a tick comes a moment after what it was for.
std::string left_text(Millis duration) {
  return format_duration(std::chrono::ceil<Seconds>(std::max(duration, Millis{0})));
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

bool has_failed(const State& state) {
  if (state.cause == Cause::job_not_started || state.cause == Cause::job_lost) return true;
  if (state.cause != Cause::job_ended || !state.result) return false;
  return state.result->how != JobResult::How::exited || state.result->number != 0;
}

std::optional<BootTime> early_signal_at(const State& state, const Rules& rules) {
  if (!rules.early_signal || state.early_signal_sent || !state.times.stop_at) return {};
  // A limit that is shorter than that would have it come before the command can hear it.
  if (state.times.stop_at->wall - state.times.started <= rules.early_signal->ahead) return {};
  return state.times.stop_at->boot - rules.early_signal->ahead;
}

// Not where the whole limit is shorter: the start has said it already.
std::optional<BootTime> warning_at(const State& state) {
  if (state.warned || !state.times.stop_at) return {};
  if (state.times.stop_at->wall - state.times.started <= k_warn_ahead) return {};
  return state.times.stop_at->boot - k_warn_ahead;
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
      case Stage::arming: enter(Stage::running); return announce(Announce::What::started, "started");
      // It was asked to stop before it was there to hear it.
      case Stage::draining: return act(SignalTree{state_.signal});
      case Stage::killing: return act(KillTree{});
      default: return;
    }
  }

  void on(const JobNotStarted& event) {
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

  void on(const JobEnded& event) {
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

  void on(const JobLost&) {
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

  void on(const TreeGone&) {
    if (state_.stage == Stage::arming) return;  // nothing is there yet
    state_.tree_gone = true;
    if (state_.stage == Stage::killing || (state_.stage == Stage::draining && is_over())) enter_before_end();
  }

  void on(const Tick&) {
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

  void on(const StopAsked& event) {
    if (is_before(state_.stage, Stage::draining)) {
      set_cause(Cause::stop_asked);
      if (event.at_once) return enter_killing("asked to stop at once");
      info("asked to stop with " + signal_text(event.signal));
      return enter_draining(event.signal);
    }
    if (state_.stage == Stage::draining && event.at_once) enter_killing("asked to stop at once");
    if (state_.stage == Stage::holding) enter_ending();
  }

  void on(const MachineGoingDown&) {
    if (state_.stage == Stage::done || state_.going_down) return;
    state_.going_down = true;
    if (state_.stage == Stage::ending) {
      info("the machine is going down");
      return leave();
    }
    warn("the machine is going down by another's hand: finishing within what is left, no ending of our own");
    if (state_.stage == Stage::holding) return enter_ending();
    if (state_.stage == Stage::before_end)
      return give_up_before_end("the command of --before-end is given up");
    if (!is_before(state_.stage, Stage::draining)) return;
    set_cause(Cause::machine_going_down);
    enter_draining(k_sigterm);
  }

  void on(const TimesMoved& event) {
    if (state_.stage == Stage::done || state_.disarmed) return;
    state_.times = event.times;
    if (event.limit != Cause::none) state_.limit = event.limit;
    // Moved away again, they come again.
    if (!state_.times.stop_at) return;
    if (now_.boot < state_.times.stop_at->boot - k_warn_ahead) state_.warned = false;
    if (rules_.early_signal && now_.boot < state_.times.stop_at->boot - rules_.early_signal->ahead)
      state_.early_signal_sent = false;
  }

  void on(const PlanKnown& event) {
    if (is_before(state_.stage, Stage::ending) && !state_.disarmed) state_.plan = event.plan;
  }

  void on(const ReasonFound& event) {
    if (!is_before(state_.stage, Stage::draining) || state_.cause != Cause::none) return;
    set_cause(event.cause);
    state_.reason = event.why;
    warn(event.why);
    enter_draining(k_sigterm);
  }

  void on(const GpuBusy&) { state_.gpu_was_busy = true; }

  void on(const SpotInterruption& event) {
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

  void on(const BeforeEndEnded& event) {
    if (state_.stage != Stage::before_end) return;
    if (!event.well) error("the command of --before-end has failed");
    enter_saving();
  }

  void on(const DisarmAsked&) {
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

  void on(const SaveEnded& event) {
    if (state_.stage != Stage::saving) return;
    state_.all_saved = event.all_saved;
    if (event.all_saved) info("everything is saved");
    else error("not everything could be saved");
    enter_holding();
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
    state_.taken_at.reset();    // a time of the old boot's clock; the notice is looked for again
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
      return enter_ending();
    }
    // There was no job to be lost, and whoever uses the machine has rebooted it, or will want to know why it went down.
    if (rules_.guards_machine && is_before(state_.stage, Stage::draining)) return go_on_alone();
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
    const Millis left = grace();
    state_.signal = signal;
    enter(Stage::draining, left);
    act(SignalTree{signal});
    // After a command that ended by itself there's nothing left, as a rule; what is hears of it soon enough.
    if (!is_over())
      info("stopping the job: " + signal_text(signal) + ", " + seconds_text(left) + " until SIGKILL");
    if (rules_.guards_machine && state_.tree_gone) enter_before_end();
  }

  void enter_killing(const std::string& why) {
    warn(why + ": SIGKILL to the whole tree");
    enter(Stage::killing, k_kill_limit);
    act(KillTree{});
    if (state_.tree_gone) enter_before_end();
  }

  void enter_before_end() {
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

  void enter_saving() {
    if (!rules_.has_saves || state_.start_failure) return enter_holding();
    const BootTime until = save_until();
    enter(Stage::saving, until - now_.boot);
    if (until <= now_.boot) return give_up_saving("no time is left to save");
    info("saving, for " + seconds_text(until - now_.boot) + " at most");
    act(StartSave{until});
  }

  void enter_holding() {
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

  void enter_ending() {
    const Stage before = state_.stage;
    enter(Stage::ending);
    if (before != Stage::holding) publish();  // it was when the machine began to be kept
    if (before != Stage::ending) announce(Announce::What::ended, why_over());
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

  void say_what_is_waited_for() {
    if (state_.told_of_wait) return;
    state_.told_of_wait = true;
    info("the command has ended, but not all that it started: waiting for " +
         left_text(state_.stage_until - now_.boot) + " (Ctrl-C or `curfew stop --now`: SIGKILL at once)");
  }

  void tick_killing() {
    if (now_.boot < state_.stage_until) return act(KillTree{});  // again: what forks may have got away
    error(
        "SIGKILL hasn't ended all of the job (what is left is stuck in the kernel, or in containers): going "
        "on "
        "without it");
    enter_before_end();
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
    set_cause(state_.limit);
    if (state_.stage == Stage::saving) return give_up_saving("saving isn't finished");
    if (state_.stage == Stage::holding) return enter_ending();
    if (state_.stage == Stage::before_end) act(CancelBeforeEnd{});
    if (!state_.tree_gone) act(KillTree{});
    if (rules_.has_saves && !state_.start_failure) state_.all_saved = false;
    enter_ending();
  }

  void give_up_saving(const std::string& why) {
    error(why + ": not everything is saved");
    act(CancelSave{});
    state_.all_saved = false;
    enter_holding();
  }

  void give_up_before_end(const std::string& why) {
    error(why);
    act(CancelBeforeEnd{});
    enter_saving();
  }

  // Whoever is at work on the machine must not lose it because a process that only waits was killed, or can't be started.
  void go_on_alone() {
    state_.tree_gone = true;
    if (state_.stage == Stage::draining || state_.stage == Stage::killing) return enter_before_end();
    if (state_.stage == Stage::arming) on(JobStarted{});
    warn("the process that waits in place of a command is gone: this machine is guarded without it");
  }

  // ---- how long

  // What EC2 leaves is shared out: a third to the job's own ending, a sixth to --before-end, the rest to the save.
  [[nodiscard]] Millis left_of_spot() const {
    return std::max(*state_.taken_at - now_.boot - k_spot_reserve, Millis{0});
  }
  [[nodiscard]] Millis grace() const {
    const Millis grace = rules_.limits.grace;
    if (!state_.taken_at) return grace;
    const bool shares = rules_.has_saves || rules_.has_before_end;
    return std::min(grace, shares ? left_of_spot() / 3 : left_of_spot());
  }
  [[nodiscard]] Millis before_end_limit() const {
    Millis limit = rules_.limits.before_end;
    if (state_.times.end_at)
      limit = std::min(limit, state_.times.end_at->boot - rules_.limits.save + k_kill_limit - now_.boot);
    return state_.taken_at ? std::min(limit, left_of_spot() / 6) : limit;
  }
  [[nodiscard]] BootTime save_until() const {
    BootTime until = now_.boot + rules_.limits.save;
    if (state_.times.end_at) until = std::min(until, state_.times.end_at->boot + k_kill_limit);
    return state_.taken_at ? std::min(until, *state_.taken_at - k_spot_reserve) : until;
  }

  // ---- small things

  // What a dead guard had asked for may not have been done: ask again. Bounds stay, a rung gets a new one.
  void take_up_again() {
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

  [[nodiscard]] std::string why_over() const {
    std::string text = "ended: " + std::string(name_of(state_.cause));
    if (!state_.reason.empty()) text += " (" + state_.reason + ")";
    if (state_.start_failure) text += ", the command could not be started";
    else if (state_.result) text += ", " + result_text(*state_.result);
    if (state_.all_saved) text += *state_.all_saved ? ", everything is saved" : ", NOT EVERYTHING IS SAVED";
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
  void announce(Announce::What what, std::string text) { act(Announce{what, std::move(text)}); }
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

std::optional<BootTime> next_bound(const State& state, const Rules& rules) {
  const auto last = backstop(state);
  switch (state.stage) {
    case Stage::arming:
    case Stage::running: {
      std::optional<BootTime> first = last;
      if (state.times.stop_at)
        first = first ? std::min(*first, state.times.stop_at->boot) : state.times.stop_at->boot;
      for (const auto& other : {warning_at(state), early_signal_at(state, rules)})
        if (other) first = std::min(*first, *other);
      return first;
    }
    case Stage::draining:
    case Stage::killing:
    case Stage::before_end:
    case Stage::holding:
    case Stage::saving: return last ? std::min(*last, state.stage_until) : state.stage_until;
    case Stage::ending: return state.stage_until;
    case Stage::done: break;
  }
  return {};
}

int exit_code(const State& state, const Rules& rules) {
  const int well = state.all_saved == false ? k_exit_unknown : 0;
  switch (state.cause) {
    case Cause::time_limit:
    case Cause::cost_limit: return k_exit_limit;
    case Cause::idle:
    case Cause::gpu_unused:
    case Cause::stalled: return rules.no_command ? well : k_exit_limit;
    case Cause::work_done: return well;
    case Cause::spot_interruption: return k_exit_interrupted;
    default: break;
  }
  if (state.start_failure) return *state.start_failure;
  if (!state.result || state.result->how == JobResult::How::unknown) return k_exit_unknown;
  if (state.result->how == JobResult::How::signalled) return 128 + state.result->number;
  if (state.result->number == 0 && state.all_saved == false) return k_exit_unknown;
  return state.result->number;
}

}  // namespace curfew::guard
