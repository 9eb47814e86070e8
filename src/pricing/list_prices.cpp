// Looks up the list's lines as they are: a binary search and one line's commas.
#include "pricing/list_prices.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace curfew::pricing {
namespace {

constexpr std::string_view k_last_fact = "arch";  // the regions' columns follow it
// Over twenty times the dearest machine of today: more is an error in the list.
constexpr std::uint64_t k_most = 10'000'000'000;

std::string_view first_field(std::string_view line) { return line.substr(0, line.find(',')); }

std::optional<std::size_t> column_of(std::string_view header, std::string_view region) {
  const auto names = split(header, ',');
  const auto facts = std::find(names.begin(), names.end(), k_last_fact);
  if (facts == names.end()) return {};
  const auto found = std::find(facts + 1, names.end(), region);
  if (found == names.end()) return {};
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace

namespace detail {

std::optional<Micros> price_in(std::span<const std::string_view> lines, std::string_view instance_type,
                               std::string_view region) {
  if (lines.empty() || instance_type.empty() || region.empty()) return {};
  const auto column = column_of(lines.front(), region);
  const auto types = lines.subspan(1);
  const auto line =
      std::lower_bound(types.begin(), types.end(), instance_type,
                       [](std::string_view a, std::string_view type) { return first_field(a) < type; });
  if (!column || line == types.end() || first_field(*line) != instance_type) return {};
  const auto fields = split(*line, ',');
  if (*column >= fields.size()) return {};
  const auto micros = parse_number(fields[*column]);
  if (!micros || *micros == 0 || *micros > k_most) return {};
  return Micros{static_cast<std::int64_t>(*micros)};
}

}  // namespace detail

std::optional<ListPrice> list_price(std::string_view instance_type, std::string_view region) {
  const auto price = detail::price_in(detail::list_lines(), instance_type, region);
  if (!price) return {};
  return ListPrice{*price, detail::list_date()};
}

}  // namespace curfew::pricing
