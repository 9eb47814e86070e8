// What `curfew stop` does with each instance that it found, and how it tells it before it asks. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "watch/act.hpp"
#include "watch/find.hpp"
#include "watch/machine.hpp"

namespace curfew::watch {

enum class StopDecision : std::uint8_t {
  end,
  is_going,      // by itself already: nothing is to be done
  cancel,        // it's going, but its persistent spot request would launch another
  managed,       // another service alone can end it
  is_protected,  // DisableApiTermination; taking that off is its owner's decision
  then_unclear   // its tag curfew:then says neither stop nor terminate, and nor does --then
};
// Whether something is to be done.
[[nodiscard]] bool is_to_do(StopDecision decision);
// Whether it's left as it is, though it isn't going.
[[nodiscard]] bool is_refused(StopDecision decision);

struct StopStep {
  StopDecision decision = StopDecision::end;
  Action action = Action::terminate;
};

// `then`: --then; else what its tag curfew:then says. StopInstances heeds no termination protection.
[[nodiscard]] StopStep decide_stop(const FoundInstance& found, std::optional<Action> then);

// Lines without newlines, fit to be shown: what it is, what becomes of it, what is lost and what stays, and what else has
// to be known, with commands to be copied. `profile`: --profile, or empty.
[[nodiscard]] std::vector<std::string> stop_lines(const FoundInstance& found, const StopStep& step,
                                                  WallTime now, const std::string& profile);

// "Terminate 2 instances and stop 1 instance?" of what is to be ended; empty: nothing is.
[[nodiscard]] std::string stop_question(const std::vector<StopStep>& steps);

// "i-0123 was found in no region", with the regions that could not be read. `by_name`: those are told in any case, for there
// may be another of that name.
[[nodiscard]] std::vector<std::string> missing_lines(const Findings& findings, bool by_name = false);
// Of names that lead to more than one instance: which these are.
[[nodiscard]] std::vector<std::string> several_lines(const Findings& findings, WallTime now);

}  // namespace curfew::watch
