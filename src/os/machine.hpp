// What sort of machine this is, by what it says of itself; asks no network.
#pragma once

#include <string>

namespace curfew::os {

// An EC2 instance: DMI sys_vendor "Amazon EC2" (Nitro), or a hypervisor uuid beginning with "ec2" (Xen). Both are read
// below `root`, which is "" but in tests. ("Identify EC2 instances", EC2 user guide.)
[[nodiscard]] bool looks_like_ec2(const std::string& root = {});

// The instance's id where the firmware tells it (DMI board_asset_tag, Nitro), without asking the network; else empty.
[[nodiscard]] std::string machine_id(const std::string& root = {});

// gethostname(2); "unknown" where there is none.
[[nodiscard]] std::string host_name();

}  // namespace curfew::os
