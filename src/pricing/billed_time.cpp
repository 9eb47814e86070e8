// Which states are billed, and how time is rounded.
#include "pricing/billed_time.hpp"

#include <algorithm>

namespace curfew::pricing {
namespace {

__extension__ using Wide = __int128;

constexpr Seconds k_hour{3'600};
constexpr std::string_view k_hibernate = "Client.UserInitiatedHibernate";

// Whole hours, begun ones included.
Seconds hours_begun(Seconds time) {
  const auto whole = time.count() / k_hour.count();
  return Seconds{(whole + (time.count() % k_hour.count() != 0 ? 1 : 0)) * k_hour.count()};
}

}  // namespace

Granularity granularity_of(std::string_view platform_details) {
  return platform_details.find("SUSE") == std::string_view::npos ? Granularity::second : Granularity::hour;
}

bool is_billed(std::string_view state, std::string_view state_reason) {
  if (state == "stopping") return state_reason == k_hibernate;
  return state != "pending" && state != "stopped" && state != "shutting-down" && state != "terminated";
}

bool is_reclaimed(std::string_view state_reason) {
  return state_reason == "Server.SpotInstanceTermination" || state_reason == "Server.SpotInstanceShutdown";
}

bool is_hibernated(std::string_view state_reason) { return state_reason == k_hibernate; }

Seconds seconds_begun(WallTime from, WallTime until) {
  if (until <= from) return Seconds{0};
  // Through 128 bits: two times may lie further apart than a duration can hold.
  const Wide millis = static_cast<Wide>(until.time_since_epoch().count()) - from.time_since_epoch().count();
  return Seconds{static_cast<std::int64_t>((millis + 999) / 1'000)};
}

std::optional<Seconds> billed_time(const InstanceFacts& instance, WallTime now) {
  if (instance.state == "pending") return Seconds{0};
  const bool goes_on = is_billed(instance.state, instance.state_reason);
  if (!goes_on && (!instance.ended || *instance.ended < instance.launched)) return {};
  const auto ran = seconds_begun(instance.launched, goes_on ? now : *instance.ended);
  const bool reclaimed = !goes_on && instance.market == Market::spot && is_reclaimed(instance.state_reason);
  if (reclaimed && ran < k_hour) return Seconds{0};
  if (granularity_of(instance.platform_details) == Granularity::second) return std::max(ran, k_least_billed);
  if (reclaimed) return Seconds{ran.count() / k_hour.count() * k_hour.count()};
  return std::max(hours_begun(ran), k_hour);
}

}  // namespace curfew::pricing
