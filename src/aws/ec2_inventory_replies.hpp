// EC2's lists, read and checked: the bodies of replies in, values out. Pure; for ec2_inventory.cpp and its tests.
//
// Each takes the reply's whole text, and is an error (unavailable) where it's cut, no XML, of another call, lacks its
// list, holds anything but rows in it, more rows than there may be, or one row that isn't well-formed.
#pragma once

#include <string>
#include <string_view>

#include "aws/ec2_inventory.hpp"
#include "base/result.hpp"

namespace curfew::aws {

// A server of tests counts reservations, not instances, so a page may hold more than was asked for.
inline constexpr std::size_t k_most_rows = 20'000;
inline constexpr std::size_t k_most_tags = 128;           // an instance has 50 of its owner's, and AWS's own
inline constexpr std::size_t k_longest_tag_key = 512;     // 128 characters of up to 4 bytes
inline constexpr std::size_t k_longest_tag_value = 1024;  // 256

[[nodiscard]] Result<Page<ListedRegion>> parse_regions(std::string xml);
[[nodiscard]] Result<Page<ListedInstance>> parse_instances(std::string xml);
[[nodiscard]] Result<Page<ListedVolume>> parse_volumes(std::string xml);
[[nodiscard]] Result<Page<SpotPricePoint>> parse_spot_prices(std::string xml);

// Of one instance, one request: an error also where the reply is about another.
[[nodiscard]] Result<bool> parse_termination_protection(std::string xml, std::string_view instance);
[[nodiscard]] Result<SpotRequest> parse_spot_request(std::string xml, std::string_view id);
[[nodiscard]] Result<std::string> parse_cancelled_spot_request(std::string xml, std::string_view id);

// "sir-" and 8 to 17 small letters and digits.
[[nodiscard]] bool is_spot_request_id(std::string_view text);
// "Linux/UNIX (Amazon VPC)", "Windows with SQL Server Standard": letters, digits, spaces and /()+-., at most 64.
[[nodiscard]] bool is_platform(std::string_view text);

}  // namespace curfew::aws
