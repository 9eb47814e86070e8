// Parses the command line of `curfew stop`, and what its --help says.
#include "cli/stop_options.hpp"

#include <CLI/CLI.hpp>

#include "base/text.hpp"
#include "cli/parsing.hpp"
#include "notify/target.hpp"

namespace curfew::cli {

const std::string_view k_stop_help = R"(Usage: curfew stop [--now]
       curfew stop ID|JOB... [options]

Without any: stops the job that is guarded on THIS machine in order: SIGTERM, the grace period, saving, then the machine ends
as --then said. A machine that is kept after a failure (--keep-on-failure) ends now.
  --now             SIGKILL at once, without the grace period; results are saved all the same

With ids (i-0123456789abcdef0), or names of jobs or launches (the tags curfew:job and curfew:launch): TERMINATES these
instances, for that is what ends their cost; it stops those that the tag curfew:then=stop says so of, or with --then stop.
They're found in whichever region they are; what they are and what is lost is shown, and asked for once. A name that several
instances have ends none of them: they're listed, to be named by their ids. A persistent spot request is cancelled first. Each is done when it is seen to be shutting down
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

Exit code: without ids and names 0 asked; 3 no guard is running. With them 0 all of them are going or gone; 1 not all of them
are, you said no, or a place of --notify could not be told; 102 no credentials. 125 bad usage (among that no terminal and no
--yes, with which nothing is done), or curfew failed.

Examples:
  curfew stop
  curfew stop i-0123456789abcdef0
  curfew stop digits
  curfew stop i-0123456789abcdef0 i-0fedcba9876543210 --region us-east-1 --yes
)";

namespace {

constexpr const char* k_see_help = "see curfew stop --help";

tl::unexpected<Error> bad(std::string what, std::string why) {
  return fail(ErrorKind::invalid_input, std::move(what), std::move(why), k_see_help);
}

struct Raw {
  RawPlaces places;
  std::vector<std::string> notify;
  std::string then;
  bool now = false, yes = false, help = false;
};

}  // namespace

Result<StopOptions> parse_stop(const std::vector<std::string>& words) {
  StopOptions options;
  Raw raw;
  CLI::App app;
  app.set_help_flag();
  app.add_flag("-h,--help", raw.help);
  app.add_flag("--now", raw.now);
  app.add_flag("--yes", raw.yes);
  app.add_option("--then", raw.then);
  declare_places(app, raw.places);
  app.add_option("--notify", raw.notify)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);  // the word after it may be an id
  app.allow_extras();
  if (auto parsed = parse_words(app, words, "stop"); !parsed) return fail(std::move(parsed.error()));
  if (raw.help) {
    options.help = true;
    return options;
  }
  if (auto took = take_targets(app.remaining(), options.targets, k_see_help); !took)
    return fail(std::move(took.error()));
  if (auto took = take_places(raw.places, options.targets, k_see_help); !took)
    return fail(std::move(took.error()));
  if (auto took = take("--then", raw.then, options.then, parse_action); !took)
    return fail(std::move(took.error()));
  options.now = raw.now;
  options.yes = raw.yes;
  for (const auto& place : raw.notify)
    if (auto good = notify::check_option(place); !good)
      return fail(std::move(good.error()).within("--notify " + notify::shown_option(place)));
  options.notify = raw.notify;
  if (!options.targets.empty() && options.now)
    return bad("--now", "is for the guard on this machine, and not for instances by their ids or names");
  // None of them may fall back to ending this machine.
  const bool for_targets =
      options.yes || options.then || options.targets.has_place() || !options.notify.empty();
  if (options.targets.empty() && for_targets) return bad("no id is named", "that these options could be for");
  return options;
}

}  // namespace curfew::cli
