#include "guard/probes/idle.hpp"

#include <gtest/gtest.h>

namespace curfew::guard {
namespace {

TEST(IdleRule, is_a_duration_and_maybe_a_percentage) {
  struct Case {
    const char* text;
    std::optional<IdleRule> expected;
  };
  const Case cases[] = {
      {"30m", IdleRule{Seconds{1'800}, 5}},
      {"30m:5%", IdleRule{Seconds{1'800}, 5}},
      {"1h30m:0.5%", IdleRule{Seconds{5'400}, 0.5}},
      {"90s:100%", IdleRule{Seconds{90}, 100}},
      {"30", {}},
      {"", {}},
      {":5%", {}},
      {"30m:", {}},
      {"30m:5", {}},
      {"30m:%", {}},
      {"30m:0%", {}},
      {"30m:0.000%", {}},
      {"30m:101%", {}},
      {"30m:-5%", {}},
      {"30m:+5%", {}},
      {"30m:5%%", {}},
      {"30m:5 %", {}},
      {"30m:1e1%", {}},
      {"30m:nan%", {}},
      {"30m:5%:6%", {}},
      {"30m:1.2.3%", {}},
  };
  for (const auto& c : cases) {
    const auto rule = parse_idle_rule(c.text);
    ASSERT_EQ(rule.has_value(), c.expected.has_value()) << c.text;
    if (!rule) continue;
    EXPECT_EQ(rule->limit, c.expected->limit) << c.text;
    EXPECT_EQ(rule->percent, c.expected->percent) << c.text;
  }
}

// A reading each 10 s. For each GPU one text: 'b' busy, 'i' idle, '?' doesn't tell, '-' isn't there; where all of them have
// a blank, the reading is unknown as a whole.
GpuActivity played(const std::vector<std::string>& gpus) {
  GpuActivity activity;
  BootTime at{Millis{1'000'000}};
  for (std::size_t step = 0; step < gpus.front().size(); ++step, at += Millis{10'000}) {
    std::vector<Accelerator> found;
    bool known = true;
    for (const auto& gpu : gpus) {
      const auto name = "GPU " + std::to_string(&gpu - gpus.data());
      switch (gpu.at(step)) {
        case 'b': found.push_back({name, 5.0}); break;
        case 'i': found.push_back({name, 4.9}); break;
        case '?': found.push_back({name, std::nullopt}); break;
        case ' ': known = false; break;
        default: break;
      }
    }
    const Reading reading = known ? Reading(found) : Reading(fail(ErrorKind::timed_out, "look", "a test"));
    activity = with_reading(activity, reading, at);
  }
  return activity;
}

struct Case {
  const char* name;
  std::vector<std::string> gpus;
  long all;  // seconds
  long any;
  long never;
};

TEST(GpuActivity, counts_idle_time_between_readings_that_say_so) {
  const Case cases[] = {
      {"nothing yet", {""}, 0, 0, 0},
      {"one reading is no time", {"i"}, 0, 0, 0},
      {"never busy", {"iiii"}, 0, 0, 30},
      {"busy", {"bbbb"}, 0, 0, 0},
      {"idle after being busy", {"biiii"}, 30, 30, 0},
      {"a busy reading begins anew", {"biiiibii"}, 10, 10, 0},
      {"an unknown reading adds nothing and takes nothing", {"biii i"}, 20, 20, 0},
      {"nor do some", {"biii    ii"}, 30, 30, 0},
      {"after a long gap it begins anew", {"biii        ii"}, 10, 10, 0},
      {"never busy over a long gap begins anew", {"iii        ii"}, 0, 0, 10},
      {"unknown is not busy", {" iii"}, 0, 0, 20},
      {"unknown is not idle", {"b      "}, 0, 0, 0},
      {"two: one busy", {"biiii", "bbbbb"}, 0, 30, 0},
      {"two: both idle", {"biiii", "bbbii"}, 10, 30, 0},
      {"two: the one that was never busy isn't missed", {"bbbbb", "iiiii"}, 0, 0, 0},
      {"two: idle by turns", {"bibib", "ibibi"}, 0, 0, 0},
      {"two: one never tells (MIG)", {"biiii", "?????"}, 0, 30, 0},
      {"two: both never busy, one doesn't tell", {"iiiii", "?????"}, 0, 0, 0},
      {"one falls off the bus: what is left counts", {"biiii", "bb---"}, 20, 30, 0},
      {"one comes back: it begins anew", {"biiiiii", "bi---ii"}, 50, 50, 0},
  };
  for (const auto& c : cases) {
    const auto activity = played(c.gpus);
    EXPECT_EQ(all_idle_for(activity), Millis{c.all * 1000}) << c.name;
    EXPECT_EQ(any_idle_for(activity), Millis{c.any * 1000}) << c.name;
    EXPECT_EQ(never_busy_for(activity), Millis{c.never * 1000}) << c.name;
  }
}

TEST(GpuActivity, an_empty_reading_is_unknown) {
  auto activity = with_reading({}, std::vector<Accelerator>{}, BootTime{Millis{0}});
  activity = with_reading(activity, std::vector<Accelerator>{}, BootTime{Millis{10'000}});
  EXPECT_EQ(never_busy_for(activity), Millis{0});
  EXPECT_FALSE(activity.known_at);
}

TEST(GpuActivity, the_threshold_is_the_rules) {
  GpuActivity activity;
  for (int i = 0; i < 3; ++i)
    activity =
        with_reading(activity, std::vector<Accelerator>{{"GPU 0", 20.0}}, BootTime{Millis{i * 10'000}}, 25);
  EXPECT_FALSE(activity.ever_busy);
  EXPECT_EQ(unused_for(activity), Millis{20'000});
}

TEST(GpuActivity, time_that_stands_still_or_goes_back_adds_nothing) {
  GpuActivity activity;
  for (const int at : {50'000, 50'000, 20'000, 20'000})
    activity = with_reading(activity, std::vector<Accelerator>{{"GPU 0", 0.0}}, BootTime{Millis{at}});
  EXPECT_EQ(unused_for(activity), Millis{0});
}

}  // namespace
}  // namespace curfew::guard
