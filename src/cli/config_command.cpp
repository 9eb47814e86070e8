// `curfew config`: what `curfew run` takes where nothing else is typed, and where it comes from.
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/config.hpp"
#include "cli/run_options.hpp"

namespace curfew::cli {
namespace {

constexpr std::string_view k_help = R"(Usage: curfew config

Shows the defaults of `curfew run`: each option that has a value, the value, and the file and line that set it. Read are
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

}  // namespace

int config_command(const Words& words, const World&) {
  for (const auto& word : words) {
    if (word == "--help" || word == "-h") return std::fputs(k_help.data(), stdout) < 0 ? k_exit_failed : 0;
    return refuse("unknown option '" + word + "'; see curfew config --help");
  }
  const auto& known = configurable_options();
  const auto settings = load_config(config_paths(net::process_environment()), known, ::geteuid() == 0);
  if (!settings) return refuse(settings.error().text());
  // The values too, not only the names, as a run would find them.
  const auto mistakes = mistakes_in(*settings);
  auto rows = rows_of(*settings, known);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool wrong = std::any_of(mistakes.begin(), mistakes.end(),
                                   [&](const Mistake& each) { return each.setting == (*settings)[i]; });
    if (wrong) rows[i].from += "  WRONG, see below";
  }
  const auto is_set = [&](std::string_view option) {
    return std::any_of(settings->begin(), settings->end(),
                       [&](const Setting& setting) { return "--" + setting.name == option; });
  };
  // Another limit in time takes the place of the default one.
  const bool limited = is_set("--max-hours") || is_set("--deadline");
  for (auto& row : built_in()) {
    if (!is_set(row.option) && !(limited && row.option == "--max-time")) rows.push_back(std::move(row));
  }
  const bool shown = std::fputs(config_table(rows).c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
  for (const auto& mistake : mistakes) (void)refuse(mistake.error.text());
  return shown && mistakes.empty() ? 0 : k_exit_failed;
}

}  // namespace curfew::cli
