// EC2's lists, read and checked: the bodies of replies in, values out. Pure; for ec2_inventory.cpp and its tests.
//
// Each is an error (unavailable) where the reply is cut, no XML, of another call, lacks its list, holds anything but rows
// in it, more rows than there may be, or one row that isn't well-formed.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "aws/ec2_inventory.hpp"
#include "base/result.hpp"

namespace curfew::aws {

// 1,000 are asked for. A server of tests counts reservations, not instances, so a page may hold more.
inline constexpr std::size_t k_most_rows = 5'000;
inline constexpr std::size_t k_most_tags = 128;           // an instance has 50 of its owner's, and AWS's own
inline constexpr std::size_t k_longest_tag_key = 512;     // 128 characters of up to 4 bytes
inline constexpr std::size_t k_longest_tag_value = 1024;  // 256

// A page that is read while it comes in, row by row: of its text only one row is held.
template <class Row>
class PageReader {
 public:
  virtual ~PageReader() = default;
  virtual void take(std::string_view piece) = 0;
  [[nodiscard]] virtual Result<Page<Row>> finish() = 0;  // once, when all has come
};
using ReadsRegions = std::unique_ptr<PageReader<ListedRegion>>;
using ReadsInstances = std::unique_ptr<PageReader<ListedInstance>>;
using ReadsVolumes = std::unique_ptr<PageReader<ListedVolume>>;
using ReadsSpotPrices = std::unique_ptr<PageReader<SpotPricePoint>>;
[[nodiscard]] ReadsRegions regions_reader();
[[nodiscard]] ReadsInstances instances_reader();
[[nodiscard]] ReadsVolumes volumes_reader();
[[nodiscard]] ReadsSpotPrices spot_prices_reader();

// Of one instance, one request, from the reply's whole text: an error also where the reply is about another.
[[nodiscard]] Result<bool> parse_termination_protection(std::string xml, std::string_view instance);
[[nodiscard]] Result<SpotRequest> parse_spot_request(std::string xml, std::string_view id);
[[nodiscard]] Result<std::string> parse_cancelled_spot_request(std::string xml, std::string_view id);

// "sir-" and 8 to 17 small letters and digits.
[[nodiscard]] bool is_spot_request_id(std::string_view text);
// "Linux/UNIX (Amazon VPC)", "Windows with SQL Server Standard": letters, digits, spaces and /()+-., at most 64.
[[nodiscard]] bool is_platform(std::string_view text);

}  // namespace curfew::aws
