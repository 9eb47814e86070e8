// The command line of `curfew launch`, as values. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/result.hpp"
#include "launch/plan.hpp"

namespace curfew::cli {

struct LaunchOptions {
  launch::Wishes wishes;
  std::string region;   // empty: AWS_REGION, AWS_DEFAULT_REGION, the profile's
  std::string profile;  // of the credentials
  Micros confirm_above{25'000'000};
  bool yes = false;
  bool dry_run = false;
  bool clean_up = false;  // and nothing else
  bool help = false;
};

extern const std::string_view k_launch_help;

// `words` is what follows `launch`. The error names the option, the value and what would be right.
[[nodiscard]] Result<LaunchOptions> parse_launch(const std::vector<std::string>& words);

}  // namespace curfew::cli
