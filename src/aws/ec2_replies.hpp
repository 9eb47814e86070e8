// EC2's documents about volumes and instances, read and checked. Pure; for ec2.cpp and its tests.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aws/core/xml.hpp"
#include "aws/ec2.hpp"
#include "base/result.hpp"

namespace curfew::aws {

// Of a DescribeVolumesResponse; each of `ids`, and nothing else, must be in it. In the reply's order. Errors:
// unavailable.
[[nodiscard]] Result<std::vector<EbsVolume>> volumes_in(const pugi::xml_node& root,
                                                        std::span<const std::string> ids);

// One <item> of such a list, its id unchecked.
[[nodiscard]] Result<EbsVolume> volume_from(const pugi::xml_node& item);

// Of a DescribeInstancesResponse. Errors: not_found where the instance isn't in it, else unavailable.
[[nodiscard]] Result<Instance> instance_in(const pugi::xml_node& root, std::string_view id);

// "pending", "running", "shutting-down", "terminated", "stopping", "stopped".
[[nodiscard]] bool is_instance_state(std::string_view text);

}  // namespace curfew::aws
