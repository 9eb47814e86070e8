// Bounds on the difference of two clocks.
#include "watch/clock_skew.hpp"

#include <algorithm>

namespace curfew::watch {

Millis clock_skew(WallTime before, WallTime after, WallTime answered) {
  const Millis least = answered - after;
  const Millis most = answered + Seconds{1} - before;
  if (least > Millis{0}) return least;
  return std::min(most, Millis{0});
}

std::optional<Millis> worse_skew(std::optional<Millis> a, std::optional<Millis> b) {
  if (!a || !b) return a ? a : b;
  return std::chrono::abs(*a) >= std::chrono::abs(*b) ? a : b;
}

std::optional<Millis> skew_of(const Report& report) {
  std::optional<Millis> worst;
  for (const auto& region : report.regions) worst = worse_skew(worst, region.skew);
  return worst;
}

bool is_skewed(Millis skew) { return std::chrono::abs(skew) > k_most_skew; }

}  // namespace curfew::watch
