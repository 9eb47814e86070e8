// A sum of money of which not everything is known: what it is at least, and what it is at most. Pure.
//
// Sums stay right whatever they are made of: an exact price and one that is "at most" give "at most", and as soon as one
// part has no upper bound the sum is "at least".
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/money.hpp"

namespace curfew::pricing {

enum class Mark : std::uint8_t { exact, at_least, at_most, unknown };

struct Amount {
  Micros low{};                           // it is no less
  std::optional<Micros> high = Micros{};  // it is no more; empty: nobody knows

  [[nodiscard]] static constexpr Amount exact(Micros amount) { return {amount, amount}; }
  [[nodiscard]] static constexpr Amount at_least(Micros amount) { return {amount, std::nullopt}; }
  [[nodiscard]] static constexpr Amount at_most(Micros amount) { return {Micros{}, amount}; }
  [[nodiscard]] static constexpr Amount unknown() { return {Micros{}, std::nullopt}; }

  [[nodiscard]] Mark mark() const;
  // The number that goes with the mark: the upper bound where there is one, else the lower. With Mark::unknown it's 0
  // and means nothing: it must not be shown. Thresholds are compared with it: it alarms too early, never too late.
  [[nodiscard]] Micros shown() const { return high.value_or(low); }

  friend constexpr bool operator==(const Amount&, const Amount&) = default;
};

// Both stop at what Micros can hold.
[[nodiscard]] Amount operator+(const Amount& a, const Amount& b);
[[nodiscard]] Amount operator*(const Amount& amount, std::int64_t times);
// What `duration` costs at an hourly price.
[[nodiscard]] Amount cost_of(const Amount& per_hour, Seconds duration);

// "exact", "at least", "at most", "price unknown".
[[nodiscard]] std::string_view name_of(Mark mark);
// "$72.43", "at least $5.00", "at most $3.02", "price unknown".
[[nodiscard]] std::string describe(const Amount& amount);
// The same with format_hourly(): "$1.006", "at most $1.006".
[[nodiscard]] std::string describe_hourly(const Amount& amount);

}  // namespace curfew::pricing
