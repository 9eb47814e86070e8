// Parses the command line of `curfew check`.
#include "cli/check_options.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "aws/core/endpoints.hpp"
#include "aws/sts.hpp"
#include "base/text.hpp"
#include "cli/parsing.hpp"
#include "notify/target.hpp"

namespace curfew::cli {
namespace {

constexpr Seconds k_least_watch{10};
constexpr const char* k_see_help = "see curfew check --help";
constexpr std::uint64_t k_most_kills = 10'000;

struct Raw {
  std::string profile, warn, crit, warn_cost, crit_cost, older_than, state, format, output, exit_style, limit;
  std::string max_kills, notify_state, notify_again, watch;
  std::vector<std::string> regions, excluded, roles, tags, notify;
  bool allow_denied = false, help = false;
  bool enforce = false, yes = false, yes_all = false, no_ledger = false;
};

void declare(CLI::App& app, Raw& raw) {
  const auto list = [&](const char* name, std::vector<std::string>& into) {
    app.add_option(name, into)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  app.set_help_flag();
  app.add_flag("-h,--help", raw.help);
  list("--region", raw.regions);
  list("--exclude-region", raw.excluded);
  list("--account", raw.roles);
  list("--tag", raw.tags);
  app.add_option("--profile", raw.profile);
  app.add_option("--warn", raw.warn);
  app.add_option("--crit", raw.crit);
  app.add_option("--warn-cost", raw.warn_cost);
  app.add_option("--crit-cost", raw.crit_cost);
  app.add_option("--older-than", raw.older_than);
  app.add_option("--state", raw.state);
  app.add_option("--format", raw.format);
  app.add_option("--output", raw.output);
  app.add_option("--exit-style", raw.exit_style);
  app.add_option("--limit", raw.limit);
  list("--notify", raw.notify);
  app.add_option("--notify-state", raw.notify_state);
  app.add_option("--notify-again", raw.notify_again);
  app.add_option("--watch", raw.watch);
  app.add_flag("--allow-denied", raw.allow_denied);
  app.add_flag("--enforce", raw.enforce);
  app.add_flag("--yes", raw.yes);
  app.add_flag("--yes-all", raw.yes_all);
  app.add_option("--max-kills", raw.max_kills);
  app.add_flag("--no-ledger", raw.no_ledger);
  app.allow_extras();
}

tl::unexpected<Error> bad_value(const char* option, std::string_view value, std::string cause,
                                std::string hint = k_see_help) {
  return fail(ErrorKind::invalid_input, std::string(option) + " '" + printable(value, 80) + "'",
              std::move(cause), std::move(hint));
}

// "a,b" is two, as is giving the option twice.
Result<std::vector<std::string>> regions_of(const char* option, const std::vector<std::string>& typed) {
  std::vector<std::string> regions;
  for (const auto& text : typed) {
    for (const auto part : split(text, ',')) {
      if (!aws::is_region(part)) return bad_value(option, part, "is no region's name", "as us-east-1");
      if (std::find(regions.begin(), regions.end(), part) == regions.end()) regions.emplace_back(part);
    }
  }
  return regions;
}

Status take_lists(const Raw& raw, CheckOptions& options) {
  auto regions = regions_of("--region", raw.regions);
  if (!regions) return fail(std::move(regions.error()));
  options.regions = std::move(*regions);
  auto excluded = regions_of("--exclude-region", raw.excluded);
  if (!excluded) return fail(std::move(excluded.error()));
  options.excluded = std::move(*excluded);
  const auto is_excluded = [&](const std::string& region) {
    return std::find(options.excluded.begin(), options.excluded.end(), region) != options.excluded.end();
  };
  if (!options.regions.empty() && std::all_of(options.regions.begin(), options.regions.end(), is_excluded))
    return fail(ErrorKind::invalid_input, "--exclude-region", "leaves no --region to read", k_see_help);
  for (const auto& role : raw.roles) {
    if (!aws::account_of_role(role))
      return bad_value("--account", role, "is no role's ARN", "as arn:aws:iam::123456789012:role/NAME");
    if (std::find(options.roles.begin(), options.roles.end(), role) == options.roles.end())
      options.roles.push_back(role);
  }
  for (const auto& tag : raw.tags) {
    auto filter = watch::parse_tag_filter(tag);
    if (!filter) return fail(std::move(filter.error()).within("--tag"));
    options.filter.tags.push_back(std::move(*filter));
  }
  return {};
}

Result<std::size_t> parse_count(std::string_view text) {
  const auto number = parse_number(text);
  if (!number || *number == 0 || *number > k_most_kills)
    return fail(ErrorKind::invalid_input, "'" + printable(text, 40) + "'", "is no number from 1 to 10000",
                k_see_help);
  return static_cast<std::size_t>(*number);
}

Status take_enforcement(const Raw& raw, CheckOptions& options) {
  for (const auto& [given, name] : {std::pair{raw.yes, "--yes"},
                                    {raw.yes_all, "--yes-all"},
                                    {!raw.max_kills.empty(), "--max-kills"},
                                    {raw.no_ledger, "--no-ledger"}}) {
    if (given && !raw.enforce)
      return fail(ErrorKind::invalid_input, name, "says nothing without --enforce", k_see_help);
  }
  if (raw.yes_all && !raw.yes)
    return fail(ErrorKind::invalid_input, "--yes-all", "says how many, and ends nothing without --yes",
                k_see_help);
  if (raw.yes_all && !raw.max_kills.empty())
    return fail(ErrorKind::invalid_input, "--max-kills " + printable(raw.max_kills, 40),
                "and --yes-all contradict each other", k_see_help);
  options.enforce = raw.enforce;
  options.enforcement.yes = raw.yes;
  options.enforcement.any_number = raw.yes_all;
  options.no_ledger = raw.no_ledger;
  return take("--max-kills", raw.max_kills, options.enforcement.max_kills, parse_count);
}

Status take_notify(const Raw& raw, CheckOptions& options) {
  for (const auto& place : raw.notify) {
    if (auto good = notify::check_option(place); !good)
      return fail(std::move(good.error()).within("--notify " + notify::shown_option(place)));
  }
  const auto needs = [&](const std::string& value, const char* option, bool has, const char* what) -> Status {
    if (value.empty() || has) return {};
    return fail(ErrorKind::invalid_input, option, std::string("means nothing without ") + what, k_see_help);
  };
  if (auto good = needs(raw.notify_state, "--notify-state", !raw.notify.empty(), "--notify"); !good)
    return good;
  const bool remembers = !raw.notify.empty() && !(raw.notify_state.empty() && raw.watch.empty());
  if (auto good = needs(raw.notify_again, "--notify-again", remembers, "--notify and --notify-state"); !good)
    return good;
  options.notify = raw.notify;
  options.notify_state = raw.notify_state;
  return take("--notify-again", raw.notify_again, options.notify_again, parse_duration);
}

Status take_watch(const Raw& raw, CheckOptions& options) {
  if (auto took = take("--watch", raw.watch, options.watch, parse_duration); !took) return took;
  if (!options.watch) return {};
  if (options.enforce)
    return fail(ErrorKind::invalid_input, "--watch",
                "and --enforce don't go together: nobody would see each end", "run --enforce from cron");
  // Each round asks every region of every account.
  if (*options.watch < k_least_watch)
    return bad_value("--watch", raw.watch, "is too often: AWS limits how much may be asked",
                     "at least " + format_duration(k_least_watch));
  if (options.format != watch::Format::table && raw.output.empty())
    return fail(ErrorKind::invalid_input, "--watch --format " + raw.format, "needs a file that is replaced",
                "give it an --output");
  return {};
}

}  // namespace

Result<CheckOptions> parse_check(const std::vector<std::string>& words) {
  CheckOptions options;
  Raw raw;
  CLI::App app;
  declare(app, raw);
  if (auto parsed = parse_words(app, words, "check"); !parsed) return fail(std::move(parsed.error()));
  if (raw.help) {
    options.help = true;
    return options;
  }
  if (!app.remaining().empty())
    return fail(ErrorKind::invalid_input, "'" + printable(app.remaining().front(), 80) + "'",
                "is not an option", k_see_help);
  if (auto took = take_lists(raw, options); !took) return fail(std::move(took.error()));
  auto& [warn, crit, warn_cost, crit_cost] = options.thresholds;
  for (auto took :
       {take("--warn", raw.warn, warn, parse_duration), take("--crit", raw.crit, crit, parse_duration),
        take("--warn-cost", raw.warn_cost, warn_cost, parse_dollars),
        take("--crit-cost", raw.crit_cost, crit_cost, parse_dollars),
        take("--older-than", raw.older_than, options.filter.older_than, parse_duration),
        take("--limit", raw.limit, options.limit, parse_duration),
        take("--state", raw.state, options.filter.states, watch::parse_states),
        take("--format", raw.format, options.format, watch::parse_format),
        take("--exit-style", raw.exit_style, options.exit_style, watch::parse_exit_style)}) {
    if (!took) return fail(std::move(took.error()));
  }
  // A default must not make one that was typed wrong.
  if (raw.crit.empty()) crit = std::max(*crit, *warn);
  if (raw.warn.empty()) warn = std::min(*warn, *crit);
  if (*warn > *crit)
    return fail(ErrorKind::invalid_input, "--warn " + raw.warn, "comes after --crit " + raw.crit, k_see_help);
  if (warn_cost && crit_cost && *warn_cost > *crit_cost)
    return fail(ErrorKind::invalid_input, "--warn-cost " + raw.warn_cost,
                "is more than --crit-cost " + raw.crit_cost, k_see_help);
  if (auto took = take_enforcement(raw, options); !took) return fail(std::move(took.error()));
  options.profile = raw.profile;
  options.output = raw.output;
  options.allow_denied = raw.allow_denied;
  if (auto took = take_notify(raw, options); !took) return fail(std::move(took.error()));
  if (auto took = take_watch(raw, options); !took) return fail(std::move(took.error()));
  return options;
}

}  // namespace curfew::cli
