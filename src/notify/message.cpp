// What a notification says.
#include "notify/message.hpp"

#include <algorithm>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/text.hpp"

namespace curfew::notify {
namespace {

constexpr std::size_t k_longest_field = 400;
constexpr std::size_t k_longest_command = 200;
constexpr std::string_view k_cut = "…";

bool is_space(char c) { return c == '\n' || c == '\r' || c == '\t'; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string headline(const Facts& facts) {
  const auto where = facts.instance.empty() ? std::string("this machine") : one_line(facts.instance, 100);
  switch (facts.event) {
    case Event::started: return "curfew started on " + where;
    case Event::stop_is_near: return "curfew warns: the time limit is near on " + where;
    case Event::stalled: return "curfew warns: the job has stalled on " + where;
    case Event::save_failing: return "curfew warns: saving fails on " + where;
    case Event::save_works: return "curfew: saving works again on " + where;
    case Event::interrupted: return "curfew warns: EC2 takes back " + where;
    case Event::kept: return "curfew warns: the job has failed on " + where;
    case Event::disarmed: return "curfew warns: DISARMED on " + where;
    case Event::ended: return "curfew ended the job on " + where;
  }
  return "curfew on " + where;
}

void add(std::string& text, std::string_view name, std::string_view value) {
  if (!value.empty()) text += "\n" + std::string(name) + ": " + std::string(value);
}

std::string_view before_a_character(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0U) == 0x80U) --limit;
  return text.substr(0, limit);
}

std::string_view escape_of(char c) {
  switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    default: return {};
  }
}

// Bounded as it's sent, and cut neither within a character nor within an escape.
std::string slack_escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    auto piece = text.substr(0, 1);
    for (std::size_t i = 1; i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0U) == 0x80U; ++i)
      piece = text.substr(0, i + 1);
    const auto escape = escape_of(piece.front());
    const auto added = escape.empty() ? piece : escape;
    if (out.size() + added.size() > k_longest_text - k_cut.size()) return out + std::string(k_cut);
    out += added;
    text.remove_prefix(piece.size());
  }
  return out;
}

}  // namespace

std::string one_line(std::string_view text, std::size_t limit) {
  std::string line;
  for (const char c : text.substr(0, 4 * limit)) {
    if (is_space(c)) line += ' ';
    else if (!is_control(c)) line += c;
  }
  return printable(line, limit);
}

std::size_t slack_size(std::string_view text) {
  std::size_t size = 0;
  for (const char c : text) size += std::max<std::size_t>(escape_of(c).size(), 1);
  return size;
}

std::string_view name_of(Event event) {
  switch (event) {
    case Event::started: return "started";
    case Event::stop_is_near: return "stop is near";
    case Event::stalled: return "stalled";
    case Event::save_failing: return "save failing";
    case Event::save_works: return "save works";
    case Event::interrupted: return "interrupted";
    case Event::kept: return "kept";
    case Event::disarmed: return "disarmed";
    case Event::ended: return "ended";
  }
  return "event";
}

std::string text_of(const Facts& facts) {
  const bool ended = facts.event == Event::ended;
  std::string text = headline(facts);
  add(text, "Why", one_line(facts.why, k_longest_field));
  add(text, "Command", one_line(facts.command, k_longest_command));
  if (facts.exit_code) add(text, "Exit code", std::to_string(*facts.exit_code));
  if (facts.ran) add(text, "Ran for", format_duration(*facts.ran));
  if (facts.stop_at && !ended) add(text, "Training stops at", format_utc(*facts.stop_at));
  if (facts.end_at) add(text, "Machine gone by", format_utc(*facts.end_at));
  add(text, "Next", one_line(facts.outcome, k_longest_field));
  if (facts.cost) add(text, ended ? "Cost" : "Cost so far", format_dollars(*facts.cost));
  else if (ended) add(text, "Cost", "unknown");
  if (text.size() <= k_longest_text) return text;
  return std::string(before_a_character(text, k_longest_text - k_cut.size())) + std::string(k_cut);
}

std::string ascii_subject(std::string_view line) {
  std::string subject;
  for (const char c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0U) == 0x80U) continue;  // the rest of a character that has its "?"
    subject += byte >= 0x20 && byte < 0x7f ? c : '?';
  }
  return subject.substr(0, k_longest_subject);
}

std::string subject_of(const Facts& facts) { return ascii_subject(headline(facts)); }

Message message_of(const Facts& facts) {
  return {std::string(name_of(facts.event)), subject_of(facts), text_of(facts), facts.event == Event::ended};
}

std::string slack_json(std::string_view text) {
  boost::json::object object;
  object["text"] = slack_escaped(text);
  return boost::json::serialize(object);
}

}  // namespace curfew::notify
