// From AWS's and the kernel's words to what is billed.
#include "pricing/volumes.hpp"

#include <algorithm>
#include <string_view>

namespace curfew::pricing {
namespace {

constexpr std::uint64_t k_gib = 1ULL << 30U;

// What "/dev/sdb", "sdb" and "xvdb" have in common: "b" ("Device names on Linux instances", EC2 user guide).
std::string_view letters_of(std::string_view device) {
  for (const std::string_view prefix : {"/dev/", "xvd", "sd"})
    if (device.starts_with(prefix)) device.remove_prefix(prefix.size());
  return device;
}

bool is_among(const os::BlockDevice& disk, const std::vector<std::string>& instance_stores) {
  return std::any_of(instance_stores.begin(), instance_stores.end(),
                     [&](const std::string& device) { return letters_of(device) == letters_of(disk.name); });
}

}  // namespace

std::vector<Volume> volumes_from(const std::vector<aws::EbsVolume>& described) {
  std::vector<Volume> volumes;
  for (const auto& volume : described)
    volumes.push_back({volume.type, volume.gib, volume.iops, volume.throughput, false});
  return volumes;
}

std::optional<std::vector<Volume>> volumes_from(const std::vector<os::BlockDevice>& disks,
                                                const std::vector<std::string>& instance_stores) {
  std::vector<Volume> volumes;
  for (const auto& disk : disks) {
    if (!disk.is_surely_ebs && is_among(disk, instance_stores)) continue;
    volumes.push_back({"gp3", disk.bytes / k_gib + (disk.bytes % k_gib != 0 ? 1 : 0), {}, {}, true});
  }
  if (volumes.empty()) return {};
  return volumes;
}

}  // namespace curfew::pricing
