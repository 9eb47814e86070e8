// The machine's disks as the kernel shows them, for where EC2 may not be asked about its volumes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace curfew::os {

struct BlockDevice {
  std::string name;  // "nvme1n1", "xvdf"
  std::uint64_t bytes = 0;
  bool is_surely_ebs = false;  // its model says so (Nitro); on Xen an instance store looks like a volume
};

// The disks of an EC2 instance that are EBS volumes, or may be, ordered by name; read from /sys/block below `root`,
// which is "" but in tests. NVMe disks by their model: "Amazon Elastic Block Store", not "Amazon EC2 NVMe Instance
// Storage" ("Amazon EBS volumes and NVMe", EBS user guide); of others those named xvd… and sd…. Loop devices, RAM
// disks, RAID and device-mapper ones are made of the rest, and left out. An error where one disk can't be read or says
// what can't be: a part of the disks must not pass for all.
[[nodiscard]] Result<std::vector<BlockDevice>> ebs_disks(const std::string& root = {});

}  // namespace curfew::os
