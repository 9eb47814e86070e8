// For how long an instance is billed, since its last start. Pure.
//
// "Amazon EC2 instance state changes", "Billing by instance state" (EC2 user guide): `running` is billed; `pending`,
// `stopping`, `stopped`, `shutting-down` and `terminated` are not, but for `stopping` while it hibernates, which is. EBS
// volumes and addresses cost money in every state. "Billing for interrupted Spot Instances": what EC2 takes back within
// its first hour is free; of one by the hour, the last hour isn't billed then.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/times.hpp"
#include "pricing/instance_facts.hpp"

namespace curfew::pricing {

enum class Granularity : std::uint8_t {
  second,  // a minute at least, then by the second
  hour,    // each hour begun: SUSE
};
[[nodiscard]] Granularity granularity_of(std::string_view platform_details);

// Whether the instance (not its volumes) costs money in this state. A state with another name than AWS's six is taken to
// be billed.
[[nodiscard]] bool is_billed(std::string_view state, std::string_view state_reason);

// Server.SpotInstanceTermination, Server.SpotInstanceShutdown: EC2 took it back.
[[nodiscard]] bool is_reclaimed(std::string_view state_reason);

// Client.UserInitiatedHibernate: it's billed until it is stopped, which is later than its StateTransitionReason says.
[[nodiscard]] bool is_hibernated(std::string_view state_reason);

// The least that is billed: a minute.
inline constexpr Seconds k_least_billed{60};

// Whole seconds, a begun one included; 0 where `until` isn't after `from`.
[[nodiscard]] Seconds seconds_begun(WallTime from, WallTime until);

// From LaunchTime until now, or until it ended. A second begun counts whole. A LaunchTime that lies ahead of `now` (a
// clock that is off) counts as now. Empty where the instance isn't billed any more and no time is told at which it
// ended: unknown.
[[nodiscard]] std::optional<Seconds> billed_time(const InstanceFacts& instance, WallTime now);

}  // namespace curfew::pricing
