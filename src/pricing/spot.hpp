// What a spot instance has cost by the history of prices of its zone and product. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/times.hpp"
#include "pricing/amount.hpp"

namespace curfew::pricing {

// A price as AWS writes it, "0.302300", "1.0060000000": rounded up to whole micro-dollars. Nothing for what is no price,
// for zero (nothing is free; in price lists it means "not priced so") and for more than k_most_per_hour.
[[nodiscard]] std::optional<Micros> parse_price(std::string_view text);

// The product of DescribeSpotPriceHistory for a PlatformDetails: "Linux/UNIX", "Windows", "SUSE Linux", "Red Hat
// Enterprise Linux"; empty where spot prices don't tell what it costs (software on top).
[[nodiscard]] std::string spot_product(std::string_view platform_details);

struct SpotPrice {
  WallTime since;
  Micros per_hour;
};

// Of one type, zone and product: told in any order, with duplicates; kept in the order of time, for many instances.
class SpotHistory {
 public:
  SpotHistory() = default;
  explicit SpotHistory(std::vector<SpotPrice> points);
  [[nodiscard]] bool empty() const { return points_.empty(); }
  [[nodiscard]] std::span<const SpotPrice> points() const { return points_; }

 private:
  std::vector<SpotPrice> points_;
};

struct SpotCost {
  Amount per_hour;  // by the newest price known at `now`
  Amount so_far;
  Seconds uncovered{};  // of the billed time, before the history begins
};

// "You pay the Spot price that's in effect, billed to the nearest second" ("How Spot Instances Work"). The history is of
// the instance's own zone and product; the last change before the launch belongs to it. Where it begins after the
// launch, the time before is taken at `most` (the on-demand price, if it's known), and the sum is "at most"; without it
// that time is left out, and the sum is "at least". Empty without any history: unknown.
[[nodiscard]] std::optional<SpotCost> spot_cost(const SpotHistory& history, WallTime launched, Seconds billed,
                                                WallTime now, const std::optional<Micros>& most);

}  // namespace curfew::pricing
