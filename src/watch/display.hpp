// Texts as they stand in a terminal or in JSON: UTF-8 by code points and columns. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace curfew::watch {

// Columns that valid UTF-8 takes in a terminal: CJK and emoji two, combining marks none.
[[nodiscard]] std::size_t columns_of(std::string_view text);

// printable() of a text from outside, cut to k_longest_shown; empty stays empty.
[[nodiscard]] std::string shown(std::string_view text);

// Valid UTF-8 cut to at most so many columns, with "…" at its end where it was longer.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t columns);
// With spaces after it, or before it, up to so many columns.
[[nodiscard]] std::string padded(std::string_view text, std::size_t columns, bool right);

// Broken at spaces into lines of at most so many columns; words longer than that are cut. The lines after the first
// begin with two spaces. 0: no limit. Ends with a newline.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t columns);

// For JSON: invalid UTF-8 becomes U+FFFD; cut after k_longest_shown bytes with "...".
[[nodiscard]] std::string valid_utf8(std::string_view text);
// Serialised JSON with what a terminal would act on (DEL, C1, marks of direction, line separators) as \uXXXX.
[[nodiscard]] std::string safe_json(std::string_view json);

}  // namespace curfew::watch
