// What `curfew check --enforce` is to end of what was read, in which order, and what it leaves alone. Pure; whether one
// instance may be ended is enforcement.hpp's, ending it is enforce.hpp's.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "watch/act.hpp"
#include "watch/enforcement.hpp"
#include "watch/machine.hpp"

namespace curfew::watch {

struct EnforceOptions {
  bool yes = false;  // else a dry run
  std::size_t max_kills = 10;
  bool any_number = false;  // --yes-all: max_kills doesn't hold
};

struct EnforcePlan {
  std::string refused;              // why nothing at all may be ended; empty: nothing speaks against it
  std::vector<std::size_t> to_end;  // indexes of report.machines, those first that are overdue for longest
  std::vector<LeftAlone> left_alone;
};

// A deadline is past when it is by our clock and by AWS's. Where the two differ by more than k_most_skew, or AWS's isn't
// known, the plan is refused, as soon as there's anything to end. An instance that is listed twice is ended once.
// `unasked`: indexes of those of which it may not be asked whether they're protected.
[[nodiscard]] EnforcePlan plan_enforcement(const Report& report, const EnforceOptions& options,
                                           const std::set<std::size_t>& unasked = {});

[[nodiscard]] LeftAlone left_alone(const Machine& machine, Enforcement reason);
[[nodiscard]] Action action_for(const Machine& machine);
// "past its deadline 2026-11-24T18:00:00Z".
[[nodiscard]] std::string why_ended(const Machine& machine);

}  // namespace curfew::watch
