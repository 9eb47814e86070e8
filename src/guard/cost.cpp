// From a rate and a launch to the end of a job.
#include "guard/cost.hpp"

#include <algorithm>

#include "pricing/cost.hpp"

namespace curfew::guard {
namespace {

pricing::Rate rate_of(const MachineCost& cost) {
  pricing::Rate rate;
  if (cost.per_hour) rate.instance = pricing::RatePart{{}, *cost.per_hour, {}, false};
  return rate;
}

}  // namespace

CostReading no_cost_reading() {
  CostReading reading;
  reading.parts.volumes.emplace();
  reading.parts.public_ipv4 = false;
  return reading;
}

MachineCost machine_cost(const CostReading& reading, const std::optional<Micros>& price, bool on_ec2,
                         const job::Now& now) {
  const auto given = pricing::given_price(price, reading.price_tag);
  const auto rate = pricing::rate_of(reading.parts, given ? *given : std::nullopt);
  MachineCost cost;
  if (rate.instance) cost.per_hour = rate.per_hour();
  cost.is_complete = rate.is_complete();
  cost.description = pricing::describe(rate);
  if (!given) cost.description += "; " + given.error().text();
  if (!on_ec2) {
    cost.since = now.wall;
    return cost;
  }
  cost.since = reading.launched.value_or(now.wall - now.boot.time_since_epoch());
  if (reading.up_for) cost.since = std::min(cost.since, now.wall - *reading.up_for);
  return cost;
}

std::optional<Micros> cost_by(const MachineCost& cost, WallTime at) {
  if (!cost.per_hour) return {};
  return pricing::cost_at(rate_of(cost), cost.since, at);
}

Result<CostBound> bound_by_cost(const job::Times& times, const job::Limits& limits, Micros most,
                                const MachineCost& cost, const job::Now& now) {
  CostBound bound;
  const auto end = pricing::end_within(most, rate_of(cost), cost.since);
  bound.end_at = end.value_or(now.wall + k_most_without_price + limits.after_stop());
  if (bound.end_at <= now.wall + limits.after_stop()) {
    return fail(ErrorKind::refused, "--max-cost " + format_limit(most), "leaves no time for the job",
                "this machine has cost " + format_dollars(cost_by(cost, now.wall).value_or(Micros{})) +
                    " since " + format_utc(cost.since) + ", at " +
                    pricing::format_hourly(cost.per_hour.value_or(Micros{})) +
                    " an hour, and ending it may take " + format_duration(limits.after_stop()));
  }
  bound.times = job::brought_forward(times, limits, bound.end_at, now);
  const auto& before = times.end_at;
  bound.is_first = end && (!before || bound.times.end_at->boot < before->boot);
  return bound;
}

std::string describe_bound(Micros most, const MachineCost& cost, const CostBound& bound) {
  if (!cost.per_hour)
    return "what this machine costs isn't known, so --max-cost can't be kept; it's gone by " +
           format_utc(bound.times.end_at ? bound.times.end_at->wall : bound.end_at) + " (" +
           cost.description + "; give --price, an hour's price in dollars)";
  std::string text = "--max-cost " + format_limit(most) + " is reached at " + format_utc(bound.end_at);
  if (!cost.is_complete) text += " at the latest";
  return text + ": " + cost.description + ", since " + format_utc(cost.since);
}

}  // namespace curfew::guard
