// Text as HTTP writes it: percent-encoding, Base64, hex, case. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace curfew::net {

// ASCII only; other bytes stay as they are.
[[nodiscard]] std::string lower_case(std::string_view text);
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);

// Everything but RFC 3986's unreserved characters (and those in `keep`) as %XX, in capitals as SigV4 wants them.
[[nodiscard]] std::string percent_encode(std::string_view bytes, std::string_view keep = {});
// Nothing where a % isn't followed by two hex digits. A + stays a +.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

[[nodiscard]] std::string hex(std::span<const unsigned char> bytes);
[[nodiscard]] std::optional<std::string> from_hex(std::string_view text);
[[nodiscard]] std::string base64(std::string_view bytes);
// Nothing where it isn't Base64 with its padding.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace curfew::net
