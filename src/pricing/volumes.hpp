// A machine's volumes, from what EC2 tells or, where it may not be asked, from what the machine sees. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/ec2.hpp"
#include "os/block_devices.hpp"
#include "pricing/parts.hpp"

namespace curfew::pricing {

[[nodiscard]] std::vector<Volume> volumes_from(const std::vector<aws::EbsVolume>& described);

// The sizes are right, the types assumed: gp3, which new volumes are by default in the console and in today's images.
// `instance_stores` are the devices that IMDS calls so ("sdb", which the kernel may call xvdb), left out unless their
// model says that they are volumes. Empty where no disk is left: no machine runs without one, so that is unknown.
[[nodiscard]] std::optional<std::vector<Volume>> volumes_from(
    const std::vector<os::BlockDevice>& disks, const std::vector<std::string>& instance_stores);

}  // namespace curfew::pricing
