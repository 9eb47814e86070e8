// Lines and commands.
#include "watch/act_text.hpp"

#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "watch/columns.hpp"
#include "watch/display.hpp"
#include "watch/tags.hpp"

namespace curfew::watch {
namespace {

constexpr std::size_t k_longest_name = 40;
constexpr std::size_t k_longest_outcome = 500;
constexpr std::size_t k_longest_tag = 80;

// The role by which an account was read; empty for the caller's own.
std::string role_of(const std::string& account, const Report& report) {
  const auto found = std::find_if(report.accounts.begin(), report.accounts.end(),
                                  [&](const Account& known) { return known.id == account; });
  return found == report.accounts.end() ? std::string() : found->role;
}

std::string joined(std::vector<std::string> argv, const std::string& profile) {
  if (!profile.empty()) argv.insert(argv.end(), {"--profile", shown(profile)});
  return shell_quoted(argv);
}

}  // namespace

std::string place_of(const std::string& id, const std::string& name, const std::string& region,
                     const std::string& account) {
  std::string text = shown(id);
  if (!name.empty()) text += " (" + shortened(shown(name), k_longest_name) + ")";
  text += " in " + shown(region);
  if (!account.empty()) text += " of " + shown(account);
  return text;
}

std::string about(const Machine& machine, WallTime now) {
  auto text =
      place_of(machine.id, machine.name, machine.region, machine.account) + ": " + shown(machine.type);
  if (machine.lifecycle == Lifecycle::spot) text += " (spot)";
  const auto running = running_for(machine, now);
  text += ", " + std::string(name_of(machine.state));
  if (running) text += " for " + short_duration(*running);
  if (!machine.owner.empty()) text += ", owner " + shortened(shown(machine.owner), k_longest_tag);
  if (machine.job) text += ", curfew job '" + shortened(shown(*machine.job), k_longest_tag) + "'";
  return text;
}

std::string group_command(const Machine& machine, const std::string& profile) {
  std::vector<std::string> argv{"aws",
                                "autoscaling",
                                "update-auto-scaling-group",
                                "--region",
                                shown(machine.region),
                                "--auto-scaling-group-name",
                                shown(machine.group),
                                "--min-size",
                                "0",
                                "--desired-capacity",
                                "0"};
  if (!profile.empty()) argv.insert(argv.end(), {"--profile", shown(profile)});
  return shell_quoted(argv);
}

std::string act_text(const Act& act, Enforced::Mode mode, bool with_account) {
  const bool stop = act.action == Action::stop;
  const std::string what =
      place_of(act.instance, act.name, act.region, with_account ? act.account : std::string());
  const auto why = ": " + shown(act.why);
  if (mode != Enforced::Mode::on) return (stop ? "would stop " : "would terminate ") + what + why;
  if (!act.done)
    return (stop ? "FAILED to stop " : "FAILED to terminate ") + what + why + ": " +
           printable(act.outcome, k_longest_outcome);
  return (stop ? "stopped " : "terminated ") + what + why + "; seen " +
         printable(act.outcome, k_longest_outcome);
}

std::string left_alone_text(const LeftAlone& left, bool with_account) {
  return place_of(left.instance, left.name, left.region, with_account ? left.account : std::string()) + ": " +
         shown(left.why);
}

std::string enforced_title(const Enforced& enforced, bool unread) {
  const auto count = enforced.acts.size();
  const auto instances = std::to_string(count) + (count == 1 ? " instance" : " instances");
  if (count == 0)
    return unread ? "--enforce ENDED NOTHING: in what could be read nothing is past its own deadline, and "
                    "not all "
                    "could be read"
                  : "--enforce: nothing to end is past its own deadline";
  if (enforced.mode == Enforced::Mode::refused)
    return "--enforce ENDED NOTHING of " + instances + ": " + shown(enforced.refused);
  if (enforced.mode == Enforced::Mode::dry_run)
    return enforced.refused.empty() ? "--enforce, dry run: with --yes " + instances + " would be ended"
                                    : "--enforce, dry run: with --yes it would refuse to end " + instances +
                                          ": " + shown(enforced.refused);
  const auto done = static_cast<std::size_t>(
      std::count_if(enforced.acts.begin(), enforced.acts.end(), [](const Act& act) { return act.done; }));
  return "--enforce ended " + std::to_string(done) + " of " + instances;
}

std::string stop_command_of(const Machine& machine, const Report& report) {
  std::vector<std::string> argv{"curfew", "stop", shown(machine.id), "--region", shown(machine.region)};
  if (is_then_unclear(machine)) argv.insert(argv.end(), {"--then", "stop"});  // which keeps the disks
  if (const auto role = role_of(machine.account, report); !role.empty())
    argv.insert(argv.end(), {"--account", shown(role)});
  return joined(std::move(argv), report.profile);
}

std::string aws_command_of(const Machine& machine, const Report& report) {
  if (!role_of(machine.account, report).empty() || is_then_unclear(machine)) return {};
  std::vector<std::string> argv{"aws",
                                "ec2",
                                machine.then_stop ? "stop-instances" : "terminate-instances",
                                "--region",
                                shown(machine.region),
                                "--instance-ids",
                                shown(machine.id)};
  return joined(std::move(argv), report.profile);
}

}  // namespace curfew::watch
