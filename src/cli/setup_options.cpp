// Parses the command line of `curfew setup billing`, and says what it can do.
#include "cli/setup_options.hpp"

#include <CLI/CLI.hpp>

#include "base/text.hpp"
#include "cli/parsing.hpp"
#include "setup/billing.hpp"

namespace curfew::cli {

const std::string_view k_setup_billing_help =
    R"(Usage: curfew setup billing --limit DOLLARS --email ADDRESS [options]

Sets up two alarms against a surprise bill that don't depend on each other: a CloudWatch alarm on the account's estimated
charges, which tells an SNS topic with your address (all three in us-east-1), and an AWS budget, which writes to you when
50 %, 80 % and 100 % of it are spent, and when it's forecast to be. Both are hours late: they end nothing, and are no deadline.

Shows first what is there, what would be created and what would be changed, then asks. Run again, it changes only what isn't
as it should be; what others have added to the alarm or the budget stays.

  --limit DOLLARS   a month, as 50 or 49.99
  --email ADDRESS   who is written to; SNS's mail has to be confirmed once
  --name NAME       of topic, alarm and budget (default curfew-billing)
  --profile NAME    credentials of this profile of ~/.aws
  --yes             don't ask; needed where no terminal is there to ask on
  --dry-run         only show

It can't switch on "Receive CloudWatch billing alerts" in the account: nobody can but a person in the console; it tells you
where that's needed. Rights, prices and how to take it all away: docs/billing.md.

Exit code:
  0     all of it is there, or would be (--dry-run)
  1     something could not be read, made or changed, or is in the way; the rest was done
  2     nobody said yes; nothing was done
  125   bad usage, no credentials, or a partition without billing metrics (China, GovCloud); nothing was done

Examples:
  curfew setup billing --limit 50 --email you@example.org
  curfew setup billing --limit 200 --email team@example.org --profile lab --yes
)";

namespace {

constexpr const char* k_see_help = "see curfew setup billing --help";

struct Raw {
  std::string limit, email, name, profile;
  bool yes = false, dry_run = false, help = false;
};

void declare(CLI::App& app, Raw& raw) {
  app.set_help_flag();
  app.add_flag("-h,--help", raw.help);
  app.add_option("--limit", raw.limit);
  app.add_option("--email", raw.email);
  app.add_option("--name", raw.name);
  app.add_option("--profile", raw.profile);
  app.add_flag("--yes", raw.yes);
  app.add_flag("--dry-run", raw.dry_run);
  app.allow_extras();
}

}  // namespace

Result<SetupBillingOptions> parse_setup_billing(const std::vector<std::string>& words) {
  SetupBillingOptions options;
  Raw raw;
  CLI::App app;
  declare(app, raw);
  if (auto parsed = parse_words(app, words, "setup billing"); !parsed) return fail(std::move(parsed.error()));
  if (raw.help) {
    options.help = true;
    return options;
  }
  if (!app.remaining().empty())
    return fail(ErrorKind::invalid_input, "'" + printable(app.remaining().front(), 80) + "'",
                "is not an option", k_see_help);
  for (const auto& [name, value] : {std::pair{"--limit", &raw.limit}, std::pair{"--email", &raw.email}})
    if (value->empty()) return fail(ErrorKind::invalid_input, name, "is missing", k_see_help);
  for (auto took : {take("--limit", raw.limit, options.limit, setup::parse_monthly_limit),
                    take("--email", raw.email, options.email, setup::parse_email),
                    take("--name", raw.name, options.name, setup::parse_name)})
    if (!took) return fail(std::move(took.error()));
  options.profile = raw.profile;
  options.yes = raw.yes;
  options.dry_run = raw.dry_run;
  return options;
}

}  // namespace curfew::cli
