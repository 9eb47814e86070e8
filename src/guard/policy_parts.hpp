// What the policy's two halves share and what it says: how a state is judged, its bounds, and its words. Pure, and
// nobody's but the policy's.
#pragma once

#include <optional>
#include <string>

#include "guard/policy.hpp"

namespace curfew::guard::detail {

inline constexpr int k_sigterm = 15;

[[nodiscard]] std::string seconds_text(Millis duration);
// Rounded up: a tick comes a moment after what it was for.
[[nodiscard]] std::string left_text(Millis duration);
[[nodiscard]] std::string signal_text(int signal);
[[nodiscard]] std::string result_text(const JobResult& result);
[[nodiscard]] std::string why_left_alone(const State& state, const Rules& rules);
[[nodiscard]] std::string why_over(const State& state);

[[nodiscard]] bool is_before(Stage a, Stage b);
[[nodiscard]] bool leaves_machine_alone(const State& state, const Rules& rules);
[[nodiscard]] bool has_failed(const State& state);

// Empty: it doesn't come, or came already.
[[nodiscard]] std::optional<BootTime> early_signal_at(const State& state, const Rules& rules);
[[nodiscard]] std::optional<BootTime> warning_at(const State& state);
// When nothing is waited for any more; empty: no limit.
[[nodiscard]] std::optional<BootTime> backstop(const State& state);

}  // namespace curfew::guard::detail
