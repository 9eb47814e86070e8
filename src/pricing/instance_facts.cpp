// Reads the two of DescribeInstances' texts that say more than they name.
#include "pricing/instance_facts.hpp"

namespace curfew::pricing {
namespace {

bool is_zone_number_and_letter(std::string_view text) {
  return text.size() >= 2 && text.back() >= 'a' && text.back() <= 'z' && text[text.size() - 2] >= '0' &&
         text[text.size() - 2] <= '9';
}

}  // namespace

std::string priced_region(const InstanceFacts& instance) {
  const std::string_view zone = instance.zone;
  // "us-east-1a" is us-east-1's own.
  if (!zone.starts_with(instance.region + "-")) return instance.region;
  if (!is_zone_number_and_letter(zone)) return std::string(zone);  // "us-east-1-wl1-bos-wlz-1": Wavelength
  return std::string(zone.substr(0, zone.size() - 1));
}

std::optional<WallTime> transition_time(std::string_view state_transition_reason) {
  const auto open = state_transition_reason.rfind('(');
  if (open == std::string_view::npos) return {};
  const auto inner = state_transition_reason.substr(open + 1);
  constexpr std::size_t k_length = 19;  // "2026-11-24 18:00:00"
  if (inner.size() <= k_length) return {};
  const auto zone = inner.substr(k_length);
  if (zone != " GMT)" && zone != " UTC)") return {};
  const auto time = parse_utc(std::string(inner.substr(0, k_length)) + "Z");
  if (!time) return {};
  return *time;
}

}  // namespace curfew::pricing
