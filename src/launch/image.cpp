// Which image a launch means.
#include "launch/image.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "aws/ec2_images.hpp"
#include "aws/ssm.hpp"

namespace curfew::launch {

bool is_image_wish(std::string_view text) {
  return text == "auto" || aws::is_image_id(text) || aws::parse_image_pattern(text) ||
         (text.starts_with("ssm:") && aws::is_parameter_name(text.substr(4)));
}

std::string architecture_of(const aws::InstanceTypeInfo& type) {
  const bool is_arm =
      std::find(type.architectures.begin(), type.architectures.end(), "arm64") != type.architectures.end();
  return is_arm ? "arm64" : "x86_64";
}

std::vector<std::string> image_parameters(const aws::InstanceTypeInfo& type) {
  const bool is_arm = architecture_of(type) == "arm64";
  if (type.gpus == 0)
    return {fmt::format("/aws/service/canonical/ubuntu/server/22.04/stable/current/{}/hvm/ebs-gp2/ami-id",
                        is_arm ? "arm64" : "amd64")};
  const std::string base = fmt::format("/aws/service/deeplearning/ami/{}/", is_arm ? "arm64" : "x86_64");
  // AWS's pages print the name in both ways.
  return {base + "base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id",
          base + "base-oss-nvidia-driver-ubuntu-22.04/latest/ami-id"};
}

}  // namespace curfew::launch
