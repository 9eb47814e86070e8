// The command line of `curfew check`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"
#include "cli/config.hpp"
#include "watch/enforce_plan.hpp"
#include "watch/exit_code.hpp"
#include "watch/filter.hpp"
#include "watch/machine.hpp"
#include "watch/render.hpp"

namespace curfew::cli {

struct CheckOptions {
  std::vector<std::string> regions;   // none: all that are enabled in the account
  std::vector<std::string> excluded;  // regions
  std::vector<std::string> roles;     // of other accounts, by ARN, besides the credentials' own
  std::string profile;
  watch::Thresholds thresholds{std::chrono::hours{2}, std::chrono::hours{6}, {}, {}};
  watch::Filter filter;
  watch::Format format = watch::Format::table;
  std::string output;  // a file instead of stdout
  watch::ExitStyle exit_style = watch::ExitStyle::count;
  bool allow_denied = false;
  bool enforce = false;
  watch::EnforceOptions enforcement;
  bool no_ledger = false;
  Seconds limit{120};               // for all of it
  std::vector<std::string> notify;  // places as they were given, see notify/target.hpp
  std::string notify_state;         // the file of what was told; empty: nothing is remembered
  Seconds notify_again = std::chrono::hours{24};
  std::optional<Seconds> watch;  // so often, until somebody stops it
  bool help = false;
};

extern const std::string_view k_check_help;

// `words` is what follows `check`. The error names the option, the value and what would be right.
[[nodiscard]] Result<CheckOptions> parse_check(const std::vector<std::string>& words);

// What the table [check] of a configuration file may hold.
[[nodiscard]] const std::vector<KnownOption>& configurable_check_options();
// `words` as typed, with what files set in front of them: what is typed holds over it, but lists are added to, all but
// regions: one that is typed is read whatever a file says. An error that comes from a file names it, with the line. Pure.
[[nodiscard]] Result<CheckOptions> parse_check_with(const std::vector<std::string>& words,
                                                    const std::vector<Setting>& settings);
// The same with the settings of this machine's files.
[[nodiscard]] Result<CheckOptions> parse_check_with_config(const std::vector<std::string>& words);
// The settings whose values can't be. Pure.
[[nodiscard]] std::vector<Mistake> check_mistakes_in(const std::vector<Setting>& settings);

}  // namespace curfew::cli
