// The words of the policy, as they stand in logs, state files and `curfew status`.
#include "guard/policy.hpp"

namespace curfew::guard {

std::string_view name_of(Stage stage) {
  switch (stage) {
    case Stage::arming: return "arming";
    case Stage::running: return "running";
    case Stage::draining: return "draining";
    case Stage::killing: return "killing";
    case Stage::before_end: return "before_end";
    case Stage::saving: return "saving";
    case Stage::holding: return "holding";
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
    case Cause::cost_limit: return "cost_limit";
    case Cause::idle: return "idle";
    case Cause::gpu_unused: return "gpu_unused";
    case Cause::stalled: return "stalled";
    case Cause::work_done: return "work_done";
    case Cause::spot_interruption: return "spot_interruption";
    case Cause::stop_asked: return "stop_asked";
    case Cause::machine_going_down: return "machine_going_down";
    case Cause::rebooted: return "rebooted";
    case Cause::launch_unfinished: return "launch_unfinished";
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
