// Rows and sums.
#include "watch/totals.hpp"

#include <algorithm>
#include <tuple>

namespace curfew::watch {
namespace {

bool is_worse(const Row& a, const Row& b) {
  // Larger first, but for the names at the end.
  const auto weight = [](const Row& row) {
    return std::tuple(row.assessment.severity, row.so_far.is_unknown(), row.so_far.sum, row.running);
  };
  const auto weight_a = weight(a);
  const auto weight_b = weight(b);
  if (weight_a != weight_b) return weight_a > weight_b;
  const auto name = [](const Row& row) {
    return std::tie(row.machine->account, row.machine->region, row.machine->id);
  };
  return name(a) < name(b);
}

}  // namespace

std::vector<Row> rows_of(const Report& report) {
  std::vector<Row> rows;
  rows.reserve(report.machines.size());
  for (const auto& machine : report.machines)
    rows.push_back({&machine, assess(machine, report.thresholds, report.at), so_far_of(machine),
                    running_for(machine, report.at)});
  std::sort(rows.begin(), rows.end(), is_worse);
  return rows;
}

Totals totals_of(const std::vector<Row>& rows) {
  Totals totals;
  totals.instances = rows.size();
  for (const auto& [machine, assessment, so_far, running] : rows) {
    totals.critical += assessment.severity == Severity::critical ? 1U : 0U;
    totals.warning += assessment.severity == Severity::warning ? 1U : 0U;
    totals.kept += assessment.kept ? 1U : 0U;
    totals.ebs_hourly.add(ebs_hourly_of(*machine));
    totals.ipv4_hourly.add(ipv4_hourly_of(*machine));
    if (!running) continue;
    ++totals.running;
    totals.gpus += machine->gpus.count.value_or(0);
    totals.gpus_at_least = totals.gpus_at_least || !machine->gpus.count;
    totals.prices_unknown += machine->cost.hourly ? 0U : 1U;
    totals.prices_at_most += machine->cost.hourly && machine->cost.at_most ? 1U : 0U;
    totals.so_far.add(so_far);
    totals.instances_hourly.add(instance_hourly_of(*machine));
  }
  // Of an instance without a price there may be volumes: the sum of those is a lower bound, not unknown.
  totals.so_far.any = totals.so_far.any || totals.so_far.sum > Micros{};
  totals.hourly.add(totals.instances_hourly);
  totals.hourly.add(totals.ebs_hourly);
  totals.hourly.add(totals.ipv4_hourly);
  return totals;
}

}  // namespace curfew::watch
