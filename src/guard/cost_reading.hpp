// Asks IMDS and EC2 what this machine is made of, as far as that costs money.
#pragma once

#include <map>
#include <string>

#include "aws/session.hpp"
#include "guard/async.hpp"
#include "guard/cost.hpp"
#include "os/clock.hpp"

namespace curfew::guard {

// Fills `into` as answers come, so that what is known counts where the caller's patience ends first. Volumes by
// DescribeVolumes, or where that is refused by the sizes that the machine itself sees.
[[nodiscard]] Awaitable<void> read_cost(aws::Session& session, CostReading& into);

// The same, within `limit`; blocks.
[[nodiscard]] CostReading read_cost_within(const std::map<std::string, std::string>& environment,
                                           const os::Clock& clock, Millis limit);

}  // namespace curfew::guard
