// For how long accelerators have been idle. Pure: readings and their times in, durations out.
//
// Time counts as idle only between two readings that follow each other and both say so. A reading that is unknown adds
// nothing; the count goes on after it when the next known one comes within k_longest_gap, and begins anew otherwise, for
// then nobody can say what happened meanwhile. One that says busy begins anew.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"
#include "guard/probes/accelerator.hpp"

namespace curfew::guard {

inline constexpr double k_idle_percent =
    5;  // below it an accelerator is idle, unless the user says otherwise
inline constexpr Millis k_longest_gap{
    75'000};  // the prober's longest pause (60 s), its limit, and some delay

struct IdleRule {
  Seconds limit{};
  double percent = k_idle_percent;
};
// "30m", "30m:5%", "1h:0.5%". The percentage is above 0 (nothing is below 0) and at most 100.
[[nodiscard]] Result<IdleRule> parse_idle_rule(std::string_view text);

enum class Level : std::uint8_t { idle, busy, unknown };

// Idle time of one thing.
struct Quiet {
  Millis counted{0};
  std::optional<BootTime> idle_at;  // the last reading that said idle, unless a busy one came since
  bool broken = false;              // an unknown one came since
};
[[nodiscard]] Quiet with_level(Quiet quiet, Level level, BootTime at);

struct GpuActivity {
  struct One {
    std::string name;
    bool ever_busy = false;
    std::optional<double> busy_percent;  // in the last reading
    Quiet quiet;
  };
  std::vector<One> each;
  Quiet all;                         // all of them idle at the same time
  bool ever_busy = false;            // any of them, in any reading; a guard that takes over needs to be told
  std::optional<BootTime> known_at;  // the last reading that wasn't unknown as a whole
};

// `percent`: IdleRule's. An accelerator that a later reading lacks is forgotten; a new one begins at nought.
[[nodiscard]] GpuActivity with_reading(GpuActivity activity, const Reading& reading, BootTime at,
                                       double percent = k_idle_percent);

// All of them have been idle for so long, after one of them was busy once; else zero.
[[nodiscard]] Millis all_idle_for(const GpuActivity& activity);
// Likewise for the one that has been idle longest, of those that were busy once themselves.
[[nodiscard]] Millis any_idle_for(const GpuActivity& activity);
// None of them was ever busy, and that was known for so long; zero once one was.
[[nodiscard]] Millis never_busy_for(const GpuActivity& activity);
// All idle for so long, whether or not one was ever busy: a notebook machine may never have been.
[[nodiscard]] inline Millis unused_for(const GpuActivity& activity) { return activity.all.counted; }

}  // namespace curfew::guard
