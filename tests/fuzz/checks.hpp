// What fuzz targets of AWS's replies have in common.
#pragma once

#include <cstdlib>
#include <string_view>

#include "base/result.hpp"

namespace curfew::fuzz {

inline void check(bool holds) {
  if (!holds) std::abort();
}

inline void check_printable(std::string_view text) {
  for (const char c : text) check(c >= ' ' && c <= '~');
}

// Read, or refused as a reply that may come right later, in words that are safe to show.
template <class T>
bool is_read(const Result<T>& result) {
  if (result) return true;
  check(result.error().kind == ErrorKind::unavailable);
  for (const char c : result.error().text()) check(static_cast<unsigned char>(c) >= 0x20);
  return false;
}

}  // namespace curfew::fuzz
