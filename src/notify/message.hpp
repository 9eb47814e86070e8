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

// Neither is longer, in bytes.
inline constexpr std::size_t k_longest_text = 3'000;
inline constexpr std::size_t k_longest_subject = 99;  // SNS, Publish: "less than 100 characters"

// A headline and a line a fact: valid UTF-8, no control characters but the newlines between the lines.
[[nodiscard]] std::string text_of(const Facts& facts);
// For SNS and mail: ASCII in one line; other characters become "?".
[[nodiscard]] std::string subject_of(const Facts& facts);
// The same text as {"text": …}, with & < > as Slack wants them, so that no name or link in it comes alive.
[[nodiscard]] std::string slack_json(const Facts& facts);

}  // namespace curfew::notify
