#include "guard/cost.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace curfew::guard {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr WallTime at(Millis after) { return WallTime{hours{500'000}} + after; }
job::Now now_after(Millis after, Millis since_boot) { return {at(after), BootTime{since_boot}, "boot"}; }

CostReading g5(std::optional<WallTime> launched) {
  CostReading reading;
  reading.parts = {"g5.xlarge", "us-east-1", false, std::vector<pricing::Volume>{{"gp3", 100}}, true};
  reading.launched = launched;
  return reading;
}

MachineCost a_dollar_an_hour(WallTime since) { return {Micros{1'000'000}, true, since, "test"}; }

job::Times times_of(const job::Limits& limits, const job::Now& start) {
  return job::times_from(limits, start);
}

TEST(MachineCost, counts_from_the_launch) {
  const auto cost = machine_cost(g5(at(hours{1})), {}, true, now_after(hours{3}, hours{2}));
  ASSERT_TRUE(cost.per_hour);
  EXPECT_TRUE(cost.is_complete);
  EXPECT_EQ(cost.since, at(hours{1}));
  EXPECT_GT(*cost.per_hour, Micros{1'006'000});
  EXPECT_NE(cost.description.find("g5.xlarge in us-east-1"), std::string::npos);
}

TEST(MachineCost, cannot_be_launched_after_what_runs_on_it) {
  // The wall clock is ten hours behind.
  auto reading = g5(at(hours{9}));
  reading.up_for = hours{1};
  const auto cost = machine_cost(reading, {}, true, now_after(hours{0}, hours{1}));
  EXPECT_EQ(cost.since, at(-hours{1}));
}

TEST(MachineCost, without_a_launch_time_counts_from_the_boot) {
  const auto cost = machine_cost({}, Micros{2'000'000}, true, now_after(hours{5}, hours{2}));
  EXPECT_EQ(cost.since, at(hours{3}));
  EXPECT_EQ(cost.per_hour, Micros{2'000'000});
  EXPECT_FALSE(cost.is_complete) << "volumes and address are unknown";
}

TEST(MachineCost, elsewhere_counts_from_now_and_needs_a_price) {
  const auto priced =
      machine_cost(no_cost_reading(), Micros{2'000'000}, false, now_after(hours{5}, hours{100}));
  EXPECT_EQ(priced.since, at(hours{5}));
  EXPECT_TRUE(priced.is_complete);
  EXPECT_FALSE(machine_cost(no_cost_reading(), {}, false, now_after(hours{5}, hours{1})).per_hour);
}

TEST(MachineCost, price_of_an_option_holds_over_the_tag_and_the_list) {
  auto reading = g5(at(hours{1}));
  reading.parts.volumes->clear();
  reading.parts.public_ipv4 = false;
  const auto now = now_after(hours{3}, hours{2});
  EXPECT_EQ(machine_cost(reading, {}, true, now).per_hour, Micros{1'006'000});
  reading.price_tag = "0.5";
  EXPECT_EQ(machine_cost(reading, {}, true, now).per_hour, Micros{500'000});
  EXPECT_EQ(machine_cost(reading, Micros{700'000}, true, now).per_hour, Micros{700'000});
  reading.price_tag = "free\x1b[31m";
  const auto odd = machine_cost(reading, {}, true, now);
  EXPECT_EQ(odd.per_hour, Micros{1'006'000}) << "a tag that is no price: the list price";
  EXPECT_NE(odd.description.find("curfew:price"), std::string::npos) << odd.description;
  EXPECT_EQ(odd.description.find('\x1b'), std::string::npos);
}

TEST(CostBy, is_unknown_where_the_price_is) {
  EXPECT_EQ(cost_by(a_dollar_an_hour(at(hours{0})), at(minutes{90})), Micros{1'500'000});
  EXPECT_FALSE(cost_by({}, at(minutes{90})));
}

TEST(CostBound, takes_the_earlier_of_time_and_cost) {
  struct Case {
    const char* name;
    std::optional<Seconds> max_time;
    Micros most;
    std::optional<Millis> stop_after, end_after;  // the launch
    bool cost_is_first;
  };
  job::Limits limits;
  limits.grace = minutes{1};
  limits.save = minutes{9};
  // Launched an hour before the job starts.
  for (const auto& c : {
           Case{"cost", hours{8}, Micros{5'000'000}, hours{5} - minutes{10}, hours{5}, true},
           Case{"time", hours{2}, Micros{5'000'000}, hours{3}, hours{3} + minutes{10}, false},
           Case{"no time limit", {}, Micros{5'000'000}, hours{5} - minutes{10}, hours{5}, true},
       }) {
    limits.max_time = c.max_time;
    const auto now = now_after(hours{1}, hours{1});
    const auto bound =
        bound_by_cost(times_of(limits, now), limits, c.most, a_dollar_an_hour(at(hours{0})), now);
    ASSERT_TRUE(bound) << c.name;
    EXPECT_EQ(bound->times.stop_at->wall, at(*c.stop_after)) << c.name;
    EXPECT_EQ(bound->times.end_at->wall, at(*c.end_after)) << c.name;
    EXPECT_EQ(bound->times.end_at->boot, BootTime{*c.end_after}) << c.name;
    EXPECT_EQ(bound->is_first, c.cost_is_first) << c.name;
    EXPECT_EQ(bound->end_at, at(hours{5})) << c.name;
    const auto by_then = cost_by(a_dollar_an_hour(at(hours{0})), bound->times.end_at->wall);
    EXPECT_LE(*by_then, c.most) << c.name;
  }
}

TEST(CostBound, is_refused_where_it_leaves_no_time) {
  job::Limits limits;
  limits.max_time = hours{8};
  limits.save = minutes{15};
  const auto now = now_after(hours{72}, hours{72});
  const auto cost = a_dollar_an_hour(at(hours{0}));
  const auto spent = bound_by_cost(times_of(limits, now), limits, Micros{5'000'000}, cost, now);
  ASSERT_FALSE(spent);
  EXPECT_EQ(spent.error().kind, ErrorKind::refused);
  EXPECT_NE(spent.error().text().find("has cost $72.00"), std::string::npos) << spent.error().text();
  // What is left is less than the grace and the save take.
  EXPECT_FALSE(bound_by_cost(times_of(limits, now), limits, Micros{72'200'000}, cost, now));
  EXPECT_TRUE(bound_by_cost(times_of(limits, now), limits, Micros{72'300'000}, cost, now));
}

TEST(CostBound, without_a_price_is_four_hours) {
  job::Limits limits;
  limits.grace = minutes{1};
  const auto now = now_after(hours{1}, hours{1});
  for (const auto& [max_time, stop] : {std::pair<std::optional<Seconds>, Seconds>{std::nullopt, hours{5}},
                                       std::pair<std::optional<Seconds>, Seconds>{hours{8}, hours{5}},
                                       std::pair<std::optional<Seconds>, Seconds>{hours{2}, hours{3}}}) {
    limits.max_time = max_time;
    const auto bound = bound_by_cost(times_of(limits, now), limits, Micros{5'000'000}, MachineCost{}, now);
    ASSERT_TRUE(bound);
    EXPECT_EQ(bound->times.stop_at->wall, at(stop));
    EXPECT_FALSE(bound->is_first) << "what holds is a time";
    EXPECT_NE(describe_bound(Micros{5'000'000}, MachineCost{}, *bound).find("isn't known"),
              std::string::npos);
  }
}

TEST(CostBound, says_what_is_known_in_part_only) {
  auto cost = a_dollar_an_hour(at(hours{0}));
  const auto now = now_after(hours{1}, hours{1});
  const auto bound = bound_by_cost({}, {}, Micros{5'000'000}, cost, now);
  ASSERT_TRUE(bound);
  EXPECT_EQ(describe_bound(Micros{5'000'000}, cost, *bound).find("at the latest"), std::string::npos);
  cost.is_complete = false;
  EXPECT_NE(describe_bound(Micros{5'000'000}, cost, *bound).find("at the latest"), std::string::npos);
}

}  // namespace
}  // namespace curfew::guard
