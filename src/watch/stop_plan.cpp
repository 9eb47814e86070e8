// Decisions and lines.
#include "watch/stop_plan.hpp"

#include <algorithm>
#include <cctype>

#include "base/text.hpp"
#include "watch/act_text.hpp"
#include "watch/columns.hpp"
#include "watch/display.hpp"
#include "watch/ending.hpp"
#include "watch/tags.hpp"

namespace curfew::watch {
namespace {

constexpr std::size_t k_longest_text = 80;
constexpr std::size_t k_longest_error = 300;
constexpr std::size_t k_most_told = 20;  // of one name

std::string listed(const std::vector<aws::Volume>& volumes, bool lost) {
  std::string text;
  for (const auto& volume : volumes) {
    if (volume.delete_on_termination != lost) continue;
    text += (text.empty() ? "" : ", ") + shown(volume.id) + " (" + shown(volume.device) + ")";
  }
  return text;
}

void add_losses(const FoundInstance& found, Action action, std::vector<std::string>& lines) {
  if (action == Action::stop) {
    lines.emplace_back(
        "is stopped: its volumes stay, and go on costing money; what is on instance-store disks is lost");
  } else if (!found.volumes) {
    lines.emplace_back(
        "is TERMINATED, with any instance-store disks, and with its volumes for which DeleteOnTermination is "
        "set: which "
        "these are could not be read");
  } else {
    const auto lost = listed(*found.volumes, true);
    const auto kept = listed(*found.volumes, false);
    lines.push_back("is TERMINATED, with any instance-store disks" +
                    (lost.empty() ? std::string() : " and with " + lost));
    if (!kept.empty()) lines.push_back("what stays, and goes on costing money: " + kept);
  }
  if (found.machine.job && found.machine.state == InstanceState::running)
    lines.emplace_back(
        "its curfew job is told, and saves what it can while the machine shuts down; what isn't saved by "
        "then is lost");
}

// A profile leads to the caller's own account only.
std::string by_credentials(const FoundInstance& found) {
  return found.role.empty() ? std::string() : ", with credentials of account " + shown(found.machine.account);
}

std::string counted(std::size_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

}  // namespace

StopStep decide_stop(const FoundInstance& found, std::optional<Action> then) {
  StopStep step;
  const auto& machine = found.machine;
  step.action = then.value_or(machine.then_stop ? Action::stop : Action::terminate);
  const auto state = name_of(machine.state);
  if (is_going(Action::terminate, state) && found.persistent && machine.managed_by.empty())
    return {StopDecision::cancel, Action::terminate};
  if (is_going(step.action, state)) step.decision = StopDecision::is_going;
  else if (!machine.managed_by.empty()) step.decision = StopDecision::managed;
  else if (step.action == Action::terminate && machine.protected_from_end.value_or(false))
    step.decision = StopDecision::is_protected;
  else if (!then && is_then_unclear(machine)) step.decision = StopDecision::then_unclear;
  return step;
}

bool is_to_do(StopDecision decision) {
  return decision == StopDecision::end || decision == StopDecision::cancel;
}

bool is_refused(StopDecision decision) {
  return decision == StopDecision::managed || decision == StopDecision::is_protected ||
         decision == StopDecision::then_unclear;
}

std::vector<std::string> stop_lines(const FoundInstance& found, const StopStep& step, WallTime now,
                                    const std::string& profile) {
  const auto& machine = found.machine;
  std::vector<std::string> lines{about(machine, now)};
  switch (step.decision) {
    case StopDecision::is_going:
      lines.push_back("nothing is to be done: it is " + std::string(name_of(machine.state)));
      return lines;
    case StopDecision::cancel:
      lines.push_back("is " + std::string(name_of(machine.state)) +
                      " already, but its persistent spot request " + shown(found.spot_request) +
                      " is cancelled: it would launch another");
      return lines;
    case StopDecision::then_unclear:
      lines.emplace_back(
          "IS NOT ENDED: its tag curfew:then says neither stop nor terminate; --then stop or --then "
          "terminate "
          "says which");
      return lines;
    case StopDecision::managed:
      lines.push_back("IS NOT ENDED: it is managed by " +
                      shortened(shown(machine.managed_by), k_longest_text) +
                      ", by which alone it can be ended");
      return lines;
    case StopDecision::is_protected:
      lines.push_back(
          "IS NOT ENDED: it is protected from termination (DisableApiTermination). Where that is to end" +
          by_credentials(found) + ":");
      lines.push_back(
          unprotect_command(shown(machine.region), shown(machine.id), found.role.empty() ? profile : ""));
      return lines;
    case StopDecision::end: break;
  }
  add_losses(found, step.action, lines);
  if (found.persistent && step.action == Action::terminate)
    lines.push_back("its persistent spot request " + shown(found.spot_request) +
                    " is cancelled first: it would launch another");
  if (!machine.group.empty()) {
    lines.push_back("THE AUTO SCALING GROUP " + shortened(shown(machine.group), k_longest_text) +
                    " WILL REPLACE IT, unless it's scaled down first. All of it" + by_credentials(found) +
                    ":");
    lines.push_back(group_command(machine, found.role.empty() ? profile : ""));
  }
  return lines;
}

std::string stop_question(const std::vector<StopStep>& steps) {
  const auto count = [&](StopDecision decision, Action action) {
    return static_cast<std::size_t>(std::count_if(steps.begin(), steps.end(), [&](const StopStep& step) {
      return step.decision == decision && step.action == action;
    }));
  };
  std::string question;
  const auto add = [&](std::size_t many, const std::string& verb, const std::string& thing) {
    if (many > 0) question += (question.empty() ? "" : " and ") + verb + " " + counted(many, thing);
  };
  add(count(StopDecision::end, Action::terminate), "terminate", "instance");
  add(count(StopDecision::end, Action::stop), "stop", "instance");
  add(count(StopDecision::cancel, Action::terminate), "cancel", "spot request");
  if (question.empty()) return {};
  question.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(question.front())));
  return question + "?";
}

std::vector<std::string> missing_lines(const Findings& findings, bool by_name) {
  if (findings.missing.empty() && (!by_name || findings.unread.empty())) return {};
  std::vector<std::string> lines;
  lines.reserve(findings.missing.size() + findings.unread.size());
  for (const auto& id : findings.missing)
    lines.push_back(shortened(shown(id), k_longest_text) +
                    (findings.unread.empty()
                         ? " runs in no region that was asked (curfew ps --all shows jobs that are over)"
                         : " was not found, but not all regions could be read"));
  for (const auto& region : findings.unread)
    lines.push_back("not read: " + shown(region.region) +
                    (region.account.empty() ? "" : " of " + shown(region.account)) + ": " +
                    printable(region.error, k_longest_error));
  return lines;
}

std::vector<std::string> several_lines(const Findings& findings, WallTime now) {
  std::vector<std::string> lines;
  for (const auto& [name, machines] : findings.several) {
    lines.push_back("'" + shortened(shown(name), k_longest_text) + "' is the name of " +
                    counted(machines.size(), "instance") +
                    ", and nothing is done to any of them: name those that are meant by their ids");
    for (std::size_t i = 0; i < std::min(machines.size(), k_most_told); ++i)
      lines.push_back(about(machines[i], now));
    if (machines.size() > k_most_told)
      lines.push_back("and " + std::to_string(machines.size() - k_most_told) + " more");
  }
  return lines;
}

}  // namespace curfew::watch
