// A small part of the parser in ECMA-48: enough to know where a sequence ends.
#include "jobs/terminal_text.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace curfew::jobs {
namespace {

constexpr std::size_t k_longest_sequence = 64;
constexpr unsigned char k_escape = 0x1b;
constexpr unsigned char k_bell = 0x07;
constexpr std::string_view k_replacement = "\xef\xbf\xbd";
constexpr std::string_view k_plain = "\033[0m";

std::size_t length_of(unsigned char first) {
  if (first >= 0xc2 && first < 0xe0) return 2;
  if (first >= 0xe0 && first < 0xf0) return 3;
  if (first >= 0xf0 && first < 0xf5) return 4;
  return 0;
}

// Parameters alone: "1;31", "38:5:196"; no private markers.
bool is_colour(std::string_view parameters) {
  return std::all_of(parameters.begin(), parameters.end(),
                     [](char c) { return (c >= '0' && c <= '9') || c == ';' || c == ':'; });
}

}  // namespace

std::string TerminalText::take(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) take_byte(static_cast<unsigned char>(c), out);
  return out;
}

std::string TerminalText::end() {
  std::string out;
  flush_character(out);
  in_ = In::text;
  if (coloured_) out += k_plain;
  coloured_ = false;
  return out;
}

void TerminalText::flush_character(std::string& out) {
  if (character_.empty()) return;
  out += k_replacement;
  character_.clear();
}

void TerminalText::take_byte(unsigned char byte, std::string& out) {
  switch (in_) {
    case In::text: return take_text(byte, out);
    case In::escape:
      if (byte == '[') {
        sequence_.clear();
        in_ = In::sequence;
      } else if (byte == ']' || byte == 'P' || byte == 'X' || byte == '^' || byte == '_') {
        in_ = In::string;
      } else if (byte >= 0x20 && byte < 0x30) {
        in_ = In::charset;
      } else if (byte == '\n') {
        in_ = In::text;
        take_text(byte, out);
      } else if (byte != k_escape) {
        in_ = In::text;
      }
      return;
    case In::charset:
      if (byte < 0x20 || byte >= 0x30) in_ = byte == k_escape ? In::escape : In::text;
      return;
    case In::sequence:
      if (byte >= 0x20 && byte < 0x40) {
        if (sequence_.size() <= k_longest_sequence) sequence_ += static_cast<char>(byte);
        return;
      }
      in_ = In::text;
      if (byte == 'm' && sequence_.size() <= k_longest_sequence && is_colour(sequence_)) {
        out += "\033[" + sequence_ + "m";
        coloured_ = true;
      } else if (byte < 0x20 || byte == k_escape) {
        take_text(byte, out);  // the sequence was broken off
      }
      return;
    case In::string:
      if (byte == k_bell) in_ = In::text;
      else if (byte == k_escape) in_ = In::string_escape;
      // A string that is never ended would swallow all that follows.
      else if (byte == '\n') in_ = In::text, take_text(byte, out);
      return;
    case In::string_escape:
      in_ = In::text;
      if (byte != '\\') {
        in_ = In::escape;
        take_byte(byte, out);
      }
      return;
  }
}

void TerminalText::take_text(unsigned char byte, std::string& out) {
  if (!character_.empty()) {
    if ((byte & 0xc0U) == 0x80U) {
      character_ += static_cast<char>(byte);
      if (character_.size() < wanted_) return;
      const bool fits = printable(character_, 8) == character_;
      if (fits) out += character_;
      else out += k_replacement;
      character_.clear();
      return;
    }
    flush_character(out);
  }
  if (byte == k_escape) {
    in_ = In::escape;
  } else if (byte == '\n' || byte == '\t' || byte == '\r' || (byte >= 0x20 && byte < 0x7f)) {
    out += static_cast<char>(byte);
  } else if (byte >= 0x80) {
    wanted_ = length_of(byte);
    if (wanted_ == 0) out += k_replacement;
    else character_ = static_cast<char>(byte);
  }
}

}  // namespace curfew::jobs
