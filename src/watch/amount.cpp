// Sums of money with their marks.
#include "watch/amount.hpp"

#include <algorithm>
#include <limits>

#include "pricing/cost.hpp"

namespace curfew::watch {
namespace {

Micros saturated_sum(Micros a, Micros b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a.count, b.count, &sum)) return {std::numeric_limits<std::int64_t>::max()};
  return {sum};
}

// Nothing costs less than nothing, whoever says so.
Micros positive(Micros amount) { return std::max(amount, Micros{0}); }

Amount over(const Amount& hourly, Seconds duration) {
  auto amount = hourly;
  amount.sum = cost_of(hourly.sum, duration);
  amount.low = cost_of(hourly.low, duration);
  return amount;
}

// An instance's own price, with the marks that it has.
Amount own_hourly(const MachineCost& cost) {
  Amount amount;
  amount.add(cost.hourly, cost.at_most);
  amount.at_least = amount.at_least || cost.at_least;
  return amount;
}

Amount own_so_far(const MachineCost& cost) {
  Amount amount;
  amount.add(cost.so_far, cost.so_far_at_most);
  amount.at_least = amount.at_least || cost.so_far_at_least;
  if (cost.so_far_at_most) amount.low = std::min(positive(cost.so_far_low), amount.sum);
  return amount;
}

Amount volumes(const std::optional<Micros>& part, const MachineCost& cost) {
  Amount amount;
  amount.add(part, cost.ebs_at_most);
  amount.at_least = amount.at_least || cost.ebs_at_least;
  return amount;
}

Amount addresses(const std::optional<Micros>& part) {
  Amount amount;
  amount.add(part);
  return amount;
}

bool is_going(InstanceState state) {
  return state == InstanceState::shutting_down || state == InstanceState::terminated;
}

enum class Mark : std::uint8_t { none, exact, at_least, at_most, unknown };

Mark kind_of(const Amount& amount) {
  if (amount.is_unknown()) return Mark::unknown;
  if (!amount.any) return Mark::none;
  if (amount.at_least) return Mark::at_least;
  return amount.at_most ? Mark::at_most : Mark::exact;
}

std::string described(const Amount& amount, const std::string& sum) {
  switch (kind_of(amount)) {
    case Mark::unknown: return "unknown";
    case Mark::at_least: return "at least " + sum;
    case Mark::at_most: return "at most " + sum;
    case Mark::exact:
    case Mark::none: break;
  }
  return sum;
}

std::string celled(const Amount& amount, const std::string& sum) {
  switch (kind_of(amount)) {
    case Mark::unknown: return "unknown";
    case Mark::at_least: return ">=" + sum;
    case Mark::at_most: return "<=" + sum;
    case Mark::exact: return sum;
    case Mark::none: break;
  }
  return "";
}

std::string hourly_text(const Amount& amount) {
  return amount.shown().count == 0 ? "$0.000" : pricing::format_hourly(amount.shown());
}

}  // namespace

void Amount::add(const std::optional<Micros>& part, bool is_upper_bound) {
  if (!part) {
    at_least = true;
    return;
  }
  any = true;
  const auto amount = positive(*part);
  sum = saturated_sum(sum, amount);
  if (is_upper_bound) at_most = at_most || amount > Micros{};
  else low = saturated_sum(low, amount);
}

void Amount::add(const Amount& other) {
  sum = saturated_sum(sum, other.sum);
  low = saturated_sum(low, other.low);
  at_least = at_least || other.at_least;
  at_most = at_most || other.at_most;
  any = any || other.any;
}

Amount ebs_hourly_of(const Machine& machine) {
  auto cost = machine.cost;
  if (is_going(machine.state)) cost.ebs_at_most = true;
  return volumes(cost.ebs_hourly, cost);
}

Amount ipv4_hourly_of(const Machine& machine) {
  if (is_going(machine.state)) return addresses(Micros{});
  Amount amount;
  amount.add(machine.cost.ipv4_hourly, machine.cost.ipv4_at_most);
  return amount;
}

Amount extras_hourly_of(const Machine& machine) {
  auto amount = ebs_hourly_of(machine);
  amount.add(ipv4_hourly_of(machine));
  return amount;
}

Amount instance_hourly_of(const Machine& machine) {
  if (machine.state != InstanceState::running) return {};
  return own_hourly(machine.cost);
}

Amount hourly_of(const Machine& machine) {
  auto amount = extras_hourly_of(machine);
  if (machine.state != InstanceState::running) return amount;
  const auto own = instance_hourly_of(machine);
  amount.add(own);
  amount.any = own.any;
  return amount;
}

Amount so_far_of(const Machine& machine) {
  if (machine.state != InstanceState::running) return {};
  const auto& cost = machine.cost;
  auto amount = volumes(cost.ebs_so_far, cost);
  amount.add(addresses(cost.ipv4_so_far));
  const auto own = own_so_far(cost);
  amount.add(own);
  amount.any = own.any;
  return amount;
}

Amount per_day(const Amount& hourly) { return over(hourly, std::chrono::hours{24}); }
Amount per_month(const Amount& hourly) { return over(hourly, std::chrono::hours{730}); }

std::string describe(const Amount& amount) { return described(amount, format_dollars(amount.shown())); }
std::string cell_of(const Amount& amount) { return celled(amount, format_dollars(amount.shown())); }
std::string describe_hourly(const Amount& amount) { return described(amount, hourly_text(amount)); }
std::string hourly_cell_of(const Amount& amount) { return celled(amount, hourly_text(amount)); }

std::string_view mark_of(const Amount& amount) {
  switch (kind_of(amount)) {
    case Mark::unknown: return "unknown";
    case Mark::at_least: return "at_least";
    case Mark::at_most: return "at_most";
    case Mark::exact:
    case Mark::none: break;
  }
  return "exact";
}

std::string decimal(Micros amount) {
  const auto count = static_cast<std::uint64_t>(positive(amount).count);
  auto decimals = std::to_string(count % 1'000'000);
  decimals.insert(0, 6 - decimals.size(), '0');
  return std::to_string(count / 1'000'000) + "." + decimals;
}

}  // namespace curfew::watch
