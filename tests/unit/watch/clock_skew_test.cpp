#include "watch/clock_skew.hpp"

#include <gtest/gtest.h>

namespace curfew::watch {
namespace {

using namespace std::chrono_literals;

TEST(ClockSkew, IsTheLeastThatExplainsAReply) {
  const WallTime now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 26}};
  struct Case {
    const char* what;
    Millis before, after, answered, skew;
  };
  const Case cases[] = {
      {"the same second", 0ms, 100ms, 0ms, 0ms},
      {"its fraction is cut", 900ms, 950ms, 0ms, 0ms},
      {"a slow reply explains a late clock", 0ms, 70s, 0ms, 0ms},
      {"and an early one", 0ms, 70s, 70s, 0ms},
      {"AWS ahead", 0ms, 1s, 62s, 61s},
      {"AWS behind", 62s, 63s, 0ms, -61s},
  };
  for (const auto& each : cases)
    EXPECT_EQ(clock_skew(now + each.before, now + each.after, now + each.answered), each.skew) << each.what;
}

TEST(ClockSkew, OfAReportIsItsWorst) {
  Report report;
  EXPECT_FALSE(skew_of(report));
  report.regions = {{"1", "a"}, {"1", "b"}, {"1", "c"}};
  EXPECT_FALSE(skew_of(report));
  report.regions[0].skew = 5s;
  report.regions[2].skew = -7s;
  EXPECT_EQ(skew_of(report), -7s);
  EXPECT_FALSE(is_skewed(60s));
  EXPECT_TRUE(is_skewed(60'001ms));
  EXPECT_TRUE(is_skewed(-61s));
}

}  // namespace
}  // namespace curfew::watch
