// The exit code of `curfew check`. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.hpp"
#include "watch/totals.hpp"

namespace curfew::watch {

// `count`: the number of instances needing attention, at most 100, so that it never wraps to 0; 101 where anything
// could not be read, whatever was found.
// `nagios`: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. An instance that is CRITICAL is 2 even where something else could
// not be read; else that is 3.
// `zero`: 0 however many need attention, but 101 where anything could not be read, or not be ended that was to be: what
// isn't ended needs attention still, which the other styles tell.
enum class ExitStyle : std::uint8_t { count, nagios, zero };
[[nodiscard]] Result<ExitStyle> parse_exit_style(std::string_view name);

inline constexpr int k_exit_most = 100;
inline constexpr int k_exit_unread = 101;
inline constexpr int k_exit_no_credentials = 102;
inline constexpr int k_exit_bad_usage = 103;

[[nodiscard]] int exit_code(ExitStyle style, const Totals& totals, bool unread, bool not_ended = false);
// Where nothing was read at all: the code given, or 3 (UNKNOWN) in the style of nagios.
[[nodiscard]] int exit_code_of_failure(ExitStyle style, int code);

}  // namespace curfew::watch
