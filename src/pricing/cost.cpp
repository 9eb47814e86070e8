// Rates, and the arithmetic of limits.
#include "pricing/cost.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/text.hpp"
#include "pricing/billed_time.hpp"
#include "pricing/ebs.hpp"
#include "pricing/list_prices.hpp"

namespace curfew::pricing {
namespace {

__extension__ using Wide = __int128;

std::string name_of(const MachineParts& parts) {
  std::string name = parts.instance_type.empty() ? "this machine" : printable(parts.instance_type, 40);
  if (parts.spot) name += " (spot)";
  if (!parts.region.empty()) name += " in " + printable(parts.region, 40);
  return name;
}

std::optional<RatePart> instance_part(const MachineParts& parts, const std::optional<GivenPrice>& given) {
  if (given && given->per_hour.count > 0)
    return RatePart{name_of(parts), std::min(given->per_hour, k_most_per_hour), given->source, false};
  const auto listed = list_price(parts.instance_type, parts.region);
  if (!listed) return {};
  std::string source = "list price of " + std::string(listed->date);
  if (parts.spot) source = "on-demand " + source + ", the most that spot costs";
  return RatePart{name_of(parts), listed->per_hour, std::move(source), parts.spot};
}

void add_volumes(Rate& rate, const MachineParts& parts) {
  if (!parts.volumes) {
    rate.unknown.emplace_back("the EBS volumes");
    return;
  }
  auto ebs = ebs_rate(*parts.volumes, parts.region);
  std::move(ebs.parts.begin(), ebs.parts.end(), std::back_inserter(rate.others));
  std::move(ebs.unknown.begin(), ebs.unknown.end(), std::back_inserter(rate.unknown));
}

void add_public_ipv4(Rate& rate, const MachineParts& parts) {
  if (!parts.public_ipv4) {
    rate.unknown.emplace_back("whether it has a public IPv4 address");
  } else if (*parts.public_ipv4) {
    if (is_billed_in_dollars(parts.region))
      rate.others.push_back({"public IPv4", k_public_ipv4, "list price since 2024-02-01", false});
    else rate.unknown.push_back("the price of a public IPv4 address in " + printable(parts.region, 40));
  }
}

// Of time as it's billed: whole seconds, from the first minute on.
Seconds billed(WallTime launched, WallTime at) {
  return at < launched ? Seconds{0} : std::max(seconds_begun(launched, at), k_least_billed);
}

WallTime later_by(WallTime time, Seconds by) {
  return time > WallTime::max() - by ? WallTime::max() : time + by;
}

}  // namespace

Result<std::optional<GivenPrice>> given_price(const std::optional<Micros>& option,
                                              const std::optional<std::string>& tag) {
  if (option) return GivenPrice{*option, "--price"};
  if (!tag) return std::nullopt;
  const std::string name = "the tag " + std::string(k_price_tag);
  auto price = parse_dollars(*tag);
  if (!price) return fail(std::move(price).error().within("read " + name));
  return GivenPrice{*price, name};
}

Micros Rate::per_hour() const {
  // A bounded number of parts, each at most k_most_per_hour: no overflow.
  Micros sum = instance ? instance->per_hour : Micros{};
  for (const auto& part : others) sum = sum + part.per_hour;
  return sum;
}

Rate rate_of(const MachineParts& parts, const std::optional<GivenPrice>& given) {
  Rate rate;
  rate.machine = name_of(parts);
  rate.instance = instance_part(parts, given);
  add_volumes(rate, parts);
  add_public_ipv4(rate, parts);
  return rate;
}

std::string format_hourly(Micros per_hour) {
  if (per_hour.count < 10'000) return format_dollars(per_hour);
  const auto mills = per_hour.count / 1'000 + (per_hour.count % 1'000 >= 500 ? 1 : 0);
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "$%lld.%03lld", static_cast<long long>(mills / 1'000),
                static_cast<long long>(mills % 1'000));
  return buffer.data();
}

std::string describe(const Rate& rate) {
  std::string line = rate.machine + ": ";
  if (rate.instance)
    line += format_hourly(rate.instance->per_hour) + " an hour (" + rate.instance->source + ")";
  else line += "price not known";
  for (const auto& part : rate.others) {
    line += ", " + part.name + " " + format_hourly(part.per_hour);
    if (part.estimated) line += " (" + part.source + ")";
  }
  for (const auto& name : rate.unknown) line += ", " + name + " not known";
  if (rate.per_hour().count == 0) return line;
  return line + (rate.is_complete() ? ": " : ": at least ") + format_hourly(rate.per_hour()) + " an hour";
}

Micros cost_at(const Rate& rate, WallTime launched, WallTime at) {
  return cost_of(rate.per_hour(), billed(launched, at));
}

std::optional<WallTime> end_within(Micros limit, const Rate& rate, WallTime launched) {
  const auto per_hour = rate.per_hour().count;
  if (!rate.instance || per_hour <= 0) return {};
  const Wide seconds = static_cast<Wide>(std::max<std::int64_t>(limit.count, 0)) * 3600 / per_hour;
  if (seconds < k_least_billed.count()) return launched;
  const Seconds lasts{static_cast<std::int64_t>(std::min<Wide>(seconds, k_longest_limit.count()))};
  return later_by(launched, lasts);
}

}  // namespace curfew::pricing
