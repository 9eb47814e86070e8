// `curfew setup`: what launches need of an account, shown, and with --apply made.
#include <algorithm>
#include <cstdio>

#include "aws/core/endpoints.hpp"
#include "base/text.hpp"
#include "cli/account_commands.hpp"
#include "cli/account_options.hpp"
#include "cli/account_session.hpp"
#include "cli/output.hpp"
#include "os/terminal.hpp"
#include "setup/account.hpp"
#include "setup/account_work.hpp"

namespace curfew::cli {
namespace {

constexpr int k_exit_incomplete = 1;

int told(const Error& error) {
  say(error.text());
  const bool unread = error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timed_out;
  return unread ? k_exit_incomplete : k_exit_failed;
}

int print_policies(const SetupOptions& options, AccountSession& session) {
  Result<setup::Place> place;
  if (options.account.empty()) {
    place = session.place();
  } else if (auto region = session.region(); region) {
    place = setup::Place{std::string(aws::partition_of(*region).name), options.account, *region};
  } else {
    place = fail(std::move(region.error()));
  }
  if (!place) return told(place.error());
  const setup::JobPlaces places{options.results, options.data};
  if (options.policy.empty()) return show(setup::policies_as_json(*place, places)) ? 0 : k_exit_failed;
  for (const auto& policy : setup::all_policies(*place, places))
    if (policy.name == options.policy) return show(setup::indented(policy.document)) ? 0 : k_exit_failed;
  return k_exit_failed;
}

bool makes_roles(const setup::AccountPlan& plan) {
  return std::any_of(plan.parts.begin(), plan.parts.end(), [](const setup::AccountPart& part) {
    return part.verdict == setup::Verdict::create && (part.name == setup::AccountPartName::instance_profile ||
                                                      part.name == setup::AccountPartName::scheduler_role);
  });
}

int set_up(const SetupOptions& options, AccountSession& session) {
  const auto place = session.place();
  if (!place) return told(place.error());
  const setup::AccountWish wish{*place, {options.results, options.data}, options.remove, options.keep_days};
  AccountServices services(session.session(), *place);
  auto reading = setup::read_account(services.calls(), *place);
  const auto plan = setup::plan_account(wish, session.complete(std::move(reading)));
  if (!show(setup::text_of(plan, *place))) return k_exit_failed;
  if (!plan.is_complete()) say("not all of it is there or can be made: what is above says why");
  const int code = plan.is_complete() ? 0 : k_exit_incomplete;
  if (!plan.has_steps())
    return code != 0 || show("\nNothing to do: all of it is there.\n") ? code : k_exit_failed;
  if (!options.apply)
    return show("\nNothing was done: `curfew setup --apply` does it.\n") ? code : k_exit_failed;
  (void)show("\n");
  auto making = setup::make_account(services.calls(), *place, plan, [](const setup::Outcome& outcome) {
    if (outcome.status) (void)show(outcome.what + "\n");
    else say(outcome.status.error().text());
  });
  const bool all = session.complete(std::move(making));
  if (!all) say("what was made stays; run it again to complete it");
  if (all && makes_roles(plan))
    (void)show("It may take AWS some seconds until new roles are known everywhere.\n");
  return all ? code : k_exit_incomplete;
}

}  // namespace

int setup_command(const Words& words, const World& world) {
  if (!words.empty() && words[0] == "billing")
    return setup_billing_command({words.begin() + 1, words.end()}, world);
  const auto options = parse_setup(words);
  if (!options) return told(options.error());
  if (options->help) return show(std::string(k_setup_help)) ? 0 : k_exit_failed;
  if (options->apply && os::stdout_was_closed()) {
    say("stdout is closed: nobody would see what is done, so nothing is");
    return k_exit_failed;
  }
  AccountSession session(options->profile, options->region, world.clock);
  return options->print_policy ? print_policies(*options, session) : set_up(*options, session);
}

}  // namespace curfew::cli
