// The columns of the table for people, and how they are fitted to a terminal. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "watch/render.hpp"
#include "watch/totals.hpp"

namespace curfew::watch {

enum class Paint { none, red, yellow, green, dim };

struct Cell {
  std::string text;  // fit to be shown
  Paint paint = Paint::none;
};

struct Column {
  std::string_view title;
  bool right;     // aligned
  bool shortens;  // before any column is left out
  unsigned rank;  // the lowest is left out first; k_never: never
  Cell (*cell)(const Row& row, WallTime now);
  std::size_t width = 0;  // chosen
};

inline constexpr unsigned k_never = 100;
inline constexpr std::string_view k_between = "  ";

// Those that hold anything in any row, with their widths, from left to right; what doesn't fit into `width` columns
// (0: no limit) is left out and named in `left_out`.
struct Layout {
  std::vector<Column> columns;
  std::vector<std::string_view> left_out;
};
[[nodiscard]] Layout layout_of(const std::vector<Row>& rows, WallTime now, unsigned width);

// "3d4h", "26h5m", "4m10s": as exact as a column needs.
[[nodiscard]] std::string short_duration(Seconds duration);

}  // namespace curfew::watch
