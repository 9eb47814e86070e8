// The on-demand list prices that are built in: Linux, shared tenancy, without licences. Pure.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/money.hpp"

namespace curfew::pricing {

struct ListPrice {
  Micros per_hour;
  std::string_view date;  // of the list, "2025-05-28"
};

// Of an instance type in a region; nothing where the list doesn't tell it (a newer type, not offered there): unknown,
// never free. Any text may be asked for. What spot capacity costs isn't in the list; on demand is the most that it
// costs. Windows, RHEL and SUSE cost more than it says. The list is data/ec2-linux-on-demand-DATE.csv.
[[nodiscard]] std::optional<ListPrice> list_price(std::string_view instance_type, std::string_view region);

namespace detail {

// The list's lines, the header first, sorted by instance type. From a source that the build makes of the file.
[[nodiscard]] std::span<const std::string_view> list_lines();
[[nodiscard]] std::string_view list_date();

[[nodiscard]] std::optional<Micros> price_in(std::span<const std::string_view> lines,
                                             std::string_view instance_type, std::string_view region);

}  // namespace detail

}  // namespace curfew::pricing
