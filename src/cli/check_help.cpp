// What `curfew check --help` says.
#include "cli/check_options.hpp"

namespace curfew::cli {

const std::string_view k_check_help = R"(Usage: curfew check [options]

Shows every running instance of the account, in all of its regions, with its true cost, and tells by its exit code how many
need attention. It changes nothing, but with --enforce --yes. Defaults can stand in files, under [check]:
docs/configuration.md.

What is read:
  --region R           this region only; may be repeated, or R,R (default: all that are enabled in the account)
  --exclude-region R   not this one; may be repeated, or R,R
  --account ROLE_ARN   also this account, by assuming that role; may be repeated
  --profile NAME       credentials and region of this profile of ~/.aws
  --allow-denied       a region that a policy denies explicitly is shown as not read, and isn't an error
  --limit TIME         what isn't read by then is an error (default 2m)

Which instances are shown:
  --tag KEY[=VALUE]    only those with this tag; may be repeated: all of the keys, any of a key's values
  --older-than TIME    only those that have run for so long
  --state S,S          pending, running, shutting-down, stopping, stopped, terminated, or all
                       (default pending,running)

What needs attention (an instance's own tags curfew:warn, curfew:crit, curfew:warn-cost, curfew:crit-cost hold over these):
  --warn TIME          WARNING after it has run for so long (default 2h)
  --crit TIME          CRITICAL after so long (default 6h)
  --warn-cost DOLLARS  WARNING when it has cost so much since it was started
  --crit-cost DOLLARS  CRITICAL when it has cost so much
Past its own curfew:deadline is CRITICAL. A GPU instance without a deadline is a WARNING, and so is one with a deadline
whose schedule outside of it is missing. Tagged curfew:keep=REASON it's shown and counted, and nothing more.

What is ended:
  --enforce            what is past its own curfew:deadline, and nothing else; without --yes that is only listed, and so is,
                       under NOT TOUCHED, what is left alone and why. Of what is shown: the options above narrow it
  --yes                end it: TerminateInstances, or StopInstances where the tag curfew:then=stop says so
  --max-kills N        at most so many, those first that are overdue for longest (default 10)
  --yes-all            with --yes: however many
  --no-ledger          also where the ledger of acts can't be written

How it's shown:
  --format FORMAT      table, json, csv, or prometheus (default table)
  --output FILE        into this file, replaced as a whole
  --exit-style STYLE   count, nagios, or zero (default count)
  --watch TIME         again and again, so often (at least 10s), drawn over what was there; q or Ctrl-C ends it

Who is told (docs/check.md):
  --notify WHERE       one message of all that needs attention or could not be read: to a Slack-compatible https URL,
                       sns:ARN, mailto:ADDRESS, ssm:/PARAMETER, env:NAME or file:PATH; may be repeated
  --notify-state FILE  what was told is kept here, so that only what is new, worse, otherwise or gone is told
  --notify-again TIME  and all of it once more after so long (default 24h)

Exit code, by --exit-style:
  count    how many instances need attention, at most 100; 101 when anything could not be read, whatever was found
  nagios   2 something is critical; else 3 anything could not be read; 1 warnings; 0 none
  zero     0, also when instances need attention; 101 when anything could not be read, or --enforce could not end
           what it was to end
A place of --notify that could not be told counts as what could not be read. Also: 102 no credentials; 103 bad usage, or
the result can't be written (nagios: 3 for both).

Examples:
  curfew check
  curfew check --region us-east-1,us-west-2 --warn 4h --crit 12h --crit-cost 50
  curfew check --enforce
  curfew check --enforce --yes
  curfew check --notify file:$HOME/.slack --notify-state ~/.curfew-told --exit-style zero >/dev/null
  curfew check --format json | jq '.instances[] | select(.severity == "CRITICAL") | .id'
  curfew check --format prometheus --output /var/lib/node_exporter/curfew.prom --exit-style zero
)";

}  // namespace curfew::cli
