// What DescribeInstances tells of an instance that has to do with its cost. Values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/times.hpp"

namespace curfew::pricing {

// How it was bought. `other`: scheduled ones and what EC2 may call it one day; no price of here is theirs.
enum class Market : std::uint8_t { on_demand, spot, capacity_block, other };

struct InstanceFacts {
  std::string type;              // "g5.xlarge"
  std::string region;            // "us-east-1"
  std::string zone;              // "us-east-1a"; in a Local Zone other prices hold; empty: not told
  std::string platform_details;  // PlatformDetails: "Linux/UNIX", "Windows", "SUSE Linux"; empty: not told
  std::string usage_operation;   // UsageOperation: "RunInstances", "RunInstances:0002"; empty: not told
  std::string tenancy;           // Placement.Tenancy: "default", "dedicated", "host"; empty is "default"
  Market market = Market::on_demand;
  std::string state;                   // State.Name: "running", …
  std::string state_reason;            // StateReason.Code: "Client.UserInitiatedHibernate"; empty: none
  WallTime launched{};                 // LaunchTime: each start renews it
  std::optional<WallTime> ended = {};  // when it left `running`: transition_time(StateTransitionReason)
};

// The region in whose list its prices stand: of a Local Zone ("us-west-2-lax-1a") its own, "us-west-2-lax-1".
[[nodiscard]] std::string priced_region(const InstanceFacts& instance);

// The time in a StateTransitionReason, "User initiated (2026-11-24 18:00:00 GMT)"; nothing where there is none.
[[nodiscard]] std::optional<WallTime> transition_time(std::string_view state_transition_reason);

}  // namespace curfew::pricing
