#include "launch/pools.hpp"

#include <gtest/gtest.h>

namespace curfew::launch {
namespace {

TypeInRegion type(const std::string& name, std::optional<Micros> on_demand, std::vector<std::string> zones,
                  std::map<std::string, Micros> spot) {
  return {{name, {"x86_64"}, 4, 1, "NVIDIA A10G"}, on_demand, std::move(zones), std::move(spot)};
}

std::string shown(const std::vector<Pool>& pools) {
  std::string text;
  for (const auto& pool : pools) text += name_of(pool) + "\n";
  return text;
}

// b is the cheapest zone of g5; g6 is the cheaper one on demand.
std::vector<TypesOfRegion> east() {
  return {{"us-east-1",
           {type("g5.xlarge", Micros{1'006'000}, {"us-east-1a", "us-east-1b", "us-east-1c"},
                 {{"us-east-1a", Micros{500'000}}, {"us-east-1b", Micros{300'000}}}),
            type("g6.xlarge", Micros{804'800}, {"us-east-1a"}, {{"us-east-1a", Micros{400'000}}})}}};
}

TEST(Pools, come_cheapest_first_and_last_without_a_price) {
  EXPECT_EQ(shown(pools_in_order(east(), {true, false, false})),
            "g5.xlarge, spot in us-east-1b\n"
            "g6.xlarge, spot in us-east-1a\n"
            "g5.xlarge, spot in us-east-1a\n"
            "g5.xlarge, spot in us-east-1c\n");
}

TEST(Pools, are_on_demand_after_all_of_spot) {
  EXPECT_EQ(shown(pools_in_order(east(), {true, true, false})),
            "g5.xlarge, spot in us-east-1b\n"
            "g6.xlarge, spot in us-east-1a\n"
            "g5.xlarge, spot in us-east-1a\n"
            "g5.xlarge, spot in us-east-1c\n"
            "g6.xlarge, on demand in us-east-1\n"
            "g5.xlarge, on demand in us-east-1\n");
}

TEST(Pools, leave_the_zone_to_ec2_on_demand_unless_some_are_named) {
  EXPECT_EQ(shown(pools_in_order(east(), {false, true, false})),
            "g6.xlarge, on demand in us-east-1\n"
            "g5.xlarge, on demand in us-east-1\n");
  EXPECT_EQ(shown(pools_in_order(east(), {false, true, true})),
            "g6.xlarge, on demand in us-east-1a\n"
            "g5.xlarge, on demand in us-east-1a\n"
            "g5.xlarge, on demand in us-east-1b\n"
            "g5.xlarge, on demand in us-east-1c\n");
}

TEST(Pools, keep_the_order_given_where_prices_say_nothing) {
  const std::vector<TypesOfRegion> regions{
      {"us-west-2", {type("b.large", {}, {"us-west-2b", "us-west-2a"}, {}), type("a.large", {}, {}, {})}},
      {"us-east-1", {type("b.large", {}, {"us-east-1a"}, {})}}};
  EXPECT_EQ(shown(pools_in_order(regions, {true, false, false})),
            "b.large, spot in us-west-2b\n"
            "b.large, spot in us-west-2a\n"
            "b.large, spot in us-east-1a\n"
            "a.large, spot in us-west-2\n");
}

TEST(Pools, mix_regions_by_price) {
  auto regions = east();
  regions.push_back(
      {"eu-west-1",
       {type("g5.xlarge", Micros{1'123'000}, {"eu-west-1a"}, {{"eu-west-1a", Micros{350'000}}})}});
  const auto pools = pools_in_order(regions, {true, false, false});
  ASSERT_EQ(pools.size(), 5U);
  EXPECT_EQ(name_of(pools[1]), "g5.xlarge, spot in eu-west-1a");
  EXPECT_EQ(pools[1].region, "eu-west-1");
  EXPECT_EQ(pools[1].on_demand, Micros{1'123'000});
  EXPECT_EQ(pools[1].spot_now, Micros{350'000});
}

TEST(Pools, count_the_dearest_zone_where_ec2_chooses) {
  auto regions = east();
  auto& g5 = regions[0].types[0];
  g5.spot["us-east-1-bos-1a"] = Micros{9'000'000};
  EXPECT_EQ(pools_in_order(regions, {false, true, false})[1].spot_now, Micros{500'000})
      << "of those that may be chosen";
  g5.zones.clear();  // a subnet says it
  EXPECT_EQ(pools_in_order(regions, {true, false, false})[1].spot_now, Micros{9'000'000});
}

}  // namespace
}  // namespace curfew::launch
