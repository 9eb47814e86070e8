// The rules.
#include "watch/assess.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "watch/amount.hpp"
#include "watch/tags.hpp"

namespace curfew::watch {
namespace {

// In text for people: a tag's value, cut where no sentence could hold it.
std::string quoted(std::string_view text) { return "'" + printable(text, 80) + "'"; }

// Where a threshold came from.
std::string from(bool by_tag, std::string_view name) {
  return by_tag ? " (its tag curfew:" + std::string(name) + ")" : " (--" + std::string(name) + ")";
}

std::string running_text(const Machine& machine, WallTime now, const std::optional<Seconds>& limit,
                         bool by_tag, std::string_view name) {
  return "running for " + format_duration(running_for(machine, now).value_or(Seconds{0})) + ", more than " +
         format_duration(limit.value_or(Seconds{0})) + from(by_tag, name);
}

std::string cost_text(const Machine& machine, const std::optional<Micros>& limit, bool by_tag,
                      std::string_view name) {
  auto amount = so_far_of(machine);
  amount.any = true;  // what is known of it passes the limit, whatever the rest is
  amount.at_least = amount.at_least && !amount.at_most;
  return "has cost " + describe(amount) + ", more than " + format_limit(limit.value_or(Micros{})) +
         from(by_tag, name);
}

std::string gpus_text(const Gpus& gpus) {
  if (!gpus.count) return "a GPU type";
  return std::to_string(*gpus.count) + (*gpus.count == 1 ? " GPU" : " GPUs");
}

}  // namespace

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::ok: return "OK";
    case Severity::warning: return "WARNING";
    case Severity::critical: break;
  }
  return "CRITICAL";
}

std::string_view name_of(Cause cause) {
  switch (cause) {
    case Cause::past_deadline: return "past_deadline";
    case Cause::past_crit: return "past_crit";
    case Cause::past_crit_cost: return "past_crit_cost";
    case Cause::past_warn: return "past_warn";
    case Cause::past_warn_cost: return "past_warn_cost";
    case Cause::malformed_deadline: return "malformed_deadline";
    case Cause::unguarded: return "unguarded";
    case Cause::no_schedule: return "no_schedule";
    case Cause::malformed_keep: break;
  }
  return "malformed_keep";
}

Severity severity_of(Cause cause) {
  return cause <= Cause::past_crit_cost ? Severity::critical : Severity::warning;
}

Thresholds thresholds_for(const Machine& machine, const Thresholds& thresholds) {
  const auto& own = machine.overrides;
  return {own.warn ? own.warn : thresholds.warn, own.crit ? own.crit : thresholds.crit,
          own.warn_cost ? own.warn_cost : thresholds.warn_cost,
          own.crit_cost ? own.crit_cost : thresholds.crit_cost};
}

bool is_kept(const Machine& machine, WallTime now) {
  return machine.keep && !machine.keep->malformed && (!machine.keep->until || now < *machine.keep->until);
}

Assessment assess(const Machine& machine, const Thresholds& thresholds, WallTime now) {
  Assessment assessment;
  assessment.kept = is_kept(machine, now);
  const auto running = running_for(machine, now);
  if (!running || assessment.kept) return assessment;

  const auto limits = thresholds_for(machine, thresholds);
  const auto cost = so_far_of(machine).sum;
  const auto& deadline = machine.deadline;
  const auto add = [&](bool holds, Cause cause) {
    if (!holds) return;
    assessment.causes.push_back(cause);
    assessment.severity = std::max(assessment.severity, severity_of(cause));
  };
  const bool past_crit = limits.crit && *running > *limits.crit;
  const bool past_crit_cost = limits.crit_cost && cost > *limits.crit_cost;
  add(deadline && deadline->at && now > *deadline->at, Cause::past_deadline);
  add(past_crit, Cause::past_crit);
  add(past_crit_cost, Cause::past_crit_cost);
  add(!past_crit && limits.warn && *running > *limits.warn, Cause::past_warn);
  add(!past_crit_cost && limits.warn_cost && cost > *limits.warn_cost, Cause::past_warn_cost);
  add(deadline && !deadline->at, Cause::malformed_deadline);
  add(machine.gpus.present && !deadline, Cause::unguarded);
  add(wants_schedule(machine) && machine.schedule == ScheduleState::missing, Cause::no_schedule);
  add(machine.keep && machine.keep->malformed, Cause::malformed_keep);
  return assessment;
}

std::string describe(Cause cause, const Machine& machine, const Thresholds& thresholds, WallTime now) {
  const auto limits = thresholds_for(machine, thresholds);
  const auto& own = machine.overrides;
  switch (cause) {
    case Cause::past_deadline: {
      const auto at = machine.deadline.value_or(Deadline{}).at.value_or(now);
      return "past its deadline " + format_utc(at) + " for " +
             format_duration(std::chrono::floor<Seconds>(now - at));
    }
    case Cause::past_crit: return running_text(machine, now, limits.crit, own.crit.has_value(), "crit");
    case Cause::past_warn: return running_text(machine, now, limits.warn, own.warn.has_value(), "warn");
    case Cause::past_crit_cost:
      return cost_text(machine, limits.crit_cost, own.crit_cost.has_value(), "crit-cost");
    case Cause::past_warn_cost:
      return cost_text(machine, limits.warn_cost, own.warn_cost.has_value(), "warn-cost");
    case Cause::malformed_deadline:
      return "its tag curfew:deadline is no time with a zone: " +
             quoted(machine.deadline.value_or(Deadline{}).raw);
    case Cause::unguarded: return "unguarded: " + gpus_text(machine.gpus) + " and no deadline";
    case Cause::no_schedule:
      return "no schedule curfew-" + printable(machine.id, 40) +
             " ends it at its deadline (the tag curfew:schedule=none, where that is meant)";
    case Cause::malformed_keep: break;
  }
  return "its tag curfew:keep has no date after \"until\": " + quoted(machine.keep.value_or(Keep{}).reason);
}

std::string describe(const Assessment& assessment, const Machine& machine, const Thresholds& thresholds,
                     WallTime now) {
  std::string text;
  for (const auto cause : assessment.causes)
    text += (text.empty() ? "" : "; ") + describe(cause, machine, thresholds, now);
  return text;
}

}  // namespace curfew::watch
