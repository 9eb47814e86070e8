// Durations and instants as people write them, and the two clocks that curfew thinks in. Reads no clock.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace curfew {

using Seconds = std::chrono::seconds;
using Millis = std::chrono::milliseconds;

// UTC. Jumps when NTP first answers or somebody sets the clock: only for absolute times and for people.
using WallTime = std::chrono::sys_time<Millis>;

// CLOCK_BOOTTIME: time since boot, suspend included; never jumps. What elapsed time is measured on.
// A tag for the type only: read it through os::Clock.
struct BootClock {
  using duration = Millis;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock, Millis>;
  static constexpr bool is_steady = true;
};
using BootTime = BootClock::time_point;

// The longest duration that any option takes: more is a typing error, and sums of them can't overflow.
inline constexpr Seconds k_max_duration = std::chrono::hours{24 * 366};

// "90s", "5m", "4h", "1h30m", "2d", "1.5h"; units d h m s, each at most once, largest first; a bare number is refused
// (seconds or hours?). Zero, negative and more than k_max_duration are refused. Whole seconds.
[[nodiscard]] Result<Seconds> parse_duration(std::string_view text);
// A number of hours, "4", "0.5" (`--max-hours`). The same bounds.
[[nodiscard]] Result<Seconds> parse_hours(std::string_view text);
// "1h30m", "4h", "45s"; "0s" for zero; negative with a minus sign.
[[nodiscard]] std::string format_duration(Seconds duration);

// RFC 3339 with a zone: "2026-11-24T18:00Z", "2026-11-24T18:00:30+01:00"; fractions of a second are cut.
[[nodiscard]] Result<WallTime> parse_utc(std::string_view text);
// "2026-11-24T18:00:00Z".
[[nodiscard]] std::string format_utc(WallTime time);
// "2026-11-24 18:00:00 UTC", as systemd.time(7) reads it.
[[nodiscard]] std::string format_systemd(WallTime time);

}  // namespace curfew
