// Small text tools: names near to a wrong one, and untrusted text made safe to show.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace curfew {

// The candidate nearest to `word` (Damerau-Levenshtein), or nothing where none is near enough to be meant.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 std::span<const std::string> candidates);

// Untrusted text for a terminal or a log line: control characters (escape sequences, newlines, C1) and invalid UTF-8
// become \xNN; cut after `limit` bytes with "...".
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = 200);

// "1.5 MiB", "312 B".
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);

// A command line as one would type it in a shell, for showing only.
[[nodiscard]] std::string shell_quoted(std::span<const std::string> argv);

[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
[[nodiscard]] std::string_view trimmed(std::string_view text);
// A whole non-negative decimal number, nothing around it.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);

}  // namespace curfew
