// stop_at and end_at: what is said at the start, what IMDS says later, and what becomes of them in another boot.
#include "job/times.hpp"

#include <gtest/gtest.h>

namespace curfew::job {
namespace {

using namespace std::chrono_literals;

constexpr WallTime k_wall{1'800'000'000s};
constexpr BootTime k_boot{100s};
const Now k_now{k_wall, k_boot, "boot-1"};

Limits limits_of(std::optional<Seconds> max_time, std::optional<WallTime> deadline = {}) {
  return {.max_time = max_time, .deadline = deadline, .grace = 60s, .before_end = 20s, .save = 300s};
}

// Both clocks of an instant, as distance from the start; they must agree.
std::optional<Millis> after_start(const std::optional<Instant>& instant) {
  if (!instant) return {};
  EXPECT_EQ(instant->wall - k_wall, instant->boot - k_boot);
  return instant->boot - k_boot;
}

TEST(TimesFrom, the_earlier_of_max_time_and_deadline) {
  struct Case {
    const char* name;
    std::optional<Seconds> max_time;
    std::optional<WallTime> deadline;
    std::optional<Seconds> stop_at;
  };
  for (const auto& test : std::vector<Case>{{"none", {}, {}, {}},
                                            {"max_time", 4h, {}, 4h},
                                            {"deadline", {}, k_wall + 2h, 2h},
                                            {"max_time is earlier", 1h, k_wall + 2h, 1h},
                                            {"deadline is earlier", 4h, k_wall + 2h, 2h},
                                            {"deadline now", 4h, k_wall, 0s},
                                            {"deadline past", {}, k_wall - 48h, 0s},
                                            {"deadline long past", {}, WallTime::min(), 0s},
                                            {"deadline for ever", {}, WallTime::max(), 24h * 36600},
                                            {"a year", k_max_duration, WallTime::max(), k_max_duration}}) {
    SCOPED_TRACE(test.name);
    const Times times = times_from(limits_of(test.max_time, test.deadline), k_now);
    EXPECT_EQ(times.started, k_wall);
    EXPECT_EQ(times.boot_id, "boot-1");
    EXPECT_EQ(after_start(times.stop_at), test.stop_at);
    EXPECT_EQ(times.stop_at.has_value(), times.end_at.has_value());
    if (times.stop_at) {
      EXPECT_EQ(after_start(times.end_at), *test.stop_at + 380s);
    }
  }
}

TEST(TimesFrom, a_clock_far_off_overflows_nothing) {
  for (const WallTime wall : {WallTime{0s}, WallTime{-1s}, k_wall + 24h * 365 * 200}) {
    const Times times = times_from(limits_of(4h, k_wall), {wall, k_boot, "boot-1"});
    ASSERT_TRUE(times.stop_at);
    EXPECT_GE(times.stop_at->boot, k_boot);
    EXPECT_LE(times.stop_at->boot, k_boot + 4h);
  }
}

TEST(BroughtForward, moves_earlier_and_never_later) {
  struct Case {
    const char* name;
    WallTime end_at;
    Seconds stop_at, end;
  };
  for (const auto& test : std::vector<Case>{{"later", k_wall + 5h, 4h, 4h + 380s},
                                            {"the same", k_wall + 4h + 380s, 4h, 4h + 380s},
                                            {"earlier", k_wall + 2h, 2h - 380s, 2h},
                                            {"a little earlier", k_wall + 4h, 4h - 380s, 4h},
                                            {"too near for grace and saving", k_wall + 600s, 300s, 600s},
                                            {"past", k_wall - 1h, 300s, 300s},
                                            {"senselessly past", WallTime::min(), 300s, 300s},
                                            {"senselessly late", WallTime::max(), 4h, 4h + 380s}}) {
    SCOPED_TRACE(test.name);
    const Limits limits = limits_of(4h);
    const Now now{k_wall + 300s, k_boot + 300s, "boot-1"};
    const Times times = brought_forward(times_from(limits, k_now), limits, test.end_at, now);
    EXPECT_EQ(after_start(times.stop_at), test.stop_at);
    EXPECT_EQ(after_start(times.end_at), test.end);
    EXPECT_EQ(times.started, k_wall);
    const Times again = brought_forward(times, limits, k_wall + 5h, now);
    EXPECT_EQ(after_start(again.end_at), test.end);
  }
}

TEST(BroughtForward, gives_a_limit_where_there_was_none) {
  const Limits limits = limits_of({});
  const Times times = brought_forward(times_from(limits, k_now), limits, k_wall + 1h, k_now);
  EXPECT_EQ(after_start(times.stop_at), 1h - 380s);
  EXPECT_EQ(after_start(times.end_at), 1h);
}

TEST(BroughtForward, a_stop_that_has_passed_stays) {
  const Limits limits = limits_of(1h);
  const Now later{k_wall + 1h + 30s, k_boot + 1h + 30s, "boot-1"};
  const Times times = brought_forward(times_from(limits, k_now), limits, k_wall + 1h + 100s, later);
  EXPECT_EQ(after_start(times.stop_at), 1h);
  EXPECT_EQ(after_start(times.end_at), 1h + 100s);
}

TEST(BroughtForward, counts_on_the_clock_as_it_is_now) {
  // The wall clock was a year behind at the start and has been set since.
  const Limits limits = limits_of(24h * 300);
  const Times times = times_from(limits, {k_wall - 24h * 365, k_boot, "boot-1"});
  const Times moved = brought_forward(times, limits, k_wall + 2h, {k_wall + 1h, k_boot + 1h, "boot-1"});
  EXPECT_EQ(moved.end_at->boot, k_boot + 2h);
  EXPECT_EQ(moved.stop_at->boot, k_boot + 2h - 380s);
}

TEST(Followed, moves_by_as_much_as_the_deadline_was_moved) {
  const Limits limits = limits_of(4h);
  const WallTime end = k_wall + 4h + 380s;
  struct Case {
    const char* name;
    Seconds by;     // the deadline's
    Millis behind;  // the wall clock, since the start
    Seconds stop_at, end;
  };
  for (const auto& test :
       std::vector<Case>{{"later", 2h, 0s, 6h, 6h + 380s},
                         {"earlier", -2h, 0s, 2h, 2h + 380s},
                         {"too near for grace and saving", -3h - 380s, 0s, 3600s - 380s, 3600s},
                         {"past", -4h, 0s, 600s, 600s},
                         {"later, the clock set back", 2h, 3h, 6h, 6h + 380s},
                         {"earlier, the clock set back", -2h, 3h, 2h, 2h + 380s},
                         {"later, the clock ahead", 2h, -30min, 5h + 30min, 5h + 30min + 380s},
                         {"later, the clock years ahead", 2h, -9000h, 4h, 4h + 380s}}) {
    SCOPED_TRACE(test.name);
    const Now now{k_wall + 600s - test.behind, k_boot + 600s, "boot-1"};
    const Times times = followed(times_from(limits, k_now), limits, end, end + test.by, now);
    EXPECT_EQ(times.stop_at->boot, k_boot + test.stop_at);
    EXPECT_EQ(times.end_at->boot, k_boot + test.end);
    EXPECT_EQ(times.end_at->wall, end + test.by) << "what a later boot goes by";
  }
}

TEST(BroughtForward, is_never_later_on_either_clock) {
  // The wall clock has jumped thirty years ahead: the tag seems long past, and the times stop at once, but a later
  // boot must not read thirty years out of them.
  const Limits limits = limits_of(4h);
  const Times times = times_from(limits, k_now);
  const Now jumped{k_wall + 24h * 365 * 30, k_boot + 1h, "boot-1"};
  const Times moved = brought_forward(times, limits, k_wall + 3h, jumped);
  EXPECT_EQ(moved.stop_at->boot, jumped.boot);
  EXPECT_EQ(moved.stop_at->wall, times.stop_at->wall);
  EXPECT_EQ(moved.end_at->wall, times.end_at->wall);
}

TEST(Rebased, what_is_left_goes_by_the_wall_clock_but_never_grows) {
  struct Case {
    const char* name;
    WallTime wall;
    std::optional<Millis> left_before;
    Seconds left;
  };
  for (const auto& test : std::vector<Case>{{"a minute of down time", k_wall + 1h + 60s, 3h, 3h - 60s},
                                            {"not written down", k_wall + 1h + 60s, {}, 3h - 60s},
                                            {"set back", k_wall - 24h * 9000, 3h, 3h},
                                            {"set forward", k_wall + 9h, 3h, -5h},
                                            {"past before", k_wall + 5h, -1h, -1h},
                                            {"past before, set back", k_wall, -1h, -1h}}) {
    SCOPED_TRACE(test.name);
    const Times before = times_from(limits_of(4h), k_now);
    const Now now{test.wall, BootTime{17s}, "boot-2"};
    const Times times = rebased(before, now, test.left_before);
    EXPECT_EQ(times.boot_id, "boot-2");
    EXPECT_EQ(left_to(times.stop_at, now), test.left);
    EXPECT_EQ(left_to(times.end_at, now), test.left + 380s);
    EXPECT_EQ(times.stop_at->wall, before.stop_at->wall);
    EXPECT_EQ(times.end_at->wall, before.end_at->wall);
    EXPECT_EQ(times.started, k_wall);
  }
}

TEST(Rebased, a_clock_wrong_in_one_boot_does_no_harm_in_the_next) {
  const Times first = times_from(limits_of(4h), k_now);
  const Times second = rebased(first, {WallTime{0s}, BootTime{10s}, "boot-2"}, 3h);
  const Now now{k_wall + 2h, BootTime{10s}, "boot-3"};
  EXPECT_EQ(left_to(rebased(second, now, 2h + 30min).stop_at, now), 2h);
}

TEST(Rebased, no_limit_stays_none) {
  const Times times = rebased(times_from(limits_of({}), k_now), {k_wall, BootTime{1s}, "boot-2"}, {});
  EXPECT_FALSE(times.stop_at);
  EXPECT_FALSE(times.end_at);
  EXPECT_EQ(left_to(times.end_at, k_now), std::nullopt);
}

TEST(Times, extended_move_both_later_and_nothing_where_there_is_no_limit) {
  Times times;
  times.stop_at = Instant{k_wall, BootTime{100s}};
  times.end_at = Instant{k_wall + 60s, BootTime{160s}};
  const Times later = extended(times, 3600s);
  EXPECT_EQ(later.stop_at->wall, k_wall + 3600s);
  EXPECT_EQ(later.stop_at->boot, BootTime{3700s});
  EXPECT_EQ(later.end_at->wall, k_wall + 3660s);
  EXPECT_EQ(later.end_at->boot, BootTime{3760s});
  const Times none = extended({}, 3600s);
  EXPECT_FALSE(none.stop_at || none.end_at);
}

}  // namespace
}  // namespace curfew::job
