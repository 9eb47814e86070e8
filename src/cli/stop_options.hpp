// The command line of `curfew stop`, in both of its forms: for this machine's guard, and for instances by their ids or names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "cli/targets.hpp"
#include "watch/act.hpp"

namespace curfew::cli {

struct StopOptions {
  Targets targets;   // none: the guard on this machine is meant
  bool now = false;  // --now; of that form only
  bool yes = false;
  std::vector<std::string> notify;
  std::optional<watch::Action> then;  // else as each instance's tag says
  bool help = false;
};

extern const std::string_view k_stop_help;

// `words` is what follows `stop`. The error names the word and what would be right.
[[nodiscard]] Result<StopOptions> parse_stop(const std::vector<std::string>& words);

}  // namespace curfew::cli
