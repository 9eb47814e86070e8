// Sorts the overdue, and counts them.
#include "watch/enforce_plan.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "watch/clock_skew.hpp"

namespace curfew::watch {
namespace {

using Key = std::tuple<std::string, std::string, std::string>;
Key key_of(const Machine& machine) { return {machine.account, machine.region, machine.id}; }

std::string why_refused(const std::optional<Millis>& skew) {
  if (!skew) return "no reply of AWS told the time, so that nobody knows whether this clock is right";
  if (!is_skewed(*skew)) return {};
  const auto seconds = std::chrono::duration_cast<Seconds>(std::chrono::abs(*skew));
  return "this machine's clock is " + format_duration(seconds) +
         (*skew > Millis{0} ? " behind" : " ahead of") + " AWS's: set it right";
}

}  // namespace

Action action_for(const Machine& machine) { return machine.then_stop ? Action::stop : Action::terminate; }

std::string why_ended(const Machine& machine) { return describe(Enforcement::end, machine); }

LeftAlone left_alone(const Machine& machine, Enforcement reason) {
  return {machine.account,          machine.region, machine.id, machine.name, std::string(name_of(reason)),
          describe(reason, machine)};
}

EnforcePlan plan_enforcement(const Report& report, const EnforceOptions& options,
                             const std::set<std::size_t>& unasked) {
  const auto skew = skew_of(report);
  const WallTime now = report.at + std::min(skew.value_or(Millis{0}), Millis{0});
  EnforcePlan plan;
  std::set<Key> seen;
  for (std::size_t i = 0; i < report.machines.size(); ++i) {
    const auto& machine = report.machines[i];
    if (!seen.insert(key_of(machine)).second) continue;
    auto decided = enforceable(machine, now);
    if (decided == Enforcement::end && machine.then_stop && unasked.contains(i))
      decided = Enforcement::protection_unknown;
    if (decided == Enforcement::end) plan.to_end.push_back(i);
    else if (is_left_alone(decided)) plan.left_alone.push_back(left_alone(machine, decided));
  }
  std::sort(plan.to_end.begin(), plan.to_end.end(), [&](std::size_t a, std::size_t b) {
    const auto& first = report.machines[a];
    const auto& second = report.machines[b];
    if (first.deadline->at != second.deadline->at) return first.deadline->at < second.deadline->at;
    return key_of(first) < key_of(second);
  });
  if (plan.to_end.empty()) return plan;
  plan.refused = why_refused(skew);
  if (options.any_number || plan.to_end.size() <= options.max_kills) return plan;
  for (std::size_t i = options.max_kills; i < plan.to_end.size(); ++i) {
    auto left = left_alone(report.machines[plan.to_end[i]], Enforcement::end);
    left.reason = "over_max_kills";
    left.why += ", but no more than " + std::to_string(options.max_kills) +
                " are ended at once (--max-kills; --yes --yes-all ends them all)";
    plan.left_alone.push_back(std::move(left));
  }
  plan.to_end.resize(options.max_kills);
  return plan;
}

}  // namespace curfew::watch
