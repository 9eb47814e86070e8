// What every format has in common: where it goes, and what may be shown of texts from outside.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "watch/machine.hpp"

namespace curfew::watch {

// Gets the output piece by piece: of tens of thousands of instances no format is ever held in memory as a whole.
using Sink = std::function<void(std::string_view)>;

enum class Format : std::uint8_t { table, json, csv, prometheus };
[[nodiscard]] Result<Format> parse_format(std::string_view name);

struct TableOptions {
  unsigned width = 0;    // columns of the terminal; 0: no limit (not a terminal)
  bool colours = false;  // escape sequences
};

// The formats' own headers say what each of them holds.
void render(Format format, const Report& report, const TableOptions& table, const Sink& sink);

// No text from outside is shown at greater length, in bytes before it's escaped; tags hold 256 characters.
inline constexpr std::size_t k_longest_shown = 1'024;

}  // namespace curfew::watch
