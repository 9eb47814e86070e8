// Parses the command lines of `curfew guard` and `curfew extend`, and what their --help says.
#include "cli/outside_options.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "aws/sts.hpp"
#include "base/text.hpp"
#include "cli/parsing.hpp"

namespace curfew::cli {

const std::string_view k_guard_help = R"(Usage: curfew guard ID... [options]

Puts an end on an instance (i-0123456789abcdef0) that already runs, from outside: an EventBridge schedule that ends it, and
tags that say when (curfew:deadline, curfew:job, curfew:then), by which `curfew check --enforce` goes, and a curfew on it.
Nothing is installed on it, and nothing on it is saved. It's found in whichever region it is; what will be done is shown, and
asked for once. `curfew extend ID TIME` moves that end, `curfew stop ID` brings it now.

  --max-time TIME       it's to be gone this long from now: 90m, 4h (default 4h)
  --max-hours N         the same in hours
  --then ACTION         stop (default; its disks stay, and go on costing money), or terminate (default of spot instances)
  --scheduler-role ARN  the role that EventBridge Scheduler takes to end it (default: the one that `curfew setup` makes)
  --no-schedule         only the tags: then nothing in AWS ends it
  --name JOB            its tag curfew:job (default: the one it has, its Name, or its id)
  --yes                 don't ask; needed where stdin is no terminal
  --region R            look there only; may be repeated, or R,R (default: all that are enabled in the account)
  --account ROLE        look also in this account, by assuming that role (its ARN); may be repeated
  --profile NAME        credentials and region of this profile of ~/.aws

The schedule comes first, then the tags: broken off before the end it ends the instance all the same, or has changed nothing;
run it again to finish. Refused: an instance with a deadline, one that doesn't run, one in an Auto Scaling group or of a
persistent spot request (both would bring another), one that is protected from termination and was to be terminated.

Exit code: 0 all are guarded; 1 not all are, or you said no; 102 no credentials; 125 bad usage, or curfew failed.

Examples:
  curfew guard i-0123456789abcdef0 --max-time 4h
  curfew guard i-0123456789abcdef0 --then terminate --max-hours 8 --no-schedule --yes
)";

const std::string_view k_extend_help = R"(Usage: curfew extend TIME
       curfew extend ID|JOB... TIME [options]
       curfew extend ID|JOB... --to WHEN [options]

With TIME alone: gives the job that is guarded on THIS machine so much more. The time at which it is stopped, and the time at
which the machine is gone, both move, and L0 with them. Refused once the job is being stopped, and beyond a deadline that is
held outside this machine (the tag curfew:deadline).

With an id (i-0123456789abcdef0), or the name of a job or launch (the tags curfew:job and curfew:launch), from anywhere: moves
the end of that instance, its schedule and its tag curfew:deadline; a guard on it follows within 30 s. A negative TIME (-30m)
brings it earlier. Never beyond its tag curfew:max-deadline. Each is read back. Broken off before the end, the earliest of its
ends holds; run it again to finish. A name that several instances have moves none of them: they're listed.

  --to WHEN             to that time, with a zone: 2026-11-25T06:00Z
  --scheduler-role ARN  makes its schedule anew where that is missing, with this role
  --no-schedule         where it's missing, do without
  --region R, --account ROLE, --profile NAME
                        where to look, as for `curfew stop`

Exit code: 0 moved; 1 refused, or not all are; 3 no guard is running; 102 no credentials; 125 bad usage, or curfew failed.

Examples:
  curfew extend 2h
  curfew extend digits 2h
  curfew extend i-0123456789abcdef0 -30m --region us-east-1
)";

namespace {

constexpr const char* k_see_guard = "see curfew guard --help";
constexpr const char* k_see_extend = "see curfew extend --help";
constexpr Seconds k_most_at_once = std::chrono::hours{24 * 31};

Status take_role(const std::string& role, std::string& into, const char* see_help) {
  if (!role.empty() && !aws::account_of_role(role))
    return fail(ErrorKind::invalid_input, "--scheduler-role '" + printable(role, 80) + "'",
                "is no role's ARN, as arn:aws:iam::123456789012:role/NAME", see_help);
  into = role;
  return {};
}

bool is_negative_time(std::string_view word) {
  return word.size() > 1 && word[0] == '-' && word[1] >= '0' && word[1] <= '9';
}

Result<Seconds> parse_time(std::string_view word) {
  const bool is_less = word.starts_with("-");
  if (is_less || word.starts_with("+")) word.remove_prefix(1);
  auto time = parse_duration(word);
  if (!time) return fail(std::move(time.error()).within("TIME"));
  if (*time > k_most_at_once)
    return fail(ErrorKind::invalid_input, "TIME '" + printable(word, 40) + "'", "is more than 31 days",
                k_see_extend);
  return is_less ? -*time : *time;
}

}  // namespace

Result<GuardOptions> parse_guard(const std::vector<std::string>& words) {
  GuardOptions options;
  RawPlaces places;
  std::string max_time, max_hours, then, role;
  bool no_schedule = false;
  CLI::App app;
  app.set_help_flag();
  app.add_flag("-h,--help", options.help);
  app.add_flag("--yes", options.yes);
  app.add_flag("--no-schedule", no_schedule);
  app.add_option("--max-time", max_time);
  app.add_option("--max-hours", max_hours);
  app.add_option("--then", then);
  app.add_option("--scheduler-role", role);
  app.add_option("--name", options.wish.name);
  declare_places(app, places);
  app.allow_extras();
  if (auto parsed = parse_words(app, words, "guard"); !parsed) return fail(std::move(parsed.error()));
  if (options.help) return options;
  const auto bad = [](std::string what, std::string why) {
    return fail(ErrorKind::invalid_input, std::move(what), std::move(why), k_see_guard);
  };
  for (auto took : {take_targets(app.remaining(), options.targets, k_see_guard),
                    take_places(places, options.targets, k_see_guard),
                    take("--max-time", max_time, options.wish.max_time, parse_duration),
                    take("--max-hours", max_hours, options.wish.max_time, parse_hours),
                    take("--then", then, options.wish.then, parse_action),
                    take_role(role, options.wish.scheduler_role, k_see_guard)})
    if (!took) return fail(std::move(took.error()));
  if (!options.targets.names.empty())
    return bad("'" + printable(options.targets.names.front(), 80) + "'",
               "is no instance's id, as i-0123456789abcdef0");
  if (options.targets.empty()) return bad("guard", "needs an instance's id");
  if (!max_time.empty() && !max_hours.empty())
    return bad("--max-time and --max-hours", "say the same thing; give one of them");
  if (options.wish.max_time < watch::k_nearest_deadline)
    return bad("--max-time " + format_duration(options.wish.max_time), "is less than 2m");
  if (options.wish.name.size() > 256 || printable(options.wish.name, 300) != options.wish.name)
    return bad("--name '" + printable(options.wish.name, 80) + "'", "is no name that a tag can hold");
  options.wish.schedule = !no_schedule;
  if (no_schedule && !role.empty()) return bad("--scheduler-role and --no-schedule", "can't both be");
  if (!no_schedule && role.empty() && !options.targets.roles.empty())
    return bad("--scheduler-role", "is missing: with --account it's a role of that account");
  return options;
}

Result<ExtendOptions> parse_extend(const std::vector<std::string>& words) {
  ExtendOptions options;
  RawPlaces places;
  std::string to, role;
  bool no_schedule = false;
  CLI::App app;
  app.set_help_flag();
  app.add_flag("-h,--help", options.help);
  app.add_flag("--no-schedule", no_schedule);
  app.add_option("--to", to);
  app.add_option("--scheduler-role", role);
  declare_places(app, places);
  app.allow_extras();
  // A time that begins with a minus sign isn't an option, wherever it stands.
  std::vector<std::string> less;
  std::vector<std::string> others;
  for (const auto& word : words) (is_negative_time(word) ? less : others).push_back(word);
  if (auto parsed = parse_words(app, std::move(others), "extend"); !parsed)
    return fail(std::move(parsed.error()));
  if (options.help) return options;
  const auto bad = [](std::string what, std::string why) {
    return fail(ErrorKind::invalid_input, std::move(what), std::move(why), k_see_extend);
  };
  auto named = app.remaining();
  if (less.size() > 1 || (!less.empty() && !to.empty()) || (less.empty() && to.empty() && named.empty()))
    return bad("extend", "takes one TIME");
  if (to.empty()) {
    std::string typed;
    if (less.empty()) {
      typed = named.back();
      named.pop_back();
    } else {
      typed = less.front();
    }
    auto by = parse_time(typed);
    if (!by) return fail(std::move(by.error()));
    options.by = *by;
    options.wish.by = *by;
  }
  if (!to.empty() && !named.empty() && parse_time(named.back()))
    return bad("TIME '" + printable(named.back(), 40) + "' and --to", "can't both be");
  for (auto took :
       {take_targets(named, options.targets, k_see_extend),
        take_places(places, options.targets, k_see_extend), take("--to", to, options.wish.to, parse_utc),
        take_role(role, options.wish.scheduler_role, k_see_extend)})
    if (!took) return fail(std::move(took.error()));
  options.wish.schedule = !no_schedule;
  if (no_schedule && !role.empty()) return bad("--scheduler-role and --no-schedule", "can't both be");
  if (!options.targets.empty()) return options;
  if (!to.empty() || options.targets.has_place() || no_schedule || !role.empty())
    return bad("no instance and no job is named", "that these options could be for");
  if (*options.by < Seconds{0})
    return bad("TIME '" + less.front() + "'", "is less, and for an instance or a job that is named alone");
  return options;
}

}  // namespace curfew::cli
