// Which image a launch means. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws/ec2_launch.hpp"

namespace curfew::launch {

// "auto", "ami-…", "ssm:/PARAMETER", or a pattern of names (aws/ec2_images.hpp).
[[nodiscard]] bool is_image_wish(std::string_view text);
inline constexpr const char* k_image_hint =
    "auto, ami-…, ssm:/PARAMETER, or a name with * in it: 'my-train-*', 'OWNER:NAME*'";

// "x86_64" or "arm64": what an image for that type must be made for.
[[nodiscard]] std::string architecture_of(const aws::InstanceTypeInfo& type);

// The image that "auto" stands for, an SSM parameter of AWS's or Canonical's: with a GPU the Deep Learning base image,
// else Ubuntu 22.04. In the order to try.
[[nodiscard]] std::vector<std::string> image_parameters(const aws::InstanceTypeInfo& type);

}  // namespace curfew::launch
