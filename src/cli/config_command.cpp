// `curfew config`: what `curfew run` and `curfew check` take where nothing else is typed, and where it comes from.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "base/text.hpp"
#include "cli/check_options.hpp"
#include "cli/commands.hpp"
#include "cli/config.hpp"
#include "cli/run_options.hpp"

namespace curfew::cli {
namespace {

constexpr std::string_view k_help = R"(Usage: curfew config

Shows the defaults of `curfew run` and `curfew check`: each option that has a value, the value, and the file and line that set it. Read are
/etc/curfew/config.toml and $XDG_CONFIG_HOME/curfew/config.toml (else ~/.config/curfew/config.toml), which holds over the
first; what is typed holds over both. Secrets are not shown.

A value that can't be is marked, and told of below the table. Exit code: 0; 125 where there is one, or a file can't be
read.

Example of a file:
  [run]
  max-time = "8h"
  idle-gpu = "30m"
  save = ["model/=s3://my-bucket/run7"]
  notify = "file:/etc/curfew/slack"

  [check]
  warn = "4h"
  crit = "12h"
  ignore_regions = ["ap-east-1"]
)";

int refuse(const std::string& text) {
  std::fprintf(stderr, "curfew: %s\n", printable(text, 4'000).c_str());
  return k_exit_failed;
}

std::vector<ConfigRow> built_in() {
  const RunOptions options;
  std::vector<ConfigRow> rows;
  const auto add = [&](const char* name, std::string value) {
    rows.push_back({name, std::move(value), "default"});
  };
  add("--max-time", format_duration(options.max_time.value_or(Seconds{0})));
  add("--grace", format_duration(options.grace));
  add("--save-limit", format_duration(options.save_limit));
  add("--before-end-limit", format_duration(options.before_end_limit));
  add("--spot-notice", std::string(guard::name_of(options.spot_notice)));
  add("--then", std::string(guard::name_of(options.then)));
  add("--log-format", "text");
  return rows;
}

// A table of the files, under its name, with what is built in; the mistakes in it below, and how many there are.
Result<std::size_t> show(std::string_view table, const std::vector<Setting>& settings,
                         const std::vector<KnownOption>& known, const std::vector<Mistake>& mistakes,
                         std::vector<ConfigRow> defaults) {
  // The values too, not only the names, as the command would find them.
  auto rows = rows_of(settings, known);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool wrong = std::any_of(mistakes.begin(), mistakes.end(),
                                   [&](const Mistake& each) { return each.setting == settings[i]; });
    if (wrong) rows[i].from += "  WRONG, see below";
  }
  std::move(defaults.begin(), defaults.end(), std::back_inserter(rows));
  std::fputs(("[" + std::string(table) + "]\n" + config_table(rows)).c_str(), stdout);
  std::fflush(stdout);
  for (const auto& mistake : mistakes) (void)refuse(mistake.error.text());
  return mistakes.size();
}

bool is_set(const std::vector<Setting>& settings, std::string_view option) {
  return std::any_of(settings.begin(), settings.end(),
                     [&](const Setting& setting) { return "--" + setting.name == option; });
}

Result<std::size_t> show_run(const std::vector<std::string>& paths) {
  const auto& known = configurable_options();
  const auto settings = load_config(paths, known, ::geteuid() == 0);
  if (!settings) return fail(Error{settings.error()});
  // Another limit in time takes the place of the default one.
  const bool limited = is_set(*settings, "--max-hours") || is_set(*settings, "--deadline");
  auto defaults = built_in();
  std::erase_if(defaults, [&](const ConfigRow& row) {
    return is_set(*settings, row.option) || (limited && row.option == "--max-time");
  });
  return show(k_run_table, *settings, known, mistakes_in(*settings), std::move(defaults));
}

Result<std::size_t> show_check(const std::vector<std::string>& paths) {
  const auto& known = configurable_check_options();
  const auto settings = load_config(paths, known, ::geteuid() == 0, k_check_table);
  if (!settings) return fail(Error{settings.error()});
  const auto mistakes = check_mistakes_in(*settings);
  // What the files leave, which may have moved a default.
  const auto options =
      mistakes.empty() ? parse_check_with({}, *settings) : Result<CheckOptions>(CheckOptions{});
  if (!options) return fail(Error{options.error()});
  std::vector<ConfigRow> defaults;
  const auto add = [&](const char* name, const std::string& value) {
    if (!is_set(*settings, name)) defaults.push_back({name, value, "default"});
  };
  add("--warn", format_duration(options->thresholds.warn.value_or(Seconds{0})));
  add("--crit", format_duration(options->thresholds.crit.value_or(Seconds{0})));
  add("--exit-style", "count");
  if (is_set(*settings, "--notify-state")) add("--notify-again", format_duration(options->notify_again));
  std::fputs("\n", stdout);
  return show(k_check_table, *settings, known, mistakes, std::move(defaults));
}

}  // namespace

int config_command(const Words& words, const World&) {
  for (const auto& word : words) {
    if (word == "--help" || word == "-h") return std::fputs(k_help.data(), stdout) < 0 ? k_exit_failed : 0;
    return refuse("unknown option '" + word + "'; see curfew config --help");
  }
  const auto paths = config_paths(net::process_environment());
  auto mistakes = std::size_t{0};
  for (const auto& show : {show_run, show_check}) {
    auto shown = show(paths);
    if (!shown) return refuse(shown.error().text());
    mistakes += *shown;
  }
  return std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && mistakes == 0 ? 0 : k_exit_failed;
}

}  // namespace curfew::cli
