// What DescribeInstances tells of an instance that has to do with its cost. Values only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/times.hpp"

namespace curfew::pricing {

struct InstanceFacts {
  std::string type;              // "g5.xlarge"
  std::string region;            // "us-east-1"
  std::string platform_details;  // PlatformDetails: "Linux/UNIX", "Windows", "SUSE Linux"; empty: not told
  std::string usage_operation;   // UsageOperation: "RunInstances", "RunInstances:0002"; empty: not told
  std::string tenancy;           // Placement.Tenancy: "default", "dedicated", "host"; empty is "default"
  bool spot = false;             // InstanceLifecycle "spot"
  bool capacity_block = false;   // InstanceLifecycle "capacity-block": paid for in advance
  std::string state;             // "running", …
  std::string state_reason;      // StateReason.Code: "Client.UserInitiatedHibernate"; empty: none
  WallTime launched{};           // LaunchTime: each start renews it
  std::optional<WallTime> ended = {};  // when it left `running`: transition_time(StateTransitionReason)
};

// The time in a StateTransitionReason, "User initiated (2026-11-24 18:00:00 GMT)"; nothing where there is none.
[[nodiscard]] std::optional<WallTime> transition_time(std::string_view state_transition_reason);

}  // namespace curfew::pricing
