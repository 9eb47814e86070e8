// The table of accelerated instance types.
#include "watch/gpus.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"

namespace curfew::watch {
namespace {

// Family, and the accelerators of its sizes. From DescribeInstanceTypes (GpuInfo, NeuronInfo, InferenceAcceleratorInfo)
// and AWS's pages of the families.
constexpr std::array<std::pair<std::string_view, std::string_view>, 32> k_families{{
    {"dl1", "24xlarge=8"},
    {"dl2q", "24xlarge=8"},
    {"g2", "2xlarge=1 8xlarge=4"},
    {"g3", "4xlarge=1 8xlarge=2 16xlarge=4"},
    {"g3s", "xlarge=1"},
    {"g4ad", "xlarge=1 2xlarge=1 4xlarge=1 8xlarge=2 16xlarge=4"},
    {"g4dn", "xlarge=1 2xlarge=1 4xlarge=1 8xlarge=1 12xlarge=4 16xlarge=1 metal=8"},
    {"g5", "xlarge=1 2xlarge=1 4xlarge=1 8xlarge=1 12xlarge=4 16xlarge=1 24xlarge=4 48xlarge=8"},
    {"g5g", "xlarge=1 2xlarge=1 4xlarge=1 8xlarge=1 16xlarge=2 metal=2"},
    {"g6", "xlarge=1 2xlarge=1 4xlarge=1 8xlarge=1 12xlarge=4 16xlarge=1 24xlarge=4 48xlarge=8"},
    {"g6e", "xlarge=1 2xlarge=1 4xlarge=1 8xlarge=1 12xlarge=4 16xlarge=1 24xlarge=4 48xlarge=8"},
    {"g6f", "large=1 xlarge=1 2xlarge=1 4xlarge=1"},
    {"g7e", "2xlarge=1 4xlarge=1 8xlarge=1 12xlarge=2 24xlarge=4 48xlarge=8"},
    {"gr6", "4xlarge=1 8xlarge=1"},
    {"gr6f", "4xlarge=1"},
    {"inf1", "xlarge=1 2xlarge=1 6xlarge=4 24xlarge=16"},
    {"inf2", "xlarge=1 8xlarge=1 24xlarge=6 48xlarge=12"},
    {"p2", "xlarge=1 8xlarge=8 16xlarge=16"},
    {"p3", "2xlarge=1 8xlarge=4 16xlarge=8"},
    {"p3dn", "24xlarge=8"},
    {"p4d", "24xlarge=8"},
    {"p4de", "24xlarge=8"},
    {"p5", "4xlarge=1 48xlarge=8"},
    {"p5e", "48xlarge=8"},
    {"p5en", "48xlarge=8"},
    {"p6-b200", "48xlarge=8"},
    {"p6-b300", "48xlarge=8"},
    {"p6e-gb200", "36xlarge=4"},
    {"trn1", "2xlarge=1 32xlarge=16"},
    {"trn1n", "32xlarge=16"},
    {"trn2", "3xlarge=1 48xlarge=16"},
    {"trn2u", "48xlarge=16"},
}};

// "g7" is one, "t4g" and "m6g" aren't.
bool is_accelerated(std::string_view family) {
  const auto letters = family.substr(0, family.find_first_of("0123456789"));
  static constexpr std::array<std::string_view, 6> k_letters{"dl", "g", "gr", "inf", "p", "trn"};
  return letters.size() < family.size() &&
         std::find(k_letters.begin(), k_letters.end(), letters) != k_letters.end();
}

}  // namespace

Gpus gpus_of(std::string_view instance_type) {
  const auto dot = instance_type.find('.');
  const auto family = instance_type.substr(0, dot);
  if (dot == std::string_view::npos || !is_accelerated(family)) return {};
  const auto size = instance_type.substr(dot + 1);
  for (const auto& [known, sizes] : k_families) {
    if (known != family) continue;
    for (const auto entry : split(sizes, ' ')) {
      const auto equals = entry.find('=');
      if (entry.substr(0, equals) != size) continue;
      const auto count = parse_number(entry.substr(equals + 1));
      if (count) return {true, static_cast<unsigned>(*count)};
    }
  }
  return {true, std::nullopt};
}

}  // namespace curfew::watch
