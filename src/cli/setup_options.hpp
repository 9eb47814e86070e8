// The command line of `curfew setup billing`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/result.hpp"

namespace curfew::cli {

struct SetupBillingOptions {
  Micros limit;
  std::string email;
  std::string name = "curfew-billing";
  std::string profile;
  bool yes = false;
  bool dry_run = false;
  bool help = false;
};

extern const std::string_view k_setup_billing_help;

// `words` is what follows `setup billing`. The error names the option, the value and what would be right.
[[nodiscard]] Result<SetupBillingOptions> parse_setup_billing(const std::vector<std::string>& words);

}  // namespace curfew::cli
