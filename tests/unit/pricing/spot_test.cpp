#include "pricing/spot.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "pricing/parts.hpp"

namespace curfew::pricing {
namespace {

using namespace std::chrono_literals;

const WallTime k_launched{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + 18h};

TEST(Price, IsReadExactlyAndRoundedUp) {
  struct Case {
    const char* text;
    std::int64_t micros;
  };
  for (const auto& [text, micros] : {
           Case{"0.302300", 302'300},
           Case{"1.0060000000", 1'006'000},
           Case{"0.3", 300'000},
           Case{"5", 5'000'000},
           Case{"0.000001", 1},
           Case{"0.0000001", 1},
           Case{"0.30230001", 302'301},
           Case{"0.9999999", 1'000'000},
           Case{"98.3200000000", 98'320'000},
           Case{"1000000000", k_most_per_hour.count},
       })
    EXPECT_EQ(parse_price(text), Micros{micros}) << text;
}

TEST(Price, IsNeverZeroNorAnythingElse) {
  for (const auto* text : {"",
                           "0",
                           "0.0000000000",
                           ".",
                           "1.",
                           ".5",
                           "-1",
                           "+1",
                           "1e3",
                           "nan",
                           "1,5",
                           "1.5 ",
                           " 1.5",
                           "$1.5",
                           "1.2.3",
                           "0x1",
                           "1000000000.000001",
                           "1000000001",
                           "99999999999999999999",
                           "18446744073709551616",
                           "0.0000000000000000000000000000000000000000000001"})
    EXPECT_FALSE(parse_price(text)) << text;
}

TEST(SpotProduct, IsOfThePlatform) {
  for (const auto* same : {"Linux/UNIX", "Windows", "SUSE Linux", "Red Hat Enterprise Linux"})
    EXPECT_EQ(spot_product(same), same);
  EXPECT_EQ(spot_product("Red Hat BYOL Linux"), "Linux/UNIX");
  for (const auto* none : {"", "Ubuntu Pro", "Windows with SQL Server Standard", "linux"})
    EXPECT_EQ(spot_product(none), "");
}

struct Point {
  Millis after;  // the launch
  std::int64_t per_hour;
};

SpotHistory history(const std::vector<Point>& points) {
  std::vector<SpotPrice> prices;
  for (const auto& point : points) prices.push_back({k_launched + point.after, {point.per_hour}});
  return SpotHistory(std::move(prices));
}

TEST(SpotCost, IsWhatThePriceWasWhileItRan) {
  struct Case {
    const char* name;
    std::vector<Point> points;
    Seconds billed;
    std::int64_t cost;
    std::int64_t now;  // price
  };
  for (const auto& [name, points, billed, cost, now] : {
           Case{"one price", {{-1h, 360'000}}, 2h, 720'000, 360'000},
           Case{"from the launch on", {{0ms, 360'000}}, 2h, 720'000, 360'000},
           Case{"a change on the way", {{-1h, 300'000}, {1h, 500'000}}, 2h, 800'000, 500'000},
           Case{"two changes", {{-9h, 100'000}, {30min, 200'000}, {90min, 400'000}}, 2h, 450'000, 400'000},
           Case{"changes before the launch", {{-9h, 900'000}, {-1h, 300'000}}, 1h, 300'000, 300'000},
           Case{"the newest first", {{1h, 500'000}, {-1h, 300'000}}, 2h, 800'000, 500'000},
           Case{"duplicates",
                {{-1h, 300'000}, {1h, 500'000}, {-1h, 300'000}, {1h, 500'000}},
                2h,
                800'000,
                500'000},
           Case{"two prices at once", {{-1h, 400'000}, {-1h, 300'000}}, 1h, 400'000, 400'000},
           Case{"a change after the end", {{-1h, 300'000}, {3h, 900'000}}, 2h, 600'000, 300'000},
           Case{"parts of seconds", {{-1h, 3'600'000}, {500ms, 7'200'000}}, 1s, 1'500, 7'200'000},
           Case{"nothing billed", {{-1h, 300'000}}, 0s, 0, 300'000},
       }) {
    const auto spot = spot_cost(history(points), k_launched, billed, k_launched + 2h, {});
    ASSERT_TRUE(spot) << name;
    EXPECT_EQ(spot->so_far, Amount::exact({cost})) << name;
    EXPECT_EQ(spot->per_hour, Amount::exact({now})) << name;
    EXPECT_EQ(spot->uncovered, 0s) << name;
  }
}

TEST(SpotCost, IsABoundWhereTheHistoryBeginsLater) {
  const auto late = history({{1h, 300'000}, {2h, 500'000}});
  const auto now = k_launched + 3h;
  const auto least = spot_cost(late, k_launched, 3h, now, {});
  EXPECT_EQ(least->so_far, Amount::at_least({800'000}));
  EXPECT_EQ(least->uncovered, 1h);
  const auto most = spot_cost(late, k_launched, 3h, now, Micros{1'006'000});
  EXPECT_EQ(most->so_far, (Amount{{800'000}, Micros{1'806'000}}));
  EXPECT_EQ(most->so_far.mark(), Mark::at_most);
  // It ended before the history begins.
  const auto none = spot_cost(late, k_launched, 30min, now, {});
  EXPECT_EQ(none->so_far, Amount::unknown());
  EXPECT_EQ(none->uncovered, 30min);
  EXPECT_EQ(spot_cost(late, k_launched, 30min, now, Micros{1'006'000})->so_far, Amount::at_most({503'000}));
  // Before the first change the first price is the nearest to now.
  EXPECT_EQ(spot_cost(late, k_launched, 60s, k_launched, {})->per_hour, Amount::exact({300'000}));
}

TEST(SpotCost, OfNoHistoryIsUnknown) {
  EXPECT_FALSE(spot_cost({}, k_launched, 1h, k_launched + 1h, Micros{1'006'000}));
}

TEST(SpotCost, DoesntDependOnTheOrder) {
  std::mt19937 random(7);
  std::vector<Point> points;
  for (int hour = -3; hour < 60; ++hour) points.push_back({std::chrono::hours{hour}, 100'000 + 1'000 * hour});
  const auto sorted = spot_cost(history(points), k_launched, 50h, k_launched + 50h, {});
  for (int round = 0; round < 20; ++round) {
    std::shuffle(points.begin(), points.end(), random);
    EXPECT_EQ(spot_cost(history(points), k_launched, 50h, k_launched + 50h, {})->so_far, sorted->so_far);
  }
}

TEST(SpotCost, HoldsForTimesThatLieFarApart) {
  const SpotHistory widest({{WallTime::min(), k_most_per_hour}, {WallTime::max(), k_most_per_hour}});
  const auto spot = spot_cost(widest, WallTime::min(), Seconds::max(), WallTime::max(), k_most_per_hour);
  EXPECT_EQ(spot->so_far.low.count, std::numeric_limits<std::int64_t>::max());
}

}  // namespace
}  // namespace curfew::pricing
