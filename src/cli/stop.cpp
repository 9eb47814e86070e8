// `curfew stop ID|JOB...`: ends instances that a person names, wherever they are.
#include "cli/stop.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "cli/accounts.hpp"
#include "cli/commands.hpp"
#include "cli/ledger_place.hpp"
#include "cli/targets.hpp"
#include "cli/teller.hpp"
#include "net/environment.hpp"
#include "net/within.hpp"
#include "os/signals.hpp"
#include "os/terminal.hpp"
#include "watch/act_text.hpp"
#include "watch/lanes.hpp"
#include "watch/stop_plan.hpp"

namespace curfew::cli {
namespace {

constexpr std::size_t k_ended_at_once = 8;
constexpr Millis k_caller_limit{30'000};

watch::Act act_on(const watch::FoundInstance& found, watch::Action action, WallTime now) {
  watch::Act act;
  act.at = now;
  act.action = action;
  act.account = found.machine.account;
  act.region = found.machine.region;
  act.instance = found.machine.id;
  act.name = found.machine.name;
  act.why = "asked for by curfew stop";
  return act;
}

// Who does it, for the ledger; somebody is waiting for the instance to end, so that it's tried without that too.
net::Awaitable<std::string> caller_of(watch::Reads& reads) {
  auto asking = reads.caller();
  const auto caller = co_await net::within(k_caller_limit, std::move(asking));
  if (caller && *caller) co_return (*caller)->arn;
  co_return std::string();
}

net::Awaitable<void> end(const watch::FoundInstance& found, watch::Act& act, watch::ActLog& log,
                         const watch::EndingLimits& limits, const std::string& profile) {
  auto asking = caller_of(*found.reads);
  act.by = co_await std::move(asking);
  const auto ec2 = found.reads->ec2(found.machine.region);
  const auto inventory = found.reads->inventory(found.machine.region);
  watch::Ending ending;
  ending.act = act;
  ending.spot_request = found.spot_request;
  ending.is_spot = found.machine.lifecycle == watch::Lifecycle::spot;
  ending.profile = profile;
  ending.role = found.role;
  auto ended = co_await watch::end_instance(*ec2, *inventory, std::move(ending), limits, log);
  act = std::move(ended);
}

// On stdout; where that can't be written any more, on stderr: what was ended must not go unsaid.
void tell_done(const std::string& text) {
  if (std::printf("%s\n", text.c_str()) >= 0 && std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  std::clearerr(stdout);
  say(text);
}

// What was done, and tried. Each is said as soon as it's known.
std::vector<watch::Act> end_all(const std::vector<watch::FoundInstance>& found,
                                const std::vector<watch::StopStep>& steps, const std::string& profile,
                                Accounts& accounts, const os::Clock& clock,
                                const net::Environment& environment) {
  auto ledger = make_ledger(environment, "stop", clock, watch::Unwritable::warns);
  const watch::EndingLimits limits;
  std::vector<watch::Act> acts(found.size());
  std::vector<watch::Job> jobs;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!watch::is_to_do(steps[i].decision)) continue;
    acts[i] = act_on(found[i], steps[i].action, clock.wall());
    jobs.emplace_back([&, i]() -> net::Awaitable<void> {
      auto ending = end(found[i], acts[i], ledger, limits, profile);
      co_await std::move(ending);
      const auto text = watch::act_text(acts[i], watch::Enforced::Mode::on, true);
      if (acts[i].done) tell_done(text);
      else say(text);
    });
  }
  const os::SaidOnSignals said(interrupted_text(environment));
  accounts.run([&]() -> net::Awaitable<void> { co_await watch::run_all(std::move(jobs), k_ended_at_once); });
  const auto untouched = [](const watch::Act& act) { return act.instance.empty(); };
  acts.erase(std::remove_if(acts.begin(), acts.end(), untouched), acts.end());
  return acts;
}

}  // namespace

int stop_instances(const StopOptions& options, const World& world) {
  os::survive_broken_pipes();
  if (os::stdout_was_closed()) {
    say("stop: stdout is closed: nobody would see what is to be ended, so nothing is done");
    return k_exit_failed;
  }
  if (!options.yes && ::isatty(STDIN_FILENO) != 1) {
    say("stop: stdin is no terminal on which to ask, so nothing is done (--yes ends them without asking)");
    return k_exit_failed;
  }
  const auto environment = net::process_environment();
  const auto& targets = options.targets;
  auto teller = Teller::make({options.notify, {}, {}, false, targets.profile}, world.clock, environment, say);
  if (!teller) {
    say(teller.error().text());
    return k_exit_failed;
  }
  Accounts accounts({targets.profile, targets.regions, targets.roles, "curfew-stop"}, world.clock,
                    environment);
  if (auto signed_in = accounts.sign_in(); !signed_in) {
    say(signed_in.error().text());
    return k_exit_no_credentials;
  }
  const auto findings = find_targets(accounts, targets, world.clock);

  std::size_t failures = 0;
  std::vector<watch::StopStep> steps;
  for (const auto& found : findings.found) {
    steps.push_back(watch::decide_stop(found, options.then));
    show(watch::stop_lines(found, steps.back(), world.clock.wall(), targets.profile));
    if (watch::is_refused(steps.back().decision)) ++failures;
  }
  failures += say_missing(findings, targets, world.clock);

  const auto question = watch::stop_question(steps);
  errno = 0;
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    say("stop: what is to be ended can't be shown, so nothing is done" +
        (errno == 0 ? std::string() : ": " + std::string(std::strerror(errno))));
    return k_exit_failed;
  }
  if (!question.empty()) {
    if (!options.yes && !says_yes(question)) {
      say("nothing is done");
      return k_exit_not_all;
    }
    const auto acts = end_all(findings.found, steps, targets.profile, accounts, world.clock, environment);
    failures += static_cast<std::size_t>(
        std::count_if(acts.begin(), acts.end(), [](const watch::Act& act) { return !act.done; }));
    watch::Report report;
    report.at = world.clock.wall();
    if (!teller->tell(report, acts)) ++failures;
  }
  return failures == 0 ? 0 : k_exit_not_all;
}

}  // namespace curfew::cli
