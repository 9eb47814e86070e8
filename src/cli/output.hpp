// What a command writes to people.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>

#include "base/text.hpp"

namespace curfew::cli {

inline constexpr std::size_t k_longest_said = 4'000;

// A line of curfew's own, on stderr, made safe to show.
inline void say(const std::string& text) {
  std::fprintf(stderr, "curfew: %s\n", printable(text, k_longest_said).c_str());
}

// As it is, at once; false where stdout can't be written.
[[nodiscard]] inline bool show(const std::string& text) {
  return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
}

}  // namespace curfew::cli
