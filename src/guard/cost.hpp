// What this machine costs, and the end that --max-cost sets. Pure.
#pragma once

#include <optional>
#include <string>

#include "base/money.hpp"
#include "base/result.hpp"
#include "job/times.hpp"
#include "pricing/parts.hpp"

namespace curfew::guard {

// What was found out about the machine; empty parts are unknown.
struct CostReading {
  pricing::MachineParts parts;
  std::optional<WallTime> launched;  // EC2's LaunchTime
  std::optional<Millis> up_for;      // for so long the machine has been up at least
  std::optional<std::string> price_tag;
};

// Of a machine that isn't EC2's: it has nothing that AWS bills.
[[nodiscard]] CostReading no_cost_reading();

struct MachineCost {
  std::optional<Micros> per_hour;  // empty: the instance's price isn't known
  bool is_complete = false;        // else per_hour is a lower bound
  WallTime since{};                // from when on it's billed
  std::string description;         // for people, one line
};

// `price` is --price. On EC2 the machine is billed since its launch, which is no later than what already ran on it did begin
// (up_for), whatever the wall clock says; where the launch isn't known, since its boot. Elsewhere it counts from `now`.
[[nodiscard]] MachineCost machine_cost(const CostReading& reading, const std::optional<Micros>& price,
                                       bool on_ec2, const job::Now& now);

// What it has cost by then, of what is known; nothing where the instance's price isn't.
[[nodiscard]] std::optional<Micros> cost_by(const MachineCost& cost, WallTime at);

// The time that holds where the price isn't known, even if `--max-time off`.
inline constexpr Seconds k_most_without_price = std::chrono::hours{4};

struct CostBound {
  job::Times times;   // brought forward where the cost limit comes first
  WallTime end_at{};  // the machine is gone by then; no `curfew extend` goes beyond
  bool is_first = false;
};

// An error (refused) where no time is left for the job: the machine may have cost nearly as much already.
[[nodiscard]] Result<CostBound> bound_by_cost(const job::Times& times, const job::Limits& limits, Micros most,
                                              const MachineCost& cost, const job::Now& now);

// Two lines at most: what holds, and what is wrong with it (a warning).
[[nodiscard]] std::string describe_bound(Micros most, const MachineCost& cost, const CostBound& bound);

}  // namespace curfew::guard
