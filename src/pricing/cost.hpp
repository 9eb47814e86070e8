// What a machine costs an hour, what it has cost by a time, and when it will have cost so much. Pure.
//
// Counted: the instance, its EBS volumes, its public IPv4 address. Not counted: traffic, snapshots, file systems (EFS,
// FSx), requests, tax, discounts. Each price is rounded up and each time down, so that a limit holds.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/money.hpp"
#include "base/result.hpp"
#include "base/times.hpp"
#include "pricing/parts.hpp"

namespace curfew::pricing {

// The instance's price an hour, told by its owner; it takes the place of the list price.
struct GivenPrice {
  Micros per_hour;
  std::string source;  // "--price"
};

inline constexpr std::string_view k_price_tag = "curfew:price";  // its value is like --price's: "1.006"

// The option's where there is one, else the tag's. An error where the tag is no amount of money; the list price then
// has to do.
[[nodiscard]] Result<std::optional<GivenPrice>> given_price(const std::optional<Micros>& option,
                                                            const std::optional<std::string>& tag);

struct Rate {
  std::string machine;               // "g5.xlarge in us-east-1", fit to be shown
  std::optional<RatePart> instance;  // empty: the price isn't known, and no cost limit can be kept
  std::vector<RatePart> others;      // EBS and public IPv4
  std::vector<std::string> unknown;  // what else costs money but isn't known how much, by name

  // Of all that is known. A lower bound where anything is unknown.
  [[nodiscard]] Micros per_hour() const;
  [[nodiscard]] bool is_complete() const { return instance && unknown.empty(); }
};

// The list price of a spot instance's type stands for its own price, which is at most that.
[[nodiscard]] Rate rate_of(const MachineParts& parts, const std::optional<GivenPrice>& given);

// One line for people: "g5.xlarge in us-east-1: $1.006 an hour (list price of 2025-05-28), 100 GiB of gp3 $0.011,
// public IPv4 $0.005: $1.022 an hour". What is unknown or estimated is said; then the sum is "at least $…".
[[nodiscard]] std::string describe(const Rate& rate);

// "$1.022": three decimals, below a cent as many as it takes.
[[nodiscard]] std::string format_hourly(Micros per_hour);

// What a machine that was launched then has cost at `at`. Seconds begun count whole, and a minute is the least that is
// billed ("Amazon EC2 On-Demand Pricing"); nothing before the launch. Of what is known, as per_hour().
[[nodiscard]] Micros cost_at(const Rate& rate, WallTime launched, WallTime at);

// The last whole second after the launch by which the machine has cost no more than `limit`; the launch itself where
// the first minute costs more. So cost_at(rate, launched, *end_within(limit, rate, launched)) <= limit, but for that
// minute. At most k_longest_limit after the launch. Empty where the instance's price isn't known.
[[nodiscard]] std::optional<WallTime> end_within(Micros limit, const Rate& rate, WallTime launched);

// No job lasts a century, and times within it can be added to without overflow.
inline constexpr Seconds k_longest_limit = std::chrono::hours{24 * 36525};

}  // namespace curfew::pricing
