// UTF-8 for terminals and JSON.
#include "watch/display.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "base/text.hpp"
#include "watch/render.hpp"

namespace curfew::watch {
namespace {

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t length = 1;  // bytes
  bool valid = false;      // else `length` is 1 and the byte isn't UTF-8
};

// The first one of a text that isn't empty.
CodePoint first_of(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = byte(0);
  if (first < 0x80) return {first, 1, true};
  std::size_t length = 0;
  std::uint32_t value = 0;
  if (first >= 0xc2 && first < 0xe0) length = 2, value = first & 0x1fU;
  else if (first >= 0xe0 && first < 0xf0) length = 3, value = first & 0x0fU;
  else if (first >= 0xf0 && first < 0xf5) length = 4, value = first & 0x07U;
  if (length == 0 || text.size() < length) return {};
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return {};
    value = value << 6U | (byte(i) & 0x3fU);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  if (overlong || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return {};
  return {value, length, true};
}

// Printable ASCII, as almost all texts are: then there's nothing to decode, and tables have hundreds of thousands of cells.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

using Range = std::pair<std::uint32_t, std::uint32_t>;

// Unicode's East_Asian_Width W and F, in rough: what terminals draw over two columns.
constexpr std::array<Range, 13> k_wide{{{0x1100, 0x115f},
                                        {0x2e80, 0x303e},
                                        {0x3041, 0x33ff},
                                        {0x3400, 0x4dbf},
                                        {0x4e00, 0xa4cf},
                                        {0xa960, 0xa97f},
                                        {0xac00, 0xd7a3},
                                        {0xf900, 0xfaff},
                                        {0xfe30, 0xfe6f},
                                        {0xff00, 0xff60},
                                        {0xffe0, 0xffe6},
                                        {0x1f300, 0x1f9ff},
                                        {0x20000, 0x3fffd}}};
// Combining marks, joiners, variation selectors.
constexpr std::array<Range, 9> k_narrow{{{0x300, 0x36f},
                                         {0x483, 0x489},
                                         {0x591, 0x5bd},
                                         {0x1ab0, 0x1aff},
                                         {0x1dc0, 0x1dff},
                                         {0x200b, 0x200d},
                                         {0x20d0, 0x20ff},
                                         {0xfe00, 0xfe0f},
                                         {0xfe20, 0xfe2f}}};

template <std::size_t N>
bool is_in(const std::array<Range, N>& ranges, std::uint32_t value) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const Range& range) { return value >= range.first && value <= range.second; });
}

std::size_t width_of(std::uint32_t value) {
  if (value < 0x300) return 1;
  if (is_in(k_narrow, value)) return 0;
  return is_in(k_wide, value) ? 2 : 1;
}

// What a terminal may act on though JSON leaves it as it is.
bool is_risky(std::uint32_t value) {
  return (value >= 0x7f && value < 0xa0) || value == 0x61c || value == 0x200e || value == 0x200f ||
         (value >= 0x2028 && value <= 0x202e) || (value >= 0x2066 && value <= 0x2069) || value == 0xfeff;
}

// The longest beginning of at most so many columns, in bytes.
std::size_t fitting(std::string_view text, std::size_t columns) {
  std::size_t at = 0;
  std::size_t used = 0;
  while (at < text.size()) {
    const auto point = first_of(text.substr(at));
    used += width_of(point.value);
    if (used > columns) break;
    at += point.length;
  }
  return at;
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  if (is_plain(text)) return text.size();
  std::size_t columns = 0;
  while (!text.empty()) {
    const auto point = first_of(text);
    columns += width_of(point.value);
    text.remove_prefix(point.length);
  }
  return columns;
}

std::string shown(std::string_view text) {
  if (text.size() <= k_longest_shown && is_plain(text)) return std::string(text);
  return printable(text, k_longest_shown);
}

std::string shortened(std::string_view text, std::size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  return std::string(text.substr(0, fitting(text, columns - 1))) + "…";
}

std::string padded(std::string_view text, std::size_t columns, bool right) {
  const auto used = columns_of(text);
  std::string out(text);
  if (used < columns) out.insert(right ? 0 : out.size(), columns - used, ' ');
  return out;
}

std::string wrapped(std::string_view text, std::size_t columns) {
  static constexpr std::size_t k_indent = 2;
  if (columns <= 2 * k_indent) return std::string(text) + "\n";
  std::string out;
  std::size_t used = 0;  // columns of the line so far
  bool fresh = true;     // no word on the line yet
  const auto break_line = [&] {
    out += "\n  ";
    used = k_indent;
    fresh = true;
  };
  for (auto word : split(text, ' ')) {
    if (!fresh && used + 1 + columns_of(word) > columns) break_line();
    if (!fresh) out += ' ', ++used;
    while (used + columns_of(word) > columns) {
      const auto bytes = fitting(word, columns - used);
      out += word.substr(0, bytes);
      word.remove_prefix(bytes);
      break_line();
    }
    out += word;
    used += columns_of(word);
    fresh = false;
  }
  return out + "\n";
}

std::string valid_utf8(std::string_view text) {
  if (text.size() <= k_longest_shown && is_plain(text)) return std::string(text);
  std::string out;
  while (!text.empty()) {
    if (out.size() >= k_longest_shown) return out + "...";
    const auto point = first_of(text);
    out += point.valid ? std::string(text.substr(0, point.length)) : "\xef\xbf\xbd";
    text.remove_prefix(point.length);
  }
  return out;
}

std::string safe_json(std::string_view json) {
  if (is_plain(json)) return std::string(json);
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const auto point = first_of(json);
    if (is_risky(point.value)) {
      std::array<char, 8> escaped{};
      std::snprintf(escaped.data(), escaped.size(), "\\u%04x", static_cast<unsigned>(point.value));
      out += escaped.data();
    } else {
      out += json.substr(0, point.length);
    }
    json.remove_prefix(point.length);
  }
  return out;
}

}  // namespace curfew::watch
