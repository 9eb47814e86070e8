// Finds the line of the job's output that says that the work is done. Pure.
#pragma once

#include <cstddef>
#include <memory>
#include <regex>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace curfew::guard {

inline constexpr std::size_t k_longest_line = 4096;  // what is past that in a line isn't looked at
inline constexpr std::size_t k_longest_pattern = 1024;

// An ECMAScript regular expression without back-references, searched for anywhere in a line, byte by byte. A line ends at
// a line feed or a carriage return (progress bars), and counts once it has ended.
class DonePattern {
 public:
  // invalid_input, with what is wrong with the pattern.
  [[nodiscard]] static Result<DonePattern> compile(std::string_view pattern);

  // Takes the next part of the output, of any length; true once a line has matched, and from then on.
  [[nodiscard]] bool feed(std::string_view chunk);
  // Output is missing between what came and what will come: the line under way is given up.
  void skip() { cut_ = true; }
  [[nodiscard]] bool found() const { return found_; }

 private:
  DonePattern(std::regex regex, std::string literal, bool only_literal)
      : regex_(std::move(regex)), literal_(std::move(literal)), only_literal_(only_literal) {}
  [[nodiscard]] bool matches(std::string_view line) const;

  std::regex regex_;
  std::string literal_;  // a line without it can't match
  bool only_literal_;    // and one with it does
  std::string line_;     // the line under way, up to k_longest_line of it
  bool cut_ = false;     // it lacks its beginning: not to be matched
  bool found_ = false;
};

namespace detail {
// A text that is part of whatever the pattern matches; empty where none is found by looking at its plain parts. It saves
// most lines the slow search.
[[nodiscard]] std::string needed_literal(std::string_view pattern);
}  // namespace detail

}  // namespace curfew::guard
