// What an instance costs, all in all, and sums of that of which a part may not be known. Pure.
#pragma once

#include <optional>
#include <string>

#include "watch/machine.hpp"

namespace curfew::watch {

struct Amount {
  Micros sum{};           // of what is known, upper bounds included: what a limit is compared with
  Micros low{};           // of that what it costs for certain
  bool at_least = false;  // something isn't in it
  bool at_most = false;   // something in it is an upper bound
  bool any = false;  // what counts most is in it; with neither this nor `at_least` there was nothing to count
  // Sums saturate.
  void add(const std::optional<Micros>& part, bool is_upper_bound = false);
  void add(const Amount& other);
  [[nodiscard]] bool is_unknown() const { return at_least && !any; }
  // The number that goes with the mark: with a part missing no upper bound holds, and only `low` is sure.
  [[nodiscard]] Micros shown() const { return at_least && at_most ? low : sum; }
};

// Of one instance: itself (while it runs), its volumes, its addresses. What isn't known makes it a lower bound; without
// the instance's own price it's unknown, and `sum` is of the rest.
[[nodiscard]] Amount hourly_of(const Machine& machine);
// Since its last start, the same; only of what runs: else nothing was counted.
[[nodiscard]] Amount so_far_of(const Machine& machine);
// The instance alone, while it runs.
[[nodiscard]] Amount instance_hourly_of(const Machine& machine);
// Both of the following.
[[nodiscard]] Amount extras_hourly_of(const Machine& machine);
// Its volumes, and its addresses, an hour. Of one that is being terminated or is gone the addresses are released, and
// volumes go or stay: at most.
[[nodiscard]] Amount ebs_hourly_of(const Machine& machine);
[[nodiscard]] Amount ipv4_hourly_of(const Machine& machine);

// At a rate per hour; a month is 730 hours, as AWS counts it.
[[nodiscard]] Amount per_day(const Amount& hourly);
[[nodiscard]] Amount per_month(const Amount& hourly);

// "$72.43", "at least $72.43", "at most …", "unknown".
[[nodiscard]] std::string describe(const Amount& amount);
// The same for a column: "$72.43", ">=$72.43", "<=$72.43", "unknown"; "" where there was nothing to count.
[[nodiscard]] std::string cell_of(const Amount& amount);
// The same with the digits of a price: "$1.006".
[[nodiscard]] std::string describe_hourly(const Amount& amount);
[[nodiscard]] std::string hourly_cell_of(const Amount& amount);
// For machines: "exact", "at_least", "at_most", "unknown".
[[nodiscard]] std::string_view mark_of(const Amount& amount);
// For machines: dollars with six decimals and nothing around them, "72.432000".
[[nodiscard]] std::string decimal(Micros amount);

}  // namespace curfew::watch
