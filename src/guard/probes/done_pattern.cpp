// Matches lines.
#include "guard/probes/done_pattern.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/text.hpp"

namespace curfew::guard {
namespace {

constexpr std::string_view k_special = "^$\\.*+?()[]{}|";

// libstdc++'s default matcher recurses once a character, and may take exponential time. The polynomial one does neither;
// all that it lacks are back-references, which it refuses.
constexpr auto k_flags = std::regex::ECMAScript | std::regex_constants::__polynomial;
// Each repeat in {} is a copy of what is repeated, and both compiling and matching recurse once a copy.
constexpr std::size_t k_most_copies = 2'048;  // bytes of the pattern times its repeats

// Reasons as people need them; libstdc++'s what() names its own constants.
std::string reason_of(const std::regex_error& error) {
  switch (error.code()) {
    case std::regex_constants::error_brack: return "a [ isn't closed";
    case std::regex_constants::error_paren:
      return "a ( or ) has no counterpart, or a *, + or ? follows nothing";
    case std::regex_constants::error_brace: return "a { isn't closed";
    case std::regex_constants::error_badbrace: return "what stands in {} is no number of repeats";
    case std::regex_constants::error_badrepeat:
      return "a *, +, ? or { follows nothing that could be repeated";
    case std::regex_constants::error_range: return "a range in [] is the wrong way round";
    case std::regex_constants::error_escape: return "a \\ stands before a character that has no such meaning";
    case std::regex_constants::error_ctype: return "a [:name:] is not known";
    case std::regex_constants::error_complexity: return "it refers back to a group, or is too complex";
    default: return "it is no ECMAScript regular expression";
  }
}

// The largest number of repeats that stands in "{2,30}"; 1 where it holds something else.
std::size_t repeats_in(std::string_view braces) {
  std::size_t most = 1;
  for (const auto part : split(braces, ',')) {
    if (part.empty() || part.find_first_not_of("0123456789") != std::string_view::npos) continue;
    const auto number = part.size() <= 4 ? parse_number(part) : std::nullopt;
    most = std::max(most, number ? static_cast<std::size_t>(*number) : k_most_copies + 1);
  }
  return most;
}

// As if each {} stood within all the others.
bool repeats_too_often(std::string_view pattern) {
  std::size_t copies = pattern.size();
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] == '\\') ++at;
    else if (pattern[at] == '{')
      copies *= repeats_in(pattern.substr(at + 1, pattern.substr(at + 1).find('}')));
    if (copies > k_most_copies) return true;
  }
  return false;
}

// Past the end of a [class] or (group) that begins at `at`; npos where it isn't closed.
std::size_t past_brackets(std::string_view pattern, std::size_t at) {
  std::size_t depth = 0;
  bool in_class = false;
  for (; at < pattern.size(); ++at) {
    const char c = pattern[at];
    if (c == '\\') ++at;
    else if (in_class) in_class = c != ']';
    else if (c == '[') in_class = true;
    else if (c == '(') ++depth;
    else if (c == ')' && depth > 0) --depth;
    if (!in_class && depth == 0) return at + 1;
  }
  return std::string_view::npos;
}

}  // namespace

std::string detail::needed_literal(std::string_view pattern) {
  std::string best;
  std::string run;
  const auto end_run = [&] {
    if (run.size() > best.size()) best = run;
    run.clear();
  };
  for (std::size_t at = 0; at < pattern.size();) {
    const char c = pattern[at];
    if (c == '|') return {};  // either side may match
    if (c == '\\') {
      const char next = at + 1 < pattern.size() ? pattern[at + 1] : '\0';
      // \xHH, \uHHHH, \cX and \0 have a tail that would look like text.
      if (next == 'x' || next == 'u' || next == 'c' || std::isdigit(static_cast<unsigned char>(next)) != 0)
        return {};
      if (std::ispunct(static_cast<unsigned char>(next)) != 0) run += next;
      else end_run();
      at += 2;
    } else if (c == '*' || c == '?' || c == '{') {
      // The character before may be missing.
      if (!run.empty()) run.pop_back();
      end_run();
      at = c == '{' ? pattern.find('}', at) : at;
      if (at == std::string_view::npos) return {};
      ++at;
    } else if (c == '[' || c == '(') {
      end_run();
      at = past_brackets(pattern, at);
      if (at == std::string_view::npos) return {};
    } else if (k_special.find(c) != std::string_view::npos) {
      end_run();
      ++at;
    } else {
      run += c;
      ++at;
    }
  }
  end_run();
  return best;
}

Result<DonePattern> DonePattern::compile(std::string_view pattern) {
  const auto refuse = [&](std::string why) {
    return fail(
        ErrorKind::invalid_input, "pattern '" + printable(pattern, 80) + "'", std::move(why),
        "it is an ECMAScript regular expression; put a \\ before a character that is meant literally");
  };
  if (pattern.empty()) return refuse("is empty, and would match every line");
  if (pattern.size() > k_longest_pattern)
    return refuse("is longer than " + std::to_string(k_longest_pattern) + " bytes");
  if (pattern.find_first_of(std::string_view("\n\r\0", 3)) != std::string_view::npos)
    return refuse("holds a line's end, which no line does");
  if (repeats_too_often(pattern)) return refuse("its repeats in {} make it too large");
  try {
    const std::regex alone(pattern.begin(), pattern.end(), k_flags);
    if (std::regex_search(std::string(), alone))
      return refuse("matches an empty line, and so would end at once");
    // A search tries each place in the line in turn, which for some patterns takes seconds; a match that begins with
    // anything tries them together. What it would close or open too much was refused above.
    std::regex regex(".*(?:" + std::string(pattern) + ")", k_flags | std::regex::nosubs);
    const bool only_literal = pattern.find_first_of(k_special) == std::string_view::npos;
    return DonePattern(std::move(regex), detail::needed_literal(pattern), only_literal);
  } catch (const std::regex_error& error) {
    return refuse(reason_of(error));
  }
}

bool DonePattern::matches(std::string_view line) const {
  if (line.empty()) return false;
  if (!literal_.empty() && line.find(literal_) == std::string_view::npos) return false;
  if (only_literal_) return true;
  try {
    return std::regex_search(line.begin(), line.end(), regex_, std::regex_constants::match_continuous);
  } catch (const std::regex_error&) {
    return false;  // too complex for this line: libstdc++ may say so while it matches
  }
}

bool DonePattern::feed(std::string_view chunk) {
  while (!chunk.empty() && !found_) {
    const auto end = chunk.find_first_of("\n\r");
    const auto part = chunk.substr(0, end);
    if (!cut_) line_.append(part.substr(0, k_longest_line - std::min(line_.size(), k_longest_line)));
    if (end == std::string_view::npos) break;
    found_ = !cut_ && matches(line_);
    line_.clear();
    cut_ = false;
    chunk.remove_prefix(end + 1);
  }
  return found_;
}

}  // namespace curfew::guard
