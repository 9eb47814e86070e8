// Cuts the rows out of a list's XML while it comes in, so that a reply of megabytes is never held: what is held is one row,
// and the document around them. Pure.
//
//     <Reply><list><item>…</item><item>…</item></list><nextToken>…</nextToken></Reply>
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace curfew::aws {

class RowCutter {
 public:
  // `<item>…</item>`, whole, its own items within it; to be parsed in place, and gone after the call.
  using TakeRow = std::function<Status(char* row, std::size_t size)>;

  RowCutter(std::string list, TakeRow row) : list_(std::move(list)), row_(std::move(row)) {}

  void take(std::string_view piece);
  // When all has come: the document without its rows, to be parsed in turn, or why it isn't one of a list (unavailable).
  // What `row` refused is the error too. Items elsewhere than directly in the list are refused, so that no row is lost;
  // whether the rest is well-formed, the parsers tell.
  [[nodiscard]] Result<std::string> frame();

 private:
  void cut(std::size_t open, std::size_t end);
  void refuse(std::string why);

  std::string list_;
  TakeRow row_;
  std::string text_;         // not yet cut
  std::size_t scanned_ = 0;  // of it
  std::size_t row_begin_ = 0;
  std::size_t depth_ = 0;  // of items within items
  std::size_t rows_ = 0;
  std::string frame_;
  Status status_;
};

}  // namespace curfew::aws
