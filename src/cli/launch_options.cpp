// Parses the command line of `curfew launch`.
#include "cli/launch_options.hpp"

#include <algorithm>
#include <array>

#include <CLI/CLI.hpp>

#include "aws/core/endpoints.hpp"
#include "aws/imds.hpp"
#include "aws/reply_fields.hpp"
#include "aws/ssm.hpp"
#include "aws/sts.hpp"
#include "base/text.hpp"
#include "cli/jobs_options.hpp"
#include "cli/parsing.hpp"
#include "launch/image.hpp"
#include "launch/user_data.hpp"
#include "notify/target.hpp"
#include "os/files.hpp"
#include "save/target.hpp"

namespace curfew::cli {
namespace {

constexpr const char* k_see_help = "see curfew launch --help";
constexpr std::size_t k_longest_name = 80;
constexpr Seconds k_least_save_every{10};
constexpr const char* k_default_job_file = "job.toml";
constexpr std::uint64_t k_most_disk = 16'384;  // GiB, of a gp3 volume
constexpr std::size_t k_most_types = 20;
constexpr std::size_t k_most_regions = 10;
constexpr std::size_t k_most_zones = 30;
constexpr Seconds k_longest_wait = std::chrono::hours{7 * 24};
constexpr std::string_view k_between_words = " \t\n;|&";

tl::unexpected<Error> bad(std::string what, std::string cause, std::string hint = k_see_help) {
  return fail(ErrorKind::invalid_input, std::move(what), std::move(cause), std::move(hint));
}

tl::unexpected<Error> bad_value(const char* option, std::string_view value, std::string cause,
                                std::string hint = k_see_help) {
  return bad(std::string(option) + " '" + printable(value, 80) + "'", std::move(cause), std::move(hint));
}

struct Raw {
  std::string types, image, disk, region, zone, subnet, key_name, instance_profile, staging;
  std::string max_time, max_hours, max_cost, scheduler_role, name, user, shell, confirm_above, profile;
  std::string wait_capacity, repo, repo_token, workdir, fetch_limit, setup_limit, data_limit;
  std::string retry, save_every;
  std::vector<std::string> security_groups, environment, saves, setup, data, secrets, notify;
  bool spot = false, on_demand = false, spot_then = false, no_schedule = false, dry_run = false, yes = false,
       clean_up = false, follow = false, detach = false, init = false, help = false;
};

void declare(CLI::App& app, Raw& raw) {
  const auto list = [&](const char* name, std::vector<std::string>& into) {
    // One value each time: what follows it is the job file.
    app.add_option(name, into)
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  };
  app.set_help_flag();
  app.add_flag("-h,--help", raw.help);
  app.add_option("--instance-type", raw.types);
  app.add_flag("--spot", raw.spot);
  app.add_flag("--on-demand", raw.on_demand);
  app.add_flag("--spot-then-on-demand", raw.spot_then);
  app.add_option("--wait-capacity", raw.wait_capacity);
  app.add_option("--image", raw.image);
  app.add_option("--disk", raw.disk);
  app.add_option("--region", raw.region);
  app.add_option("--zone", raw.zone);
  app.add_option("--subnet", raw.subnet);
  list("--security-group", raw.security_groups);
  app.add_option("--key-name", raw.key_name);
  app.add_option("--instance-profile", raw.instance_profile);
  app.add_option("--staging", raw.staging);
  app.add_option("--max-time", raw.max_time);
  app.add_option("--max-hours", raw.max_hours);
  app.add_option("--max-cost", raw.max_cost);
  app.add_option("--scheduler-role", raw.scheduler_role);
  app.add_flag("--no-schedule", raw.no_schedule);
  app.add_option("--name", raw.name);
  app.add_option("--user", raw.user);
  list("--env", raw.environment);
  app.add_option("--repo", raw.repo);
  app.add_option("--repo-token", raw.repo_token);
  app.add_option("--workdir", raw.workdir);
  list("--setup", raw.setup);
  list("--data", raw.data);
  list("--secret", raw.secrets);
  app.add_option("--fetch-limit", raw.fetch_limit);
  app.add_option("--setup-limit", raw.setup_limit);
  app.add_option("--data-limit", raw.data_limit);
  list("--save", raw.saves);
  app.add_option("--save-every", raw.save_every);
  list("--notify", raw.notify);
  app.add_option("--shell", raw.shell);
  app.add_flag("--follow", raw.follow);
  app.add_option("--retry", raw.retry);
  app.add_flag("-d,--detach", raw.detach);
  app.add_flag("--dry-run", raw.dry_run);
  app.add_flag("--yes", raw.yes);
  app.add_option("--confirm-above", raw.confirm_above);
  app.add_option("--profile", raw.profile);
  app.add_flag("--clean-up", raw.clean_up);
  app.add_flag("--init", raw.init);
  app.allow_extras();
}

bool is_made_of(std::string_view text, std::string_view more, std::size_t longest) {
  return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
}

// "A,B", each once.
template <class IsOne>
Result<std::vector<std::string>> take_list(const char* option, const std::string& text, std::size_t most,
                                           IsOne is_one, const std::string& cause, const std::string& hint) {
  std::vector<std::string> list;
  if (text.empty()) return list;
  for (const auto part : split(text, ',')) {
    if (!is_one(part)) return bad_value(option, part, cause, hint);
    if (std::find(list.begin(), list.end(), part) == list.end()) list.emplace_back(part);
  }
  if (list.size() > most) return bad(option, "names more than " + std::to_string(most));
  return list;
}

Status take_market(const Raw& raw, launch::Wishes& wishes) {
  if (int{raw.spot} + int{raw.on_demand} + int{raw.spot_then} > 1)
    return bad("--spot, --on-demand and --spot-then-on-demand", "can't both be");
  wishes.spot = raw.spot || raw.spot_then;
  wishes.then_on_demand = raw.spot_then;
  if (auto took = take("--wait-capacity", raw.wait_capacity, wishes.wait_capacity, parse_duration); !took)
    return took;
  if (wishes.wait_capacity > k_longest_wait)
    return bad_value("--wait-capacity", raw.wait_capacity, "is more than a week");
  return {};
}

// An image, a subnet and a security group are one region's.
Status take_places(const Raw& raw, LaunchOptions& options) {
  auto& wishes = options.wishes;
  auto zones = take_list("--zone", raw.zone, k_most_zones, aws::is_zone, "is no zone", "as us-east-1a");
  if (!zones) return fail(std::move(zones.error()));
  wishes.zones = std::move(*zones);
  if (!wishes.subnet.empty() && wishes.zones.size() > 1)
    return bad("--subnet", "is in one zone, and --zone names several");
  const auto is_elsewhere = [&options](const std::string& zone) {
    return !options.regions.empty() &&
           std::none_of(options.regions.begin(), options.regions.end(),
                        [&zone](const std::string& region) { return zone.starts_with(region); });
  };
  for (const auto& zone : wishes.zones)
    if (is_elsewhere(zone)) return bad_value("--zone", zone, "is in none of the regions of --region");
  if (options.regions.size() < 2) return {};
  for (const auto& [option, is_given] : {std::pair{"--image ami-…", aws::is_image_id(wishes.image)},
                                         std::pair{"--subnet", !wishes.subnet.empty()},
                                         std::pair{"--security-group", !wishes.security_groups.empty()}})
    if (is_given) return bad(option, "belongs to one region, and --region names several");
  return {};
}

Status take_machine(const Raw& raw, LaunchOptions& options) {
  auto& wishes = options.wishes;
  if (auto took = take_market(raw, wishes); !took) return took;
  if (raw.types.empty())
    return bad("--instance-type", "is missing", "as --instance-type g5.xlarge,g6.xlarge");
  auto types = take_list("--instance-type", raw.types, k_most_types, aws::is_instance_type,
                         "is no instance type", "as g5.xlarge");
  if (!types) return fail(std::move(types.error()));
  wishes.types = std::move(*types);
  if (!raw.image.empty()) wishes.image = raw.image;
  if (!launch::is_image_wish(wishes.image))
    return bad_value("--image", wishes.image, "is no image", launch::k_image_hint);
  if (!raw.disk.empty()) {
    const auto gib = parse_number(raw.disk);
    if (!gib || *gib == 0 || *gib > k_most_disk)
      return bad_value("--disk", raw.disk, "is no size in GB", "a whole number from 1 to 16384");
    wishes.disk_gib = *gib;
  }
  if (!raw.subnet.empty() && !aws::is_resource_id(raw.subnet, "subnet-"))
    return bad_value("--subnet", raw.subnet, "is no subnet's id");
  wishes.subnet = raw.subnet;
  for (const auto& group : raw.security_groups)
    if (!aws::is_resource_id(group, "sg-"))
      return bad_value("--security-group", group, "is no security group's id");
  wishes.security_groups = raw.security_groups;
  if (!raw.key_name.empty() && (raw.key_name.size() > 255 || printable(raw.key_name, 255) != raw.key_name))
    return bad_value("--key-name", raw.key_name, "is no key pair's name");
  wishes.key_name = raw.key_name;
  if (!raw.instance_profile.empty() && !is_made_of(raw.instance_profile, "+=,.@_-", 128))
    return bad_value("--instance-profile", raw.instance_profile, "is no instance profile's name");
  wishes.instance_profile = raw.instance_profile;
  return take_places(raw, options);
}

Status take_end(const Raw& raw, LaunchOptions& options) {
  auto& wishes = options.wishes;
  if (!raw.max_time.empty() && !raw.max_hours.empty())
    return bad("--max-time and --max-hours", "say the same thing; give one of them");
  for (auto took : {take("--max-time", raw.max_time, wishes.max_time, parse_duration),
                    take("--max-hours", raw.max_hours, wishes.max_time, parse_hours),
                    take("--max-cost", raw.max_cost, wishes.max_cost, parse_dollars),
                    take("--confirm-above", raw.confirm_above, options.confirm_above, parse_dollars)}) {
    if (!took) return fail(std::move(took.error()));
  }
  if (wishes.max_cost && raw.max_time.empty() && raw.max_hours.empty()) wishes.max_time.reset();
  if (wishes.max_time && *wishes.max_time < launch::k_least_time)
    return bad_value("--max-time", format_duration(*wishes.max_time),
                     "is less than " + format_duration(launch::k_least_time));
  wishes.schedule = !raw.no_schedule;
  if (raw.no_schedule && !raw.scheduler_role.empty())
    return bad("--scheduler-role and --no-schedule", "can't both be");
  if (!raw.scheduler_role.empty() && !aws::account_of_role(raw.scheduler_role))
    return bad_value("--scheduler-role", raw.scheduler_role, "is no role's ARN",
                     "as arn:aws:iam::123456789012:role/NAME");
  wishes.scheduler_role = raw.scheduler_role;
  return {};
}

std::string name_of_command(const std::vector<std::string>& command, const std::string& shell) {
  std::string_view words = command.empty() ? std::string_view(shell) : command.front();
  std::string from;
  // The value of an assignment ahead of the command (KEY=… ./train.sh) may be a secret, and tags show the name.
  do {
    words.remove_prefix(std::min(words.find_first_not_of(k_between_words), words.size()));
    from = words.substr(0, words.find_first_of(k_between_words));
    words.remove_prefix(from.size());
  } while (from.find('=') != std::string::npos && from.find_first_of("\"'`$\\") == std::string::npos);
  if (from.find('=') != std::string::npos) return "job";
  if (const auto slash = from.find_last_of('/'); slash != std::string::npos) from = from.substr(slash + 1);
  std::erase_if(from, [](char c) { return !is_made_of(std::string_view(&c, 1), "._-", 1); });
  return from.empty() ? "job" : from.substr(0, k_longest_name);
}

Status take_code(const Raw& raw, launch::Wishes& wishes) {
  auto& stages = wishes.stages;
  if (!raw.repo.empty() && !raw.workdir.empty()) return bad("--repo and --workdir", "can't both be");
  if (!raw.repo_token.empty() && raw.repo.empty()) return bad("--repo-token", "needs a --repo");
  wishes.workdir = raw.workdir;
  if (raw.repo.empty()) return {};
  auto repo = launch::parse_repo(raw.repo);
  if (!repo) return fail(std::move(repo.error()));
  if (!raw.repo_token.empty()) {
    if (!repo->url.starts_with("https://")) return bad("--repo-token", "is for a --repo of https");
    auto token = launch::parse_ssm(raw.repo_token);
    if (!token) return fail(std::move(token.error()).within("--repo-token"));
    repo->token = std::move(*token);
  }
  stages.repo = std::move(*repo);
  return {};
}

Status take_stages(const Raw& raw, launch::Wishes& wishes) {
  auto& stages = wishes.stages;
  for (auto took :
       {take_code(raw, wishes), take("--fetch-limit", raw.fetch_limit, stages.fetch_limit, parse_duration),
        take("--setup-limit", raw.setup_limit, stages.setup_limit, parse_duration),
        take("--data-limit", raw.data_limit, stages.data_limit, parse_duration)}) {
    if (!took) return took;
  }
  for (const auto& [option, values] : {std::pair{"--setup", &raw.setup}, std::pair{"--data", &raw.data},
                                       std::pair{"--secret", &raw.secrets}})
    if (values->size() > launch::k_most_of_a_kind) return bad(option, "was given more than 100 times");
  stages.setup = raw.setup;
  for (const auto& text : raw.data) {
    auto data = launch::parse_data(text);
    if (!data) return fail(std::move(data.error()));
    stages.data.push_back(std::move(*data));
  }
  for (const auto& text : raw.secrets) {
    auto secret = launch::parse_secret(text);
    if (!secret) return fail(std::move(secret.error()));
    stages.secrets.push_back(std::move(*secret));
  }
  return {};
}

Status take_notify(const Raw& raw, launch::Wishes& wishes) {
  if (raw.notify.size() > launch::k_most_of_a_kind) return bad("--notify", "was given more than 100 times");
  for (const auto& place : raw.notify) {
    if (auto good = notify::check_without_secret(place); !good)
      return fail(std::move(good.error()).within("--notify " + notify::shown_option(place)));
    if (std::find(wishes.notify.begin(), wishes.notify.end(), place) == wishes.notify.end())
      wishes.notify.push_back(place);
  }
  return {};
}

Status take_work(const Raw& raw, std::vector<std::string> command, launch::Wishes& wishes) {
  if (!raw.shell.empty() && !command.empty())
    return bad("--shell", "and a command after -- can't both be run");
  if (raw.shell.empty() && command.empty())
    return bad("launch", "needs a command", "curfew launch [options] -- COMMAND, or --shell \"STRING\"");
  if (auto took = take_stages(raw, wishes); !took) return took;
  auto& stages = wishes.stages;
  stages.command = std::move(command);
  stages.shell = raw.shell;
  wishes.name = raw.name.empty() ? name_of_command(stages.command, stages.shell) : raw.name;
  if (!is_made_of(wishes.name, "._-", k_longest_name))
    return bad_value("--name", wishes.name, "is no name", "letters, digits, . _ and -, at most 80");
  if (!raw.user.empty() && (!is_made_of(raw.user, "._-", 32) || raw.user.front() == '-'))
    return bad_value("--user", raw.user, "is no user's name");
  wishes.user = raw.user;
  for (const auto& text : raw.environment) {
    const auto equals = text.find('=');
    const auto name = text.substr(0, equals);
    // The value isn't shown: it may be a secret.
    if (equals == std::string::npos || !launch::is_variable_name(name))
      return bad("--env " + printable(name, 80), "isn't NAME=VALUE");
    // What comes later holds: a typed one over the job file's.
    std::erase_if(wishes.environment, [&name](const auto& one) { return one.first == name; });
    wishes.environment.emplace_back(name, text.substr(equals + 1));
  }
  for (const auto& text : raw.saves) {
    if (const auto target = save::parse_target(text); !target)
      return fail(Error{target.error()}.within("--save"));
  }
  wishes.saves = raw.saves;
  if (!raw.save_every.empty() && raw.saves.empty()) return bad("--save-every", "needs a --save");
  if (auto took = take("--save-every", raw.save_every, wishes.save_every, parse_duration); !took) return took;
  if (wishes.save_every && *wishes.save_every < k_least_save_every)
    return bad_value("--save-every", raw.save_every, "is less than " + format_duration(k_least_save_every));
  if (auto took = take_notify(raw, wishes); !took) return took;
  if (raw.staging.empty()) return {};
  auto staging = aws::parse_s3_url(raw.staging);
  if (!staging) return fail(std::move(staging.error()).within("--staging"));
  if (staging->key.size() > 200 || (!staging->key.empty() && !is_made_of(staging->key, "/._-", 200)))
    return bad_value("--staging", raw.staging,
                     "has a prefix that isn't made of letters, digits and / . _ -, at most 200");
  wishes.staging = std::move(*staging);
  return {};
}

aws::KeyValues given_in(const CLI::App& app) {
  aws::KeyValues given;
  for (const auto* option : app.get_options())
    for (const auto& value : option->results()) given.emplace_back(option->get_lnames().front(), value);
  return given;
}

Result<LaunchOptions> parse_words_of_launch(const std::vector<std::string>& words, bool has_file) {
  const auto dashes = std::find(words.begin(), words.end(), "--");
  std::vector<std::string> command;
  if (dashes != words.end()) command.assign(dashes + 1, words.end());
  LaunchOptions options;
  Raw raw;
  CLI::App app;
  declare(app, raw);
  if (auto parsed = parse_words(app, {words.begin(), dashes}, "launch"); !parsed)
    return fail(std::move(parsed.error()));
  options.help = raw.help;
  if (raw.help) return options;
  options.given = given_in(app);
  const auto rest = app.remaining();
  const auto file = job_file_in(rest);
  if (raw.init && !rest.empty() && !file && !rest.front().starts_with('-'))
    return bad(
        "--init '" + printable(rest.front(), 80) + "'", "is no job file's name: that ends in .toml",
        "curfew launch --init " + (is_made_of(rest.front(), "/._-", 80) ? rest.front() : "job") + ".toml");
  if (!rest.empty() && !file)
    return bad("'" + printable(rest.front(), 80) + "'",
               "is not an option, nor a job file, which ends in .toml", "put -- before the command");
  if (raw.init) {
    options.init = file.value_or(k_default_job_file);
    return options;
  }
  if (file && !has_file) return bad("'" + printable(*file, 80) + "'", "isn't read with --clean-up");
  auto regions = take_list("--region", raw.region, k_most_regions, aws::is_region, "is no region's name",
                           "as us-east-1");
  if (!regions) return fail(std::move(regions.error()));
  options.regions = std::move(*regions);
  options.profile = raw.profile;
  options.yes = raw.yes;
  options.dry_run = raw.dry_run;
  if (raw.follow && raw.detach) return bad("--follow and --detach", "can't both be");
  options.follow = raw.follow;
  if (!raw.retry.empty()) {
    const auto retries = parse_number(raw.retry);
    if (!retries || *retries > k_most_retries)
      return bad_value("--retry", raw.retry, "is no number of times from 0 to 100");
    if (!raw.follow) return bad("--retry", "needs --follow: who else would see it");
    options.retries = *retries;
  }
  options.clean_up = raw.clean_up;
  if (raw.clean_up) {
    if (!command.empty() || !raw.shell.empty())
      return bad("--clean-up", "launches nothing, and takes no command");
    return options;
  }
  if (auto took = take_machine(raw, options); !took) return fail(std::move(took.error()));
  if (auto took = take_end(raw, options); !took) return fail(std::move(took.error()));
  if (auto took = take_work(raw, std::move(command), options.wishes); !took)
    return fail(std::move(took.error()));
  return options;
}

// With the place in the file, where it's a line of the file's that can't be.
Error located(Error error, const std::vector<Setting>& from_file) {
  const auto text = error.text();
  for (const auto& setting : from_file) {
    const auto option = "--" + setting.name;
    const auto at = text.find(option);
    if (at == std::string::npos) continue;
    const auto end = at + option.size();
    // "--save" isn't "--save-limit".
    if (end < text.size() && (text[end] == '-' || (text[end] >= 'a' && text[end] <= 'z'))) continue;
    return std::move(error).within(printable(setting.from));
  }
  return error;
}

}  // namespace

std::optional<std::string> named_job_file(const std::vector<std::string>& words) {
  Raw raw;
  CLI::App app;
  declare(app, raw);
  const auto dashes = std::find(words.begin(), words.end(), "--");
  if (!parse_words(app, {words.begin(), dashes}, "launch") || raw.help || raw.init || raw.clean_up) return {};
  return job_file_in(app.remaining());
}

const std::vector<KnownOption>& launch_file_options() {
  static constexpr std::array<std::string_view, 4> k_numbers{"max-hours", "max-cost", "disk",
                                                             "confirm-above"};
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> k_typed_only{
      {{"dry-run", "it belongs to one launch"},
       {"follow", "it belongs to one launch"},
       {"retry", "it belongs to one launch"},
       {"detach", "it belongs to one launch"},
       {"yes", "nobody would ever be asked"},
       {"clean-up", "it launches nothing"},
       {"init", "it launches nothing"}}};
  static const auto k_known = [] {
    Raw raw;
    CLI::App app;
    declare(app, raw);
    std::vector<KnownOption> options;
    for (const auto* option : app.get_options()) {
      const auto& name = option->get_lnames().front();
      if (name == "help") continue;
      Takes takes = std::find(k_numbers.begin(), k_numbers.end(), name) != k_numbers.end() ? Takes::number
                                                                                           : Takes::text;
      if (option->get_items_expected_max() == 0) takes = Takes::flag;
      if (option->get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll) takes = Takes::list;
      options.push_back({name, takes, {}, {}});
      if (name == "notify")
        options.back().shown = [](std::string_view value) { return notify::shown_option(value); };
      for (const auto& [typed, why] : k_typed_only)
        if (name == typed) options.back().why_not = why;
    }
    return options;
  }();
  return k_known;
}

Result<LaunchOptions> parse_launch(const std::vector<std::string>& words, const std::optional<JobText>& job) {
  if (!job) return parse_words_of_launch(words, false);
  auto merged = with_job_file(words, *job, launch_file_options());
  if (!merged) return fail(std::move(merged.error()));
  auto options = parse_words_of_launch(merged->words, true);
  if (!options) return fail(located(std::move(options.error()), merged->from_file));
  return options;
}

}  // namespace curfew::cli
