// Sums over a report, and the rows that every format shows. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "watch/amount.hpp"
#include "watch/assess.hpp"
#include "watch/machine.hpp"

namespace curfew::watch {

struct Row {
  const Machine* machine;  // of the report
  Assessment assessment;
  Amount so_far;                   // so_far_of() it
  std::optional<Seconds> running;  // running_for() so long
};
// Worst first: severity, then cost so far (unknown before known), then running time, then account, region, id. The
// report must outlive them.
[[nodiscard]] std::vector<Row> rows_of(const Report& report);

struct Totals {
  std::size_t instances = 0;
  std::size_t running = 0;
  std::size_t gpus = 0;  // of what runs
  bool gpus_at_least = false;
  std::size_t critical = 0;
  std::size_t warning = 0;
  std::size_t kept = 0;
  std::size_t prices_unknown = 0;  // instances that run and whose own price isn't known
  std::size_t prices_at_most = 0;
  Amount instances_hourly;  // the instances alone, of those that run
  Amount ebs_hourly;
  Amount ipv4_hourly;
  Amount hourly;  // all of it
  Amount so_far;
  [[nodiscard]] std::size_t needing_attention() const { return critical + warning; }
};
[[nodiscard]] Totals totals_of(const std::vector<Row>& rows);

}  // namespace curfew::watch
