// What the tag curfew:deadline means to a guard: at first sight, moved, removed, malformed.
#include "guard/policy_deadline.hpp"

#include <gtest/gtest.h>

#include "unit/guard/policy_guard.hpp"

namespace curfew::guard {
namespace {

// One hour, and a minute of grace: the machine is to be gone 61 minutes after the start.
constexpr Seconds k_end{3'660};

struct Deadline : testing::Test {
  Deadline() {
    rules.limits.max_time = Seconds{3'600};
    state.stage = Stage::running;
    state.times = job::times_from(rules.limits, start);
  }
  DeadlineStep heed(std::optional<std::string> deadline, std::optional<std::string> most = {}) {
    auto step = heed_deadline(state, rules, now, {std::move(deadline), std::move(most)});
    if (step.times) state.times = *step.times;
    if (step.held) state.held = step.held;
    return step;
  }
  std::string at(Seconds after_start) const { return format_utc(start.wall + after_start); }
  // When the machine is gone by the clock that counts, after the start.
  [[nodiscard]] Seconds gone() const {
    return std::chrono::floor<Seconds>(state.times.end_at.value().boot - start.boot);
  }
  [[nodiscard]] Seconds stopped() const {
    return std::chrono::floor<Seconds>(state.times.stop_at.value().boot - start.boot);
  }
  void pass(Millis time) {
    now.wall += time;
    now.boot += time;
  }

  Rules rules;
  State state;
  job::Now start{k_start_wall, k_start_boot, "boot-1"};
  job::Now now = start;
};

TEST_F(Deadline, at_first_sight_only_brings_the_end_forward) {
  const auto later = heed(at(k_end + 2h));
  EXPECT_FALSE(later.times);
  EXPECT_EQ(state.held, start.wall + k_end + 2h);
  EXPECT_EQ(gone(), k_end);

  state.held.reset();
  EXPECT_TRUE(heed(at(30min)).times);
  EXPECT_EQ(gone(), 30min);
  EXPECT_EQ(stopped(), 29min);
}

TEST_F(Deadline, moved_moves_the_end_both_ways_and_only_once) {
  (void)heed(at(k_end));
  pass(10min);
  const State before = state;
  auto moved = heed(at(k_end + 2h));
  EXPECT_TRUE(is_later(moved, before));
  EXPECT_EQ(gone(), k_end + 2h);
  EXPECT_EQ(stopped(), 1h + 2h);
  EXPECT_EQ(state.times.end_at->wall, start.wall + k_end + 2h);
  EXPECT_NE(moved.text.find("machine gone by " + at(k_end + 2h)), std::string::npos) << moved.text;
  EXPECT_FALSE(heed(at(k_end + 2h)).times) << "the same again";
  pass(10min);
  moved = heed(at(40min));
  EXPECT_EQ(gone(), 40min);
  EXPECT_EQ(stopped(), 39min);
  EXPECT_EQ(moved.level, Note::Level::warning);
  EXPECT_TRUE(heed(at(k_end)).times) << "and back";
  EXPECT_EQ(gone(), k_end);
}

TEST_F(Deadline, moved_while_no_guard_was_there_is_found_by_the_next) {
  (void)heed(at(k_end));
  const State kept = state;  // as state.json has it
  pass(30min);
  state = kept;
  EXPECT_TRUE(heed(at(k_end + 1h)).times);
  EXPECT_EQ(gone(), k_end + 1h);
}

TEST_F(Deadline, malformed_or_removed_moves_nothing_and_is_said) {
  (void)heed(at(k_end));
  for (const std::optional<std::string>& value :
       {std::optional<std::string>(), std::optional<std::string>(""), std::optional<std::string>("tomorrow"),
        std::optional<std::string>("2027-02-15T08:00:00"), std::optional<std::string>("\x1b[2J")}) {
    const auto step = heed(value);
    EXPECT_FALSE(step.times || step.held) << value.value_or("removed");
    EXPECT_EQ(step.level, Note::Level::warning);
    EXPECT_NE(step.text.find("moves nothing"), std::string::npos) << step.text;
    EXPECT_EQ(step.text.find('\x1b'), std::string::npos);
    EXPECT_EQ(gone(), k_end);
  }
  State fresh;
  fresh.stage = Stage::running;
  const auto none = heed_deadline(fresh, rules, now, {});
  EXPECT_TRUE(none.text.empty() && !none.held) << "a machine without the tag is the usual one";
}

TEST_F(Deadline, is_never_moved_beyond_the_most) {
  (void)heed(at(k_end), at(k_end + 1h));
  EXPECT_TRUE(heed(at(k_end + 3h), at(k_end + 1h)).times);
  EXPECT_EQ(gone(), k_end + 1h);
  const auto again = heed(at(k_end + 4h), at(k_end + 1h));
  EXPECT_FALSE(again.times);
  EXPECT_NE(again.text.find("beyond curfew:max-deadline"), std::string::npos) << again.text;
  EXPECT_FALSE(heed(at(k_end + 4h), "soon").times) << "one that can't be read allows nothing";
  EXPECT_TRUE(heed(at(50min), "soon").times) << "but less";
  EXPECT_EQ(gone(), 50min);
  // A most that was lowered since brings nothing forward by itself, and lets nothing go later.
  EXPECT_FALSE(heed(at(55min), at(45min)).times);
  EXPECT_EQ(gone(), 50min);
}

TEST_F(Deadline, does_not_move_a_limit_of_the_jobs_own_that_is_earlier) {
  (void)heed(at(k_end + 4h));
  const auto later = heed(at(k_end + 6h));
  EXPECT_FALSE(later.times);
  EXPECT_NE(later.text.find("own limit is earlier"), std::string::npos) << later.text;
  EXPECT_EQ(gone(), k_end);
  EXPECT_FALSE(heed(at(k_end + 5h)).times) << "earlier, and still later than its own";
  EXPECT_EQ(gone(), k_end);
  EXPECT_TRUE(heed(at(20min)).times);
  EXPECT_EQ(gone(), 20min);
}

TEST_F(Deadline, comes_too_late_for_a_job_that_is_being_stopped) {
  (void)heed(at(k_end));
  state.stage = Stage::draining;
  const auto later = heed(at(k_end + 1h));
  EXPECT_FALSE(later.times);
  EXPECT_NE(later.text.find("too late"), std::string::npos) << later.text;
  EXPECT_TRUE(heed(at(k_end - 10min)).times) << "earlier, it still bounds all that is under way";
  state.stage = Stage::ending;
  EXPECT_TRUE(heed(at(1min)).text.empty());
  state.stage = Stage::running;
  state.disarmed = true;
  EXPECT_TRUE(heed(at(2min)).text.empty()) << "nothing ends it any more";
}

TEST_F(Deadline, gives_no_time_by_a_jump_of_the_wall_clock) {
  (void)heed(at(k_end));
  pass(10min);
  now.wall -= 3h;  // set back
  (void)heed(at(k_end + 1h));
  EXPECT_EQ(gone(), k_end + 1h);
  (void)heed(at(k_end));
  EXPECT_EQ(gone(), k_end);
  now.wall += 3h + 20min;  // and now 20 minutes ahead
  (void)heed(at(k_end + 1h));
  EXPECT_EQ(gone(), k_end + 40min) << "by then the clock says the tag's time";
  now.wall += 24h * 365;
  (void)heed(at(k_end + 2h));
  EXPECT_EQ(gone(), k_end + 40min) << "later is never earlier";
}

TEST_F(Deadline, that_has_passed_ends_the_job_at_once_and_not_before) {
  (void)heed(at(k_end));
  pass(10min);
  (void)heed(at(5min));
  EXPECT_EQ(gone(), 10min);
  EXPECT_EQ(stopped(), 10min);
  (void)heed("0001-01-01T00:00:00Z");
  EXPECT_EQ(gone(), 10min);
  (void)heed("9999-12-31T23:59:59Z");
  EXPECT_EQ(gone(), 10min + 24h * 366 * 100) << "a century, and no overflow";
}

TEST_F(Deadline, limits_a_job_that_had_no_limit) {
  rules.limits.max_time.reset();
  state.times = job::times_from(rules.limits, start);
  EXPECT_TRUE(heed(at(2h)).times);
  EXPECT_EQ(gone(), 2h);
  EXPECT_TRUE(heed(at(3h)).times);
  EXPECT_EQ(gone(), 3h);
}

}  // namespace
}  // namespace curfew::guard
