// Makes the ladder.
#include "guard/plan.hpp"

#include <cctype>

#include "base/text.hpp"
#include "guard/probes/machine_use.hpp"

namespace curfew::guard {
namespace {

constexpr const char* k_job_tag = "curfew:job";
constexpr const char* k_then_tag = "curfew:then";

std::vector<Rung> ladder(bool api, bool api_first) {
  std::vector<Rung> rungs;
  if (api && api_first) rungs.push_back(Rung::instance_api);
  rungs.push_back(Rung::shutdown_command);
  if (api && !api_first) rungs.push_back(Rung::instance_api);
  for (const auto rung : {Rung::systemctl_force, Rung::kernel_power_off, Rung::sysrq}) rungs.push_back(rung);
  return rungs;
}

// What an OS shutdown does here; none: not known.
Ending behavior_of(const std::optional<MachineFacts>& facts) {
  return facts ? facts->shutdown_behavior.value_or(Ending::none) : Ending::none;
}

// A value of curfew:then that isn't understood may be a slip for `stop`, which keeps the disks.
bool is_then_terminate(std::string_view value) {
  std::string word(trimmed(value));
  for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return word == "terminate";
}

bool was_launched_for_this(const MachineFacts& facts) {
  const auto then = facts.tags.find(k_then_tag);
  return facts.tags.contains(k_job_tag) && (then == facts.tags.end() || is_then_terminate(then->second));
}

}  // namespace

EndingPlan ending_plan(Then then, bool on_ec2, const std::optional<MachineFacts>& facts) {
  if (then == Then::none || (then == Then::automatic && !on_ec2)) return {};
  // Off EC2 a machine that was powered off is started again by its owner: then nothing must end it once more.
  if (!on_ec2) return {then == Then::stop ? Ending::stop : Ending::terminate, ladder(false, false), true};

  const Ending behavior = behavior_of(facts);
  if (then == Then::terminate || (then == Then::automatic && facts && was_launched_for_this(*facts)))
    return {Ending::terminate, ladder(true, behavior == Ending::stop), false};
  // The owner's setting decides; only where it's known to terminate is there no later boot to leave a mark for.
  if (then == Then::automatic) return {Ending::stop, ladder(true, false), behavior != Ending::terminate};
  return {Ending::stop, ladder(true, behavior != Ending::stop), true};
}

std::string describe(const EndingPlan& plan, const Spec& spec, const std::optional<MachineFacts>& facts) {
  if (plan.ending == Ending::none) {
    return spec.then == Then::none
               ? "this machine stays on when the job is over (--then none)"
               : "this machine stays on when the job is over: it is not an EC2 instance (--then auto)";
  }
  std::string line = spec.rules.dry_run ? "dry run: nothing will end this machine; it would "
                                        : "when the job is over this machine will ";
  if (!spec.on_ec2) return line + "be powered off (not an EC2 instance)";

  const std::string name =
      facts ? "instance " + printable(facts->instance_id) : "this instance (IMDS has not answered)";
  const Ending behavior = behavior_of(facts);
  if (plan.ending == Ending::terminate) {
    line += "be gone: " + name + " is terminated";
    if (behavior == Ending::none)
      line += " (what an OS shutdown does here is not known: ec2:DescribeInstanceAttribute was not answered)";
    if (behavior == Ending::stop) line += " by TerminateInstances, for an OS shutdown would only stop it";
  } else if (spec.then == Then::automatic && behavior == Ending::terminate) {
    line += "be shut down: " + name + " is set to terminate on an OS shutdown";
  } else if (spec.then == Then::automatic && behavior == Ending::none) {
    line += "be shut down: " + name + " stops or terminates as its owner set it";
  } else {
    line += "stop: " + name + " keeps its disks, which go on costing money";
    if (behavior == Ending::terminate)
      line += "; by StopInstances: an OS shutdown, the last resort where that is refused, would terminate it";
  }
  const bool goes = plan.ending == Ending::terminate || behavior == Ending::terminate;
  if (facts && goes && !facts->volumes.empty()) {
    line += "; volumes:";
    for (const auto& [id, deleted] : facts->volumes)
      line += " " + printable(id, 40) + (deleted ? " (deleted)" : " (kept, goes on costing money)");
  }
  return line;
}

std::vector<std::string> what_ends_it(const Spec& spec) {
  std::vector<std::string> lines;
  const auto& watches = spec.watches;
  const auto add = [&](std::string line) { lines.push_back(std::move(line)); };
  if (spec.max_cost) add("cost of " + format_limit(*spec.max_cost));
  if (watches.idle) {
    const auto below = "below " + percent_text(watches.idle_millipercent);
    if (spec.rules.guards_machine)
      add("GPUs " + below + " and no terminal input" +
          (watches.jupyter.empty() ? "" : " and no Jupyter kernel used") + " for " +
          format_duration(*watches.idle));
    else add((watches.idle_any ? "a GPU " : "all GPUs ") + below + " for " + format_duration(*watches.idle));
  }
  if (watches.gpu_start) add("no GPU ever used for " + format_duration(*watches.gpu_start));
  if (watches.stall)
    add("no output" +
        (watches.stall_path.empty() ? "" : " and nothing written below " + printable(watches.stall_path)) +
        " for " + format_duration(*watches.stall));
  if (!watches.done_file.empty()) add("file " + printable(watches.done_file));
  if (!watches.done_pattern.empty()) add("a line that matches " + printable(watches.done_pattern, 200));
  if (spec.on_ec2 && spec.spot_notice != SpotNotice::off) add("EC2's interruption notice");
  return lines;
}

std::vector<std::string> weaknesses(const Spec& spec) {
  std::vector<std::string> lines;
  if (!spec.ends_machine()) return lines;
  if (!spec.service)
    lines.emplace_back(
        "without systemd the guard is a plain process: it is restarted when it dies, but not after a reboot");
  if (!spec.root)
    lines.emplace_back(
        "without root only the EC2 API can end this machine, and nothing outlives a reboot (no L0, no L2)");
  else if (!spec.service) lines.emplace_back("L0 is `shutdown -h +N`: gone after a reboot");
  if (!spec.times.end_at)
    lines.emplace_back("no time limit: L0 is not armed, the guard alone ends this machine");
  return lines;
}

}  // namespace curfew::guard
