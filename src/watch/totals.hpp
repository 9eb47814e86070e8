// Sums over a report, and the rows that every format shows. Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "watch/assess.hpp"
#include "watch/machine.hpp"

namespace curfew::watch {

// A sum of which a part may not be known. Both marks: neither bound holds, it's an estimate.
struct Amount {
  Micros sum{};
  bool at_least = false;  // something isn't in it
  bool at_most = false;   // something in it is an upper bound
  bool any = false;       // something is in it; else nothing at all is known, unless nothing was to be known
  // Sums saturate.
  void add(const std::optional<Micros>& part);
  void add(const Amount& other);
};

// Of one instance: itself (while it runs), its volumes, its addresses. What isn't known makes it a lower bound; without the
// instance's own price nothing of it is told (`any` is false).
[[nodiscard]] Amount hourly_of(const Machine& machine);
// Since its last start; only for what runs.
[[nodiscard]] Amount so_far_of(const Machine& machine, WallTime now);

struct Row {
  const Machine* machine;  // of the report
  Assessment assessment;
};
// Worst first: severity, then cost so far (unknown before known), then running time, then account, region, id. The report
// must outlive them.
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
  Amount instances_hourly;  // the instances alone
  Amount ebs_hourly;
  Amount ipv4_hourly;
  Amount hourly;  // all of it
  Amount so_far;
  [[nodiscard]] std::size_t needing_attention() const { return critical + warning; }
};
[[nodiscard]] Totals totals_of(const std::vector<Row>& rows, WallTime now);

// At a rate per hour; a month is 730 hours, as AWS counts it.
[[nodiscard]] Amount per_day(const Amount& hourly);
[[nodiscard]] Amount per_month(const Amount& hourly);

}  // namespace curfew::watch
