// The command lines of `curfew guard` and `curfew extend`. Pure.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "cli/targets.hpp"
#include "watch/deadline_plan.hpp"

namespace curfew::cli {

struct GuardOptions {
  Targets targets;  // ids alone
  watch::GuardWish wish;
  bool yes = false;
  bool help = false;
};
extern const std::string_view k_guard_help;
// `words` is what follows `guard`.
[[nodiscard]] Result<GuardOptions> parse_guard(const std::vector<std::string>& words);

struct ExtendOptions {
  Targets targets;            // none: the guard on this machine is meant
  std::optional<Seconds> by;  // negative: less; of the guard on this machine only more
  watch::MoveWish wish;       // for targets
  bool help = false;
};
extern const std::string_view k_extend_help;
[[nodiscard]] Result<ExtendOptions> parse_extend(const std::vector<std::string>& words);

}  // namespace curfew::cli
