// How the policy judges a state, and its words. What happens to it is in policy.cpp and policy_stages.cpp.
#include "guard/policy_parts.hpp"

#include <algorithm>

namespace curfew::guard {
namespace {

constexpr int k_exit_limit = 124;  // as timeout(1)
constexpr int k_exit_unknown = 125;
constexpr int k_exit_interrupted = 75;  // EX_TEMPFAIL of sysexits.h: try again

// A command that was mistyped at a terminal: the person there wants to type it again.
bool is_typing_error(const State& state, const Rules& rules) {
  return rules.on_terminal && (state.start_failure == 126 || state.start_failure == 127);
}

}  // namespace

namespace detail {

std::string seconds_text(Millis duration) {
  return format_duration(std::chrono::duration_cast<Seconds>(std::max(duration, Millis{0})));
}

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

std::string why_left_alone(const State& state, const Rules& rules) {
  if (is_typing_error(state, rules)) return "the machine stays: nothing was started";
  if (state.plan.ending == Ending::none) return "the machine stays: nothing is to be ended";
  std::string text = "dry run: would now " + std::string(name_of(state.plan.ending)) + " the machine by";
  for (const Rung rung : state.plan.ladder) text += " '" + std::string(name_of(rung)) + "'";
  return text;
}

std::string why_over(const State& state) {
  std::string text = "ended: " + std::string(name_of(state.cause));
  if (!state.reason.empty()) text += " (" + state.reason + ")";
  if (state.start_failure) text += ", the command could not be started";
  else if (state.result) text += ", " + result_text(*state.result);
  if (state.all_saved) text += *state.all_saved ? ", everything is saved" : ", NOT EVERYTHING IS SAVED";
  return text;
}

bool is_before(Stage a, Stage b) { return static_cast<int>(a) < static_cast<int>(b); }

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

}  // namespace detail

std::optional<BootTime> next_bound(const State& state, const Rules& rules) {
  const auto last = detail::backstop(state);
  switch (state.stage) {
    case Stage::arming:
    case Stage::running: {
      std::optional<BootTime> first = last;
      if (state.times.stop_at)
        first = first ? std::min(*first, state.times.stop_at->boot) : state.times.stop_at->boot;
      for (const auto& other : {detail::warning_at(state), detail::early_signal_at(state, rules)})
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
    case Cause::launch_unfinished: return k_exit_unknown;
    default: break;
  }
  if (state.start_failure) return *state.start_failure;
  if (!state.result || state.result->how == JobResult::How::unknown) return k_exit_unknown;
  if (state.result->how == JobResult::How::signalled) return 128 + state.result->number;
  if (state.result->number == 0 && state.all_saved == false) return k_exit_unknown;
  return state.result->number;
}

}  // namespace curfew::guard
