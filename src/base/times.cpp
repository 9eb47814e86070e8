// Reading and writing durations and instants.
#include "base/times.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <optional>

namespace curfew {
namespace {

constexpr std::string_view k_duration_hint = "write it as 90s, 5m, 4h, 1h30m or 2d";

tl::unexpected<Error> bad_duration(std::string_view text, std::string cause) {
  return fail(ErrorKind::invalid_input, "duration '" + std::string(text.substr(0, 64)) + "'",
              std::move(cause), std::string(k_duration_hint));
}

tl::unexpected<Error> bad_hours(std::string_view text, std::string cause) {
  return fail(ErrorKind::invalid_input, "hours '" + std::string(text.substr(0, 64)) + "'", std::move(cause),
              "write it as 4 or 0.5; " + std::to_string(k_max_duration / std::chrono::hours{1}) +
                  " (a year) is the most");
}

// Digits with at most one point; nothing else ("+1", "1e3", "nan" and " 1" are refused).
std::optional<double> decimal(std::string_view text) {
  if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789.") != std::string_view::npos)
    return {};
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

// `refuse` says it of what was written.
Result<Seconds> checked(double seconds, tl::unexpected<Error> (*refuse)(std::string_view, std::string),
                        std::string_view text) {
  if (seconds > static_cast<double>(k_max_duration.count())) return refuse(text, "is longer than a year");
  const Seconds whole{std::llround(seconds)};
  if (whole <= Seconds{0}) return refuse(text, "must be at least 1s");
  return whole;
}

}  // namespace

Result<Seconds> parse_duration(std::string_view text) {
  struct Unit {
    char letter;
    double seconds;
  };
  static constexpr std::array<Unit, 4> k_units{{{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}};

  if (text.empty()) return bad_duration(text, "is empty");
  if (text.front() == '-') return bad_duration(text, "is negative");
  double total = 0;
  std::size_t next_unit = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto digits = rest.find_first_not_of("0123456789.");
    if (digits == std::string_view::npos) return bad_duration(text, "has a number without a unit");
    const auto number = decimal(rest.substr(0, digits));
    if (!number) return bad_duration(text, "is not a duration");
    std::size_t unit = next_unit;
    while (unit < k_units.size() && k_units[unit].letter != rest[digits]) ++unit;
    if (unit == k_units.size()) return bad_duration(text, "has an unknown, repeated or misplaced unit");
    total += *number * k_units[unit].seconds;
    next_unit = unit + 1;
    rest.remove_prefix(digits + 1);
  }
  return checked(total, bad_duration, text);
}

Result<Seconds> parse_hours(std::string_view text) {
  const auto hours = decimal(text);
  if (!hours) return bad_hours(text, "is not a positive number");
  return checked(*hours * 3600, bad_hours, text);
}

std::string format_duration(Seconds duration) {
  const auto count = duration.count();
  // Through unsigned, for the lowest number has no positive counterpart.
  const auto total = count < 0 ? 0 - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
  if (total == 0) return "0s";
  std::string text = count < 0 ? "-" : "";
  if (total >= 3600) text += std::to_string(total / 3600) + "h";
  if (total % 3600 >= 60) text += std::to_string(total % 3600 / 60) + "m";
  if (total % 60 != 0) text += std::to_string(total % 60) + "s";
  return text;
}

Result<WallTime> parse_utc(std::string_view text) {
  const auto bad = [&] {
    return fail(ErrorKind::invalid_input, "time '" + std::string(text.substr(0, 64)) + "'",
                "is not a time with a zone", "write it as 2026-11-24T18:00Z");
  };
  std::size_t at = 0;
  bool ok = true;
  const auto number = [&](std::size_t digits) {
    int value = 0;
    if (at + digits > text.size()) return ok = false, 0;
    const char* begin = text.data() + at;
    const auto [end, error] = std::from_chars(begin, begin + digits, value);
    if (error != std::errc{} || end != begin + digits || *begin == '-') ok = false;
    at += digits;
    return value;
  };
  const auto is_next = [&](char c) { return at < text.size() && text[at] == c && (++at, true); };

  const int year = number(4);
  if (!is_next('-')) return bad();
  const int month = number(2);
  if (!is_next('-')) return bad();
  const int day = number(2);
  if (!is_next('T') && !is_next('t') && !is_next(' ')) return bad();
  const int hour = number(2);
  if (!is_next(':')) return bad();
  const int minute = number(2);
  int second = 0;
  if (is_next(':')) {
    second = number(2);
    if (is_next('.')) {
      const auto start = at;
      while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
      if (at == start) return bad();
    }
  }
  int offset_minutes = 0;
  if (!is_next('Z') && !is_next('z')) {
    const bool east = at < text.size() && text[at] == '+';
    if (!is_next('+') && !is_next('-')) return bad();
    const int hours = number(2);
    is_next(':');
    const int minutes = number(2);
    if (hours > 23 || minutes > 59) return bad();
    offset_minutes = (east ? 1 : -1) * (hours * 60 + minutes);
  }
  using namespace std::chrono;
  const year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                            std::chrono::day{static_cast<unsigned>(day)}};
  if (!ok || at != text.size() || !date.ok() || year < 1970 || hour > 23 || minute > 59 || second > 60)
    return bad();
  return WallTime{sys_days{date} + hours{hour} + minutes{minute} + seconds{second} - minutes{offset_minutes}};
}

namespace {
std::string format_with(WallTime time, const char* format) {
  using namespace std::chrono;
  const auto whole = floor<seconds>(time);
  const auto day = floor<days>(whole);
  const year_month_day date{day};
  const hh_mm_ss clock{whole - day};
  std::array<char, 64> buffer{};
  // Years outside of four digits can't come from parse_utc or a sane clock; they are written as they are.
  const int length =
      std::snprintf(buffer.data(), buffer.size(), format, static_cast<int>(date.year()),
                    static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                    static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                    static_cast<int>(clock.seconds().count()));
  return {buffer.data(), static_cast<std::size_t>(length)};
}
}  // namespace

std::string format_utc(WallTime time) { return format_with(time, "%04d-%02u-%02uT%02d:%02d:%02dZ"); }
std::string format_systemd(WallTime time) { return format_with(time, "%04d-%02u-%02u %02d:%02d:%02d UTC"); }

}  // namespace curfew
