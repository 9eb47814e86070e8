// `curfew teardown`: shows what setting up has made, and with --apply deletes it.
#include "setup/teardown.hpp"

#include <cstdio>

#include "aws/core/endpoints.hpp"
#include "base/text.hpp"
#include "cli/account_commands.hpp"
#include "cli/account_options.hpp"
#include "cli/account_session.hpp"
#include "cli/output.hpp"
#include "os/terminal.hpp"
#include "setup/teardown_work.hpp"

namespace curfew::cli {
namespace {

constexpr int k_exit_incomplete = 1;

// Where launches may be that use what is to go: the roles serve every region.
net::Awaitable<Result<std::vector<std::string>>> find_instances(aws::Session& session, setup::Place place,
                                                                bool everywhere) {
  std::vector<std::string> regions{place.region};
  if (everywhere) {
    const auto inventory = aws::make_ec2_inventory(session, place.region);
    auto asking = inventory->regions();
    const auto page = co_await std::move(asking);
    if (!page) co_return fail(setup::with_permission(Error{page.error()}, "ec2:DescribeRegions"));
    regions.clear();
    // A test server tells those of other partitions too.
    for (const auto& region : page->rows)
      if (region.opt_in != aws::OptIn::not_opted_in && aws::partition_of(region.name).name == place.partition)
        regions.push_back(region.name);
  }
  std::vector<std::string> all;
  for (const auto& region : regions) {
    const auto inventory = aws::make_ec2_inventory(session, region);
    auto looking = setup::launched_in(*inventory, region);
    auto found = co_await std::move(looking);
    if (!found) co_return found;
    all.insert(all.end(), found->begin(), found->end());
  }
  co_return all;
}

int tear_down(const TeardownOptions& options, AccountSession& session) {
  const auto place = session.place();
  if (!place) {
    say(place.error().text());
    const auto kind = place.error().kind;
    const bool unread = kind == ErrorKind::unavailable || kind == ErrorKind::timed_out;
    return unread ? k_exit_incomplete : k_exit_failed;
  }
  const setup::TeardownWish wish{*place, options.keep_roles, options.delete_results};
  AccountServices services(session.session(), *place);
  setup::TeardownFound found;
  auto reading = setup::read_account(services.calls(), *place);
  found.account = session.complete(std::move(reading));
  const auto& bucket = found.account.bucket;
  if (bucket.is_there.value_or(false) && bucket.tags && setup::is_ours(*bucket.tags)) {
    auto counting = setup::read_heaps(services.calls(), *place);
    found.heaps = session.complete(std::move(counting));
  }
  auto looking = find_instances(session.session(), *place, !options.keep_roles);
  found.instances = session.complete(std::move(looking));
  const auto plan = setup::plan_teardown(wish, found);
  if (!show(setup::text_of(plan, *place))) return k_exit_failed;
  const int code = plan.is_complete() ? 0 : k_exit_incomplete;
  if (!plan.has_steps())
    return code != 0 || show("\nNothing to do: none of it is there.\n") ? code : k_exit_failed;
  if (!plan.in_the_way.empty()) return show("\nNothing was deleted.\n") ? code : k_exit_failed;
  if (!options.apply)
    return show("\nNothing was deleted: `curfew teardown --apply` does it.\n") ? code : k_exit_failed;
  (void)show("\n");
  auto deleting = setup::tear_down(services.calls(), *place, plan, [](const setup::Outcome& outcome) {
    if (outcome.status) (void)show(outcome.what + "\n");
    else say(outcome.status.error().text());
  });
  const bool all = session.complete(std::move(deleting));
  if (!all) say("the rest was deleted; run it again to complete it");
  return all ? code : k_exit_incomplete;
}

}  // namespace

int teardown_command(const Words& words, const World& world) {
  const auto options = parse_teardown(words);
  if (!options) {
    say(options.error().text());
    return k_exit_failed;
  }
  if (options->help) return show(std::string(k_teardown_help)) ? 0 : k_exit_failed;
  if (options->apply && os::stdout_was_closed()) {
    say("stdout is closed: nobody would see what is deleted, so nothing is");
    return k_exit_failed;
  }
  AccountSession session(options->profile, options->region, world.clock);
  return tear_down(*options, session);
}

}  // namespace curfew::cli
