// Reads what the firmware or hypervisor tells.
#include "os/machine.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.hpp"
#include "os/files.hpp"

namespace curfew::os {

bool looks_like_ec2(const std::string& root) {
  if (const auto vendor = read_file(root + "/sys/class/dmi/id/sys_vendor", 256);
      vendor && trimmed(*vendor) == "Amazon EC2")
    return true;
  auto uuid = read_file(root + "/sys/hypervisor/uuid", 256);
  if (!uuid) return false;
  std::transform(uuid->begin(), uuid->end(), uuid->begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return uuid->starts_with("ec2");
}

std::string machine_id(const std::string& root) {
  const auto tag = read_file(root + "/sys/class/dmi/id/board_asset_tag", 256);
  if (!tag) return {};
  const auto id = trimmed(*tag);
  return id.starts_with("i-") ? std::string(id) : std::string();
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "unknown";
  return name.data();
}

}  // namespace curfew::os
