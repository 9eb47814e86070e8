// A region's instances: the list that may be long.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "aws/ec2_inventory.hpp"
#include "base/result.hpp"
#include "net/http.hpp"
#include "os/clock.hpp"

namespace curfew::watch {

using net::Awaitable;

inline std::string listing(const char* call, const std::string& region) {
  return std::string(call) + " in " + region;
}

using TakeInstances = std::function<void(std::vector<aws::ListedInstance>)>;

// All of the region's instances that the filter lets pass: by zone where they are many. An instance may be taken more than
// once; after an error they aren't all. `skew` becomes the worst of all replies.
[[nodiscard]] Awaitable<Status> read_instances_of(aws::Ec2Inventory& ec2, std::string region,
                                                  aws::InstanceFilter filter, const os::Clock& clock,
                                                  std::optional<Millis>& skew, TakeInstances take);

}  // namespace curfew::watch
