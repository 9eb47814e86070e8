// Parses the command line of `curfew stop`, and what its --help says.
#include "cli/stop_options.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "aws/core/endpoints.hpp"
#include "aws/imds.hpp"
#include "aws/sts.hpp"
#include "base/text.hpp"
#include "cli/parsing.hpp"
#include "notify/target.hpp"

namespace curfew::cli {

const std::string_view k_stop_help = R"(Usage: curfew stop [--now]
       curfew stop ID... [options]

Without ids: stops the job that is guarded on THIS machine in order: SIGTERM, the grace period, saving, then the machine ends
as --then said. A machine that is kept after a failure (--keep-on-failure) ends now.
  --now             SIGKILL at once, without the grace period; results are saved all the same

With ids (i-0123456789abcdef0): TERMINATES these instances, for that is what ends their cost; it stops those that the tag
curfew:then=stop says so of, or with --then stop. They're found in whichever region they are; what they are and what is lost
is shown, and asked for once. A persistent spot request is cancelled first. Each is done when it is seen to be shutting down
or stopping. Nothing is done to instances that are protected from termination, or that another service manages.
  --yes             don't ask; needed where stdin is no terminal
  --then ACTION     terminate, or stop
  --region R        look there only; may be repeated, or R,R (default: all that are enabled in the account)
  --account ROLE    look also in this account, by assuming that role (its ARN); may be repeated
  --profile NAME    credentials and region of this profile of ~/.aws
  --notify WHERE    tell there what was ended: a Slack-compatible https URL, sns:ARN, mailto:ADDRESS, env:NAME or file:PATH;
                    may be repeated

Each act leaves two lines in the ledger, one before and one after: ~/.local/state/curfew/ledger.jsonl, for root
/var/log/curfew/ledger.jsonl.

Exit code: without ids 0 asked; 3 no guard is running. With ids 0 all of them are going or gone; 1 not all of them are, you
said no, or a place of --notify could not be told; 102 no credentials. 125 bad usage (among that no terminal and no --yes, with which nothing is done), or curfew failed.

Examples:
  curfew stop
  curfew stop i-0123456789abcdef0
  curfew stop i-0123456789abcdef0 i-0fedcba9876543210 --region us-east-1 --yes
)";

namespace {

constexpr const char* k_see_help = "see curfew stop --help";
constexpr std::size_t k_most_ids = 200;  // as DescribeInstances takes them in a filter

tl::unexpected<Error> bad(std::string what, std::string why) {
  return fail(ErrorKind::invalid_input, std::move(what), std::move(why), k_see_help);
}

Result<watch::Action> parse_action(std::string_view text) {
  if (text == "terminate") return watch::Action::terminate;
  if (text == "stop") return watch::Action::stop;
  return bad("'" + printable(text, 40) + "'", "is neither terminate nor stop");
}

struct Raw {
  std::vector<std::string> regions, roles, notify;
  std::string profile, then;
  bool now = false, yes = false, help = false;
};

Status take_ids(const std::vector<std::string>& words, StopOptions& options) {
  for (const auto& word : words) {
    if (!aws::is_instance_id(word))
      return bad("'" + printable(word, 80) + "'", "is no instance's id, as i-0123456789abcdef0");
    if (std::find(options.ids.begin(), options.ids.end(), word) == options.ids.end())
      options.ids.push_back(word);
  }
  if (options.ids.size() > k_most_ids) return bad("the ids", "are more than 200");
  return {};
}

Status take_places(const Raw& raw, StopOptions& options) {
  for (const auto& typed : raw.regions) {
    for (const auto part : split(typed, ',')) {
      if (!aws::is_region(part))
        return bad("--region '" + printable(part, 80) + "'", "is no region's name, as us-east-1");
      if (std::find(options.regions.begin(), options.regions.end(), part) == options.regions.end())
        options.regions.emplace_back(part);
    }
  }
  for (const auto& role : raw.roles) {
    if (!aws::account_of_role(role))
      return bad("--account '" + printable(role, 80) + "'",
                 "is no role's ARN, as arn:aws:iam::123456789012:role/NAME");
    if (std::find(options.roles.begin(), options.roles.end(), role) == options.roles.end())
      options.roles.push_back(role);
  }
  return {};
}

}  // namespace

Result<StopOptions> parse_stop(const std::vector<std::string>& words) {
  StopOptions options;
  Raw raw;
  CLI::App app;
  const auto list = [&](const char* name, std::vector<std::string>& into) {
    // One value each time: the word after it may be an id.
    app.add_option(name, into)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->allow_extra_args(false);
  };
  app.set_help_flag();
  app.add_flag("-h,--help", raw.help);
  app.add_flag("--now", raw.now);
  app.add_flag("--yes", raw.yes);
  app.add_option("--then", raw.then);
  app.add_option("--profile", raw.profile);
  list("--region", raw.regions);
  list("--account", raw.roles);
  list("--notify", raw.notify);
  app.allow_extras();
  if (auto parsed = parse_words(app, words, "stop"); !parsed) return fail(std::move(parsed.error()));
  if (raw.help) {
    options.help = true;
    return options;
  }
  if (auto took = take_ids(app.remaining(), options); !took) return fail(std::move(took.error()));
  if (auto took = take_places(raw, options); !took) return fail(std::move(took.error()));
  if (auto took = take("--then", raw.then, options.then, parse_action); !took)
    return fail(std::move(took.error()));
  options.now = raw.now;
  options.yes = raw.yes;
  options.profile = raw.profile;
  for (const auto& place : raw.notify)
    if (auto good = notify::check_option(place); !good)
      return fail(std::move(good.error()).within("--notify " + notify::shown_option(place)));
  options.notify = raw.notify;
  if (!options.ids.empty() && options.now)
    return bad("--now", "is for the guard on this machine, and not for instances by their ids");
  // None of them may fall back to ending this machine.
  const bool for_ids = options.yes || options.then || !options.profile.empty() || !options.regions.empty() ||
                       !options.roles.empty() || !options.notify.empty();
  if (options.ids.empty() && for_ids) return bad("no id is named", "that these options could be for");
  return options;
}

}  // namespace curfew::cli
