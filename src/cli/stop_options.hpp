// The command line of `curfew stop`, in both of its forms: for this machine's guard, and for instances by their ids.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "watch/act.hpp"

namespace curfew::cli {

struct StopOptions {
  std::vector<std::string> ids;  // none: the guard on this machine is meant
  bool now = false;              // --now; of that form only
  bool yes = false;
  std::vector<std::string> regions;  // none: all that are enabled
  std::vector<std::string> roles;    // of other accounts, by ARN
  std::string profile;
  std::vector<std::string> notify;
  std::optional<watch::Action> then;  // else as each instance's tag says
  bool help = false;
};

extern const std::string_view k_stop_help;

// `words` is what follows `stop`. The error names the word and what would be right.
[[nodiscard]] Result<StopOptions> parse_stop(const std::vector<std::string>& words);

}  // namespace curfew::cli
