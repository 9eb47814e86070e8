// What may be ended, and what is left alone.
#include "watch/enforcement.hpp"

#include "base/text.hpp"
#include "watch/assess.hpp"
#include "watch/tags.hpp"

namespace curfew::watch {

std::string_view name_of(Enforcement enforcement) {
  switch (enforcement) {
    case Enforcement::end: return "end";
    case Enforcement::not_due: return "not_due";
    case Enforcement::no_deadline: return "no_deadline";
    case Enforcement::not_running: return "not_running";
    case Enforcement::malformed_deadline: return "malformed_deadline";
    case Enforcement::no_job: return "no_job";
    case Enforcement::launched_after_deadline: return "launched_after_deadline";
    case Enforcement::kept: return "kept";
    case Enforcement::in_group: return "in_group";
    case Enforcement::managed: return "managed";
    case Enforcement::is_protected: return "protected";
    case Enforcement::protection_unknown: return "protection_unknown";
    case Enforcement::then_unclear: return "then_unclear";
    case Enforcement::deadline_moved: return "deadline_moved";
    case Enforcement::started_again: return "started_again";
    case Enforcement::became_another: break;
  }
  return "became_another";
}

bool is_left_alone(Enforcement enforcement) {
  switch (enforcement) {
    case Enforcement::end:
    case Enforcement::not_due:
    case Enforcement::no_deadline:
    case Enforcement::not_running: return false;
    default: return true;
  }
}

std::string describe(Enforcement enforcement, const Machine& machine) {
  const auto deadline = machine.deadline.value_or(Deadline{});
  const auto at = deadline.at ? format_utc(*deadline.at) : "'" + printable(deadline.raw, 80) + "'";
  const auto keep = machine.keep.value_or(Keep{});
  switch (enforcement) {
    case Enforcement::end: return "past its deadline " + at;
    case Enforcement::not_due: return "its deadline " + at + " is ahead";
    case Enforcement::no_deadline: return "it has no deadline (no tag curfew:deadline)";
    case Enforcement::not_running: return "it is " + std::string(name_of(machine.state));
    case Enforcement::malformed_deadline: return "its tag curfew:deadline is no time with a zone: " + at;
    case Enforcement::no_job:
      return "past its deadline " + at + ", but not launched under curfew (no tag curfew:job)";
    case Enforcement::launched_after_deadline:
      return "started at " + format_utc(machine.launched) + ", after its deadline " + at;
    case Enforcement::kept:
      return (keep.malformed ? "its tag curfew:keep can't be read" : "kept by its tag curfew:keep") +
             (keep.until ? " until " + format_utc(*keep.until) : std::string()) +
             (keep.reason.empty() ? std::string() : ": " + printable(keep.reason, 80));
    case Enforcement::in_group:
      return "the Auto Scaling group '" + printable(machine.group, 80) +
             "' would replace it: lower its capacity";
    case Enforcement::managed:
      return "managed by " + printable(machine.managed_by, 80) + ", by which alone it can be ended";
    case Enforcement::is_protected:
      return "protected from termination (DisableApiTermination): take that off first";
    case Enforcement::protection_unknown:
      return "not known whether it's protected (ec2:DescribeInstanceAttribute is refused), which "
             "StopInstances "
             "wouldn't heed";
    case Enforcement::then_unclear:
      return "its tag curfew:then says neither stop nor terminate: which one is meant isn't known";
    case Enforcement::deadline_moved: return "its deadline was changed just now";
    case Enforcement::started_again: return "it was started again just now";
    case Enforcement::became_another: break;
  }
  return "another instance was read in its place";
}

Enforcement enforceable(const Machine& machine, WallTime now) {
  if (machine.state != InstanceState::running) return Enforcement::not_running;
  if (!machine.deadline) return Enforcement::no_deadline;
  if (!machine.deadline->at) return Enforcement::malformed_deadline;
  const auto deadline = *machine.deadline->at;
  if (now <= deadline) return Enforcement::not_due;
  if (!machine.job) return Enforcement::no_job;
  if (machine.launched >= deadline) return Enforcement::launched_after_deadline;
  if (is_kept(machine, now) || (machine.keep && machine.keep->malformed)) return Enforcement::kept;
  if (!machine.group.empty()) return Enforcement::in_group;
  if (!machine.managed_by.empty()) return Enforcement::managed;
  if (machine.protected_from_end.value_or(false)) return Enforcement::is_protected;
  if (is_then_unclear(machine)) return Enforcement::then_unclear;
  return Enforcement::end;
}

Enforcement still_enforceable(const Machine& seen, const Machine& again, WallTime now) {
  if (seen.id != again.id || seen.account != again.account || seen.region != again.region)
    return Enforcement::became_another;
  if (again.state != InstanceState::running) return Enforcement::not_running;
  if (seen.launched != again.launched) return Enforcement::started_again;
  const auto deadline_of = [](const Machine& machine) { return machine.deadline.value_or(Deadline{}).at; };
  if (deadline_of(seen) != deadline_of(again)) return Enforcement::deadline_moved;
  const auto decided = enforceable(again, now);
  if (decided == Enforcement::end && again.then_stop && !again.protected_from_end)
    return Enforcement::protection_unknown;
  return decided;
}

}  // namespace curfew::watch
