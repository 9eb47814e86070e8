// The deadline that is held outside this machine, in the tag curfew:deadline: what it means for the guard's own times when
// it's first seen, and each time it has changed. Pure.
//
// Seen for the first time it may only bring the end forward. From then on a move of it moves the end, both ways, where the
// tag is what held it: a job whose own limit is earlier goes by that. A tag that is removed or that can't be read moves
// nothing, and none moves anything beyond curfew:max-deadline.
#pragma once

#include <optional>
#include <string>

#include "guard/policy.hpp"

namespace curfew::guard {

inline constexpr const char* k_deadline_tag = "curfew:deadline";
inline constexpr const char* k_most_deadline_tag = "curfew:max-deadline";

// Their values as IMDS has them; empty: there's no such tag. Untrusted.
struct DeadlineTags {
  std::optional<std::string> deadline;
  std::optional<std::string> most;
  friend bool operator==(const DeadlineTags&, const DeadlineTags&) = default;
};

struct DeadlineStep {
  std::optional<job::Times> times;  // the times from now on; empty: as they are
  std::optional<WallTime> held;     // to be kept as State::held; empty: as it is
  Note::Level level = Note::Level::info;
  std::string text;  // for the log, fit to be shown; empty: nothing is to be said
};
[[nodiscard]] DeadlineStep heed_deadline(const State& state, const Rules& rules, const job::Now& now,
                                         const DeadlineTags& tags);

// Whether the step gives more time than there was.
[[nodiscard]] bool is_later(const DeadlineStep& step, const State& state);

}  // namespace curfew::guard
