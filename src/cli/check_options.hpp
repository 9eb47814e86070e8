// The command line of `curfew check`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"
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
  Seconds limit{120};  // for all of it
  bool help = false;
};

extern const std::string_view k_check_help;

// `words` is what follows `check`. The error names the option, the value and what would be right.
[[nodiscard]] Result<CheckOptions> parse_check(const std::vector<std::string>& words);

}  // namespace curfew::cli
