// Fields of replies, checked by their form. Pure; for the files that read replies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "aws/core/xml.hpp"
#include "base/result.hpp"
#include "base/times.hpp"

namespace curfew::aws {

// The error of a reply whose `name` is `value`: unavailable.
[[nodiscard]] tl::unexpected<Error> odd(std::string_view name, std::string_view value);

// As child_text(), a view into the document.
[[nodiscard]] std::string_view child_view(const pugi::xml_node& node, const char* name);

// Nothing where the element is missing or empty; an error where it's no number, or too large.
[[nodiscard]] Result<std::optional<std::uint64_t>> number_in(const pugi::xml_node& node, const char* name,
                                                             std::uint64_t most);
// An error also where it's missing.
[[nodiscard]] Result<WallTime> time_in(const pugi::xml_node& node, const char* name);

// Not empty, and nothing in it but these.
[[nodiscard]] bool all_in(std::string_view text, std::string_view allowed);
// Printable ASCII, not empty, of at most so many characters.
[[nodiscard]] bool is_ascii(std::string_view text, std::size_t longest);
inline constexpr std::string_view k_lower_and_digits = "abcdefghijklmnopqrstuvwxyz0123456789";

// "us-east-1a", a local zone's "us-west-2-lax-1a": small letters, digits and dashes, at most 48.
[[nodiscard]] bool is_zone(std::string_view text);
// "gp3": small letters and digits, at most 16.
[[nodiscard]] bool is_volume_type(std::string_view text);
// 12 digits.
[[nodiscard]] bool is_account(std::string_view text);

}  // namespace curfew::aws
