// Forms of fields.
#include "aws/reply_fields.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace curfew::aws {
namespace {

constexpr std::string_view k_of_zones = "abcdefghijklmnopqrstuvwxyz0123456789-";
constexpr std::size_t k_longest_zone = 48;
constexpr std::size_t k_longest_volume_type = 16;

}  // namespace

tl::unexpected<Error> odd(std::string_view name, std::string_view value) {
  return fail(ErrorKind::unavailable, "read the reply",
              std::string(name) + " is \"" + printable(value, 40) + "\"");
}

std::string_view child_view(const pugi::xml_node& node, const char* name) {
  return trimmed(node.child(name).text().get());
}

Result<std::optional<std::uint64_t>> number_in(const pugi::xml_node& node, const char* name,
                                               std::uint64_t most) {
  const auto text = child_view(node, name);
  if (text.empty()) return std::nullopt;
  const auto number = parse_number(text);
  if (!number || *number > most) return odd(name, text);
  return *number;
}

Result<WallTime> time_in(const pugi::xml_node& node, const char* name) {
  const auto text = child_view(node, name);
  const auto time = parse_utc(text);
  if (!time) return odd(name, text);
  return *time;
}

bool all_in(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

bool is_ascii(std::string_view text, std::size_t longest) {
  return !text.empty() && text.size() <= longest &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_zone(std::string_view text) { return text.size() <= k_longest_zone && all_in(text, k_of_zones); }

bool is_volume_type(std::string_view text) {
  return text.size() <= k_longest_volume_type && all_in(text, k_lower_and_digits);
}

bool is_account(std::string_view text) { return text.size() == 12 && all_in(text, "0123456789"); }

}  // namespace curfew::aws
