// Text from a job for a person's terminal: what it shows stays, what could act on the terminal doesn't. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace curfew::jobs {

// Passes on printable UTF-8, \n, \t, \r and colours (SGR sequences, ECMA-48 8.3.117). Other escape sequences (cursor, title,
// clipboard, hyperlinks, queries, character sets) and control characters are left out; what isn't UTF-8, and marks that
// reorder text, become U+FFFD. In pieces: what is cut at a piece's end waits for the next.
class TerminalText {
 public:
  [[nodiscard]] std::string take(std::string_view text);
  // At the end: what waits, and colours back as they were, where any were set.
  [[nodiscard]] std::string end();

 private:
  enum class In { text, escape, sequence, string, string_escape, charset };
  void take_byte(unsigned char byte, std::string& out);
  void take_text(unsigned char byte, std::string& out);
  void flush_character(std::string& out);

  In in_ = In::text;
  std::string sequence_;   // of CSI so far, at most k_longest_sequence
  std::string character_;  // of UTF-8 so far
  std::size_t wanted_ = 0;
  bool coloured_ = false;
};

}  // namespace curfew::jobs
