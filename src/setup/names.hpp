// What `curfew setup` makes for launches, by the names under which `curfew launch` looks for it. Pure.
#pragma once

#include <string>
#include <string_view>

namespace curfew::setup {

inline constexpr std::string_view k_instance_role = "curfew-job";  // of the role and of its instance profile
inline constexpr std::string_view k_scheduler_role = "curfew-scheduler";
inline constexpr std::string_view k_role_policy = "curfew";  // of both roles' inline policy
inline constexpr std::string_view k_group = "curfew";        // the security group in the default VPC

// On all that it makes. What lacks it is somebody else's.
inline constexpr std::string_view k_made_by = "curfew:made-by";
inline constexpr std::string_view k_made_by_setup = "curfew-setup";

// An account and a region in it.
struct Place {
  std::string partition;  // "aws"
  std::string account;    // 12 digits
  std::string region;

  [[nodiscard]] std::string bucket() const { return "curfew-" + account + "-" + region; }
  [[nodiscard]] std::string role_arn(std::string_view role) const {
    return "arn:" + partition + ":iam::" + account + ":role/" + std::string(role);
  }
};

}  // namespace curfew::setup
