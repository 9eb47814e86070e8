// Verdicts in words.
#include "setup/verdict.hpp"

namespace curfew::setup {

std::string_view word_for(Verdict verdict) {
  switch (verdict) {
    case Verdict::equal: return "is there";
    case Verdict::create: return "TO BE CREATED";
    case Verdict::change: return "TO BE CHANGED";
    case Verdict::foreign: return "IN THE WAY";
    case Verdict::unreadable: return "NOT READ";
    case Verdict::blocked: return "NOT DONE";
    case Verdict::needless: return "not needed";
  }
  return "";
}

std::string part_line(const std::string& title, std::size_t width, Verdict verdict,
                      const std::vector<std::string>& details) {
  std::string line = "  " + title;
  line.append(width > title.size() ? width - title.size() + 2 : 2, ' ');
  line += word_for(verdict);
  for (std::size_t i = 0; i < details.size(); ++i) line += (i == 0 ? ": " : "; ") + details[i];
  return line + "\n";
}

}  // namespace curfew::setup
