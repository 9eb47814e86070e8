// What a notification says. Pure: facts in, text out; every part of it may come from outside.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/money.hpp"
#include "base/times.hpp"

namespace curfew::notify {

enum class Event : std::uint8_t {
  started,
  stop_is_near,
  stalled,
  save_failing,
  save_works,  // again
  interrupted,
  kept,  // after a failure, to be looked at
  disarmed,
  ended
};
[[nodiscard]] std::string_view name_of(Event event);

// What isn't known is left empty, and then not said; but an unknown cost of what has ended is said to be unknown.
struct Facts {
  Event event = Event::started;
  std::string instance;  // "i-0123… (g5.xlarge, us-east-1)", or the host's name
  std::string command;   // as a person typed it
  std::string why;       // why it was warned or ended, in a sentence
  std::string outcome;   // ended: what becomes of the machine ("the machine terminates")
  std::optional<int> exit_code;
  std::optional<Seconds> ran;
  std::optional<WallTime> stop_at;  // training is told to stop
  std::optional<WallTime> end_at;   // the machine is gone
  std::optional<Micros> cost;
};

// One notification, as every place is told it.
struct Message {
  std::string name;       // what it is, for the log: "ended"
  std::string subject;    // see ascii_subject()
  std::string text;       // lines of one_line(), at most k_longest_text in all
  bool is_final = false;  // of the end: kept rather than others
};

// Neither is longer, in bytes.
inline constexpr std::size_t k_longest_text = 3'000;
inline constexpr std::size_t k_longest_subject = 99;  // SNS, Publish: "less than 100 characters"

// A headline and a line a fact: valid UTF-8, no control characters but the newlines between the lines.
[[nodiscard]] std::string text_of(const Facts& facts);
// For SNS and mail: ASCII in one line; other characters become "?".
[[nodiscard]] std::string subject_of(const Facts& facts);
[[nodiscard]] Message message_of(const Facts& facts);

// A text as {"text": …}, with & < > as Slack wants them, so that no name or link in it comes alive; cut to k_longest_text.
[[nodiscard]] std::string slack_json(std::string_view text);
// How long a text is once that is done to its characters.
[[nodiscard]] std::size_t slack_size(std::string_view text);

// A text from outside as one line of valid UTF-8: line breaks become spaces, other control characters go, bytes that are
// no text are spelt out; cut to `limit` bytes with "...".
[[nodiscard]] std::string one_line(std::string_view text, std::size_t limit);
// Printable ASCII, other characters as "?", cut to k_longest_subject.
[[nodiscard]] std::string ascii_subject(std::string_view line);

}  // namespace curfew::notify
