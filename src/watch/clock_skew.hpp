// How far our clock is from AWS's, by what AWS's replies say of theirs. Pure.
#pragma once

#include <optional>

#include "base/times.hpp"
#include "watch/machine.hpp"

namespace curfew::watch {

// Beyond it nothing is ended for being past a deadline: one of the two clocks is wrong.
inline constexpr Seconds k_most_skew{60};

// AWS's clock minus ours, the least that explains a reply: asked at `before` and there at `after` by our clock, made in
// the second `answered` by theirs.
[[nodiscard]] Millis clock_skew(WallTime before, WallTime after, WallTime answered);
// The one that is further from zero: each is a lower bound.
[[nodiscard]] std::optional<Millis> worse_skew(std::optional<Millis> a, std::optional<Millis> b);
// Of all regions that were read; nothing where no reply told a time.
[[nodiscard]] std::optional<Millis> skew_of(const Report& report);
[[nodiscard]] bool is_skewed(Millis skew);

}  // namespace curfew::watch
