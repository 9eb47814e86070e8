// The two absolute times of a job, stop_at and end_at, computed in one place. Pure.
#pragma once

#include <optional>
#include <string>

#include "base/times.hpp"

namespace curfew::job {

// What the user said. `max_time` empty: no limit (`--max-time off`).
struct Limits {
  std::optional<Seconds> max_time;
  std::optional<WallTime> deadline;  // --deadline: a stop_at, absolute
  Seconds grace{60};
  Seconds before_end{0};
  Seconds save{0};  // zero where nothing is to be saved

  [[nodiscard]] Seconds after_stop() const { return grace + before_end + save; }
};

// Both clocks, read at one moment, and the boot that the boot clock belongs to.
struct Now {
  WallTime wall{};
  BootTime boot{};
  std::string boot_id = {};
};

// An instant on both clocks. Within the boot `boot_id` only `boot` counts, so no jump of the wall clock moves it; after
// a reboot it's carried over by wall time (see `rebased`).
struct Instant {
  WallTime wall{};
  BootTime boot{};
};

// Training is told to stop at stop_at; the machine is gone by end_at = stop_at + grace + before_end + save.
// Empty: no limit.
struct Times {
  WallTime started{};
  std::optional<Instant> stop_at;
  std::optional<Instant> end_at;
  std::string boot_id = {};
};

// The earlier of max_time and deadline, counted from `start`. A deadline that has passed stops at once.
[[nodiscard]] Times times_from(const Limits& limits, const Now& start);

// What became known after the start (tag curfew:deadline = an end_at): moves both times earlier, never later. stop_at
// leaves after_stop() before end_at; neither is moved to before `now`, so one that has passed stops at once.
[[nodiscard]] Times brought_forward(Times times, const Limits& limits, WallTime end_at, const Now& now);

// The tag curfew:deadline was moved from `from`, which is what end_at stands for, to `to`. By as much as it was moved, and
// never to after `to` by the wall clock as it is now, so that neither a jump of that clock nor one that was wrong at the
// start gives more time than the tag does. Moved later, end_at doesn't come earlier for it; moved earlier, stop_at leaves
// after_stop() before end_at, and neither is before `now`.
[[nodiscard]] Times followed(Times times, const Limits& limits, WallTime from, WallTime to, const Now& now);

// Both times later by `by`. Empty times stay so.
[[nodiscard]] Times extended(Times times, Seconds by);

// The same times in the boot that `now` belongs to. What is left is what the wall clock says, but never more than
// `left_before` (what was left to stop_at when it was last written down, negative once past), so a wall clock set back
// gives no time. The wall times stay: they are right again once the clock is.
[[nodiscard]] Times rebased(Times times, const Now& now, std::optional<Millis> left_before);

// Time left, negative once past; empty: no limit. `now` must be of the boot times.boot_id.
[[nodiscard]] std::optional<Millis> left_to(const std::optional<Instant>& instant, const Now& now);

}  // namespace curfew::job
