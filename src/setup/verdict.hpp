// What a plan of setting up says of each of its parts. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace curfew::setup {

enum class Verdict {
  equal,       // nothing to do
  create,      // isn't there
  change,      // is there, but not so
  foreign,     // is there under that name and means something else: not touched
  unreadable,  // not known: not touched
  blocked,     // can't be, as what it needs isn't there or isn't known
  needless,    // isn't there, and need not be
};

// "TO BE CREATED".
[[nodiscard]] std::string_view word_for(Verdict verdict);

// A line of a plan: the title in `width` columns, the word, the details; ends with a newline.
[[nodiscard]] std::string part_line(const std::string& title, std::size_t width, Verdict verdict,
                                    const std::vector<std::string>& details);

}  // namespace curfew::setup
