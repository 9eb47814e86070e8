// Words into values.
#include "cli/jobs_options.hpp"

#include <CLI/CLI.hpp>

#include "aws/core/endpoints.hpp"
#include "base/text.hpp"
#include "cli/parsing.hpp"
#include "jobs/log_parts.hpp"

namespace curfew::cli {
namespace {

constexpr std::uint64_t k_most_newest = 100'000;
constexpr std::uint64_t k_most_tail = 10'000'000;
constexpr std::size_t k_most_logs = 20;
constexpr std::size_t k_longest_job = 200;

struct Raw {
  std::string staging, region, profile;
};

void declare_place(CLI::App& app, Raw& raw, bool& help) {
  app.set_help_flag();
  app.add_flag("-h,--help", help);
  app.add_option("--staging", raw.staging);
  app.add_option("--region", raw.region);
  app.add_option("--profile", raw.profile);
  app.allow_extras();
}

class Command {
 public:
  explicit Command(std::string name) : name_(std::move(name)), hint_("see curfew " + name_ + " --help") {}

  [[nodiscard]] tl::unexpected<Error> bad(std::string what, std::string why) const {
    return fail(ErrorKind::invalid_input, std::move(what), std::move(why), hint_);
  }
  Status take_place(const Raw& raw, JobsPlace& place) const {
    if (!raw.region.empty() && !aws::is_region(raw.region))
      return bad("--region '" + printable(raw.region, 80) + "'", "is no region's name, as us-east-1");
    place.region = raw.region;
    place.profile = raw.profile;
    if (raw.staging.empty()) return {};
    auto staging = aws::parse_s3_url(raw.staging);
    if (!staging) return fail(std::move(staging.error()).within("--staging"));
    place.staging = std::move(*staging);
    return {};
  }
  Status take_job(const std::vector<std::string>& rest, std::string& job) const {
    if (rest.size() != 1)
      return rest.empty() ? bad(name_, "needs a JOB: a launch's id, a job's name or an instance's id")
                          : bad("'" + printable(rest[1], 80) + "'", "is more than the one JOB that it takes");
    if (rest[0].empty() || rest[0].size() > k_longest_job) return bad("JOB", "is no name");
    job = rest[0];
    return {};
  }
  Status take_count(const char* option, const std::string& text, std::uint64_t most,
                    std::uint64_t& into) const {
    if (text.empty()) return {};
    const auto number = parse_number(text);
    if (!number || *number == 0 || *number > most)
      return bad(std::string(option) + " '" + printable(text, 40) + "'",
                 "is no whole number from 1 to " + std::to_string(most));
    into = *number;
    return {};
  }
  Status parse(CLI::App& app, const std::vector<std::string>& words) const {
    return parse_words(app, words, name_);
  }

 private:
  std::string name_;
  std::string hint_;
};

}  // namespace

Result<PsOptions> parse_ps(const std::vector<std::string>& words) {
  const Command command("ps");
  PsOptions options;
  Raw raw;
  std::string format, newest;
  bool all = false;
  CLI::App app;
  declare_place(app, raw, options.help);
  app.add_flag("--all", all);
  app.add_option("--newest", newest);
  app.add_option("--format", format);
  if (auto parsed = command.parse(app, words); !parsed) return fail(std::move(parsed.error()));
  if (options.help) return options;
  if (!app.remaining().empty())
    return command.bad("'" + printable(app.remaining().front(), 80) + "'", "is not an option");
  if (all && !newest.empty()) return command.bad("--all and --newest", "can't both be");
  if (!format.empty() && format != "table" && format != "json")
    return command.bad("--format '" + printable(format, 40) + "'", "is neither table nor json");
  options.json = format == "json";
  for (auto took : {command.take_place(raw, options.place),
                    command.take_count("--newest", newest, k_most_newest, options.newest)})
    if (!took) return fail(std::move(took.error()));
  if (all) options.newest = 0;
  return options;
}

Result<LogsOptions> parse_logs(const std::vector<std::string>& words) {
  const Command command("logs");
  LogsOptions options;
  Raw raw;
  std::string tail;
  CLI::App app;
  declare_place(app, raw, options.help);
  app.add_flag("-f,--follow", options.follow);
  app.add_flag("--raw", options.raw);
  app.add_option("--tail", tail);
  app.add_option("--stage", options.names)
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  if (auto parsed = command.parse(app, words); !parsed) return fail(std::move(parsed.error()));
  if (options.help) return options;
  for (auto took : {command.take_job(app.remaining(), options.job), command.take_place(raw, options.place),
                    command.take_count("--tail", tail, k_most_tail, options.tail)})
    if (!took) return fail(std::move(took.error()));
  for (const auto& name : options.names)
    if (!jobs::is_log_name(name))
      return command.bad("--stage '" + printable(name, 80) + "'",
                         "is no stage's name: secrets, fetch, setup, data, train, or guard");
  if (options.names.size() > k_most_logs) return command.bad("--stage", "is given too often");
  if (options.names.empty()) options.names = jobs::stage_names();
  return options;
}

Result<WaitOptions> parse_wait(const std::vector<std::string>& words) {
  const Command command("wait");
  WaitOptions options;
  Raw raw;
  std::string limit;
  CLI::App app;
  declare_place(app, raw, options.help);
  app.add_option("--timeout", limit);
  app.add_flag("--quiet", options.quiet);
  if (auto parsed = command.parse(app, words); !parsed) return fail(std::move(parsed.error()));
  if (options.help) return options;
  for (auto took : {command.take_job(app.remaining(), options.job), command.take_place(raw, options.place),
                    take("--timeout", limit, options.limit, parse_duration)})
    if (!took) return fail(std::move(took.error()));
  return options;
}

Result<ResultOptions> parse_result(const std::vector<std::string>& words) {
  const Command command("result");
  ResultOptions options;
  Raw raw;
  CLI::App app;
  declare_place(app, raw, options.help);
  app.add_option("--to", options.to);
  app.add_flag("--list", options.list);
  app.add_flag("--force", options.force);
  if (auto parsed = command.parse(app, words); !parsed) return fail(std::move(parsed.error()));
  if (options.help) return options;
  for (auto took : {command.take_job(app.remaining(), options.job), command.take_place(raw, options.place)})
    if (!took) return fail(std::move(took.error()));
  return options;
}

Result<SshOptions> parse_ssh(const std::vector<std::string>& words) {
  const Command command("ssh");
  SshOptions options;
  Raw raw;
  CLI::App app;
  declare_place(app, raw, options.help);
  app.add_flag("--print", options.print);
  app.add_flag("--ssm", options.by_ssm);
  app.add_option("--user", options.user);
  app.add_option("--key", options.key);
  if (auto parsed = command.parse(app, words); !parsed) return fail(std::move(parsed.error()));
  if (options.help) return options;
  for (auto took : {command.take_job(app.remaining(), options.job), command.take_place(raw, options.place)})
    if (!took) return fail(std::move(took.error()));
  if (options.by_ssm && !(options.user.empty() && options.key.empty()))
    return command.bad("--ssm", "goes with neither --user nor --key: Session Manager knows none");
  return options;
}

Result<RetryOptions> parse_retry(const std::vector<std::string>& words) {
  const Command command("retry");
  RetryOptions options;
  Raw raw;
  std::string retries, confirm_above;
  CLI::App app;
  declare_place(app, raw, options.help);
  app.add_flag("-f,--follow", options.follow);
  app.add_option("--retry", retries);
  app.add_option("--confirm-above", confirm_above);
  app.add_flag("--yes", options.yes);
  app.add_flag("--dry-run", options.dry_run);
  if (auto parsed = command.parse(app, words); !parsed) return fail(std::move(parsed.error()));
  if (options.help) return options;
  for (auto took : {command.take_job(app.remaining(), options.job), command.take_place(raw, options.place),
                    command.take_count("--retry", retries, k_most_retries, options.retries),
                    take("--confirm-above", confirm_above, options.confirm_above, parse_dollars)})
    if (!took) return fail(std::move(took.error()));
  if (options.retries > 0 && !options.follow)
    return command.bad("--retry", "needs --follow: who else would see it");
  return options;
}

}  // namespace curfew::cli
