// Dollars without floating point: whole micro-dollars.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "base/times.hpp"

namespace curfew {

// A millionth of a US dollar. A g5.xlarge costs 1,006,000 of them an hour.
struct Micros {
  std::int64_t count = 0;
  friend constexpr auto operator<=>(Micros, Micros) = default;
  friend constexpr Micros operator+(Micros a, Micros b) { return {a.count + b.count}; }
};

// What `duration` costs at `per_hour`: 128 bits between, rounded once, half up. Negative durations cost nothing;
// what is more than Micros can hold costs as much as it can.
[[nodiscard]] Micros cost_of(Micros per_hour, Seconds duration);
// "1.006", "$5", "5.00"; at most six decimals; zero and negative are refused.
[[nodiscard]] Result<Micros> parse_dollars(std::string_view text);
// "$72.43"; below a cent as many digits as it takes ("$0.0013").
[[nodiscard]] std::string format_dollars(Micros amount);
// An amount that somebody typed, never rounded: "$5.00", "$0.025".
[[nodiscard]] std::string format_limit(Micros amount);

}  // namespace curfew
