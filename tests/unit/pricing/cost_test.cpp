#include "pricing/cost.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace curfew::pricing {
namespace {

using namespace std::chrono_literals;

const WallTime k_launched{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + 18h};

const std::vector<Volume> k_none;
const std::vector<Volume> k_gp3{{"gp3", 100}};
const std::vector<Volume> k_gp9{{"gp9", 100}};

MachineParts g5() { return {"g5.xlarge", "us-east-1", false, k_gp3, true}; }

Rate rate_at(Micros per_hour) { return rate_of({}, GivenPrice{per_hour, "--price"}); }

TEST(Rate, IsShownPartByPart) {
  EXPECT_EQ(
      describe(rate_of(g5(), {})),
      "g5.xlarge in us-east-1: $1.006 an hour (list price of 2025-05-28), 100 GiB of gp3 $0.011, public IPv4 "
      "$0.005: $1.022 an hour");
  EXPECT_EQ(rate_of(g5(), {}).per_hour(), Micros{1'006'000 + 10'959 + 5'000});
  EXPECT_TRUE(rate_of(g5(), {}).is_complete());
}

TEST(Rate, SpotIsAtMostTheOnDemandPriceAndSaysSo) {
  auto parts = g5();
  parts.spot = true;
  EXPECT_EQ(
      describe(rate_of(parts, {})),
      "g5.xlarge (spot) in us-east-1: $1.006 an hour (on-demand list price of 2025-05-28, the most that spot "
      "costs), 100 GiB of gp3 $0.011, public IPv4 $0.005: $1.022 an hour");
}

TEST(Rate, AGivenPriceTakesThePlaceOfTheInstancesOnly) {
  auto parts = g5();
  parts.spot = true;
  const auto rate = rate_of(parts, GivenPrice{{400'000}, "the tag curfew:price"});
  EXPECT_EQ(describe(rate),
            "g5.xlarge (spot) in us-east-1: $0.400 an hour (the tag curfew:price), 100 GiB of gp3 $0.011, "
            "public IPv4 "
            "$0.005: $0.416 an hour");
  EXPECT_EQ(rate.per_hour(), Micros{400'000 + 10'959 + 5'000});
}

TEST(Rate, OffEc2TheGivenPriceIsAll) {
  const MachineParts parts{"", "", false, k_none, false};
  EXPECT_EQ(describe(rate_of(parts, GivenPrice{{2'500}, "--price"})),
            "this machine: $0.0025 an hour (--price): $0.0025 an hour");
}

TEST(Rate, WhatIsUnknownIsSaidByName) {
  struct Case {
    MachineParts parts;
    const char* text;
  };
  const Case cases[] = {
      {{"p9.48xlarge", "us-east-1", false, k_gp3, true},
       "p9.48xlarge in us-east-1: price not known, 100 GiB of gp3 $0.011, public IPv4 $0.005: at least "
       "$0.016 an "
       "hour"},
      {{"g5.xlarge", "us-east-9", false, k_gp3, false},
       "g5.xlarge in us-east-9: price not known, 100 GiB of gp3 $0.022 (estimate: twice the price in "
       "us-east-1): at "
       "least $0.022 an hour"},
      {{"g5.xlarge", "us-east-1", false, {}, {}},
       "g5.xlarge in us-east-1: $1.006 an hour (list price of 2025-05-28), the EBS volumes not known, "
       "whether it has "
       "a public IPv4 address not known: at least $1.006 an hour"},
      {{"g5.xlarge", "us-east-1", false, k_gp9, false},
       "g5.xlarge in us-east-1: $1.006 an hour (list price of 2025-05-28), the price of gp9 volumes not "
       "known: at "
       "least $1.006 an hour"},
      {{"g5.xlarge", "cn-north-1", false, k_gp3, true},
       "g5.xlarge in cn-north-1: price not known, the price of EBS in cn-north-1 not known, the price of a "
       "public "
       "IPv4 address in cn-north-1 not known"},
      {{"", "", false, k_none, false}, "this machine: price not known"},
      {{"\x1b[2J", "a\nb", false, k_none, false}, "\\x1b[2J in a\\x0ab: price not known"},
  };
  for (const auto& [parts, text] : cases) {
    const auto rate = rate_of(parts, {});
    EXPECT_EQ(describe(rate), text);
    EXPECT_FALSE(rate.is_complete()) << text;
  }
}

TEST(Rate, NoPriceIsEverTakenForFree) {
  EXPECT_FALSE(rate_of({}, GivenPrice{{0}, "--price"}).instance);
  EXPECT_FALSE(rate_of({}, GivenPrice{{-5}, "--price"}).instance);
  EXPECT_FALSE(end_within({5'000'000}, rate_of({}, {}), k_launched));
  // Volumes alone are no rate: the limit would be far too late.
  EXPECT_FALSE(end_within({5'000'000}, rate_of({"p9.x", "us-east-1", false, k_gp3, true}, {}), k_launched));
}

TEST(Rate, FormatsHourlyPrices) {
  EXPECT_EQ(format_hourly({0}), "$0.00");
  EXPECT_EQ(format_hourly({877}), "$0.000877");
  EXPECT_EQ(format_hourly({5'000}), "$0.005");
  EXPECT_EQ(format_hourly({10'000}), "$0.010");
  EXPECT_EQ(format_hourly({1'021'500}), "$1.022");
  EXPECT_EQ(format_hourly({1'021'499}), "$1.021");
  EXPECT_EQ(format_hourly({999'999}), "$1.000");
  EXPECT_EQ(format_hourly({32'772'600}), "$32.773");
  EXPECT_EQ(format_hourly({std::numeric_limits<std::int64_t>::max()}), "$9223372036854.776");
}

TEST(GivenPrice, TheOptionComesBeforeTheTag) {
  const auto shown = [](const std::optional<Micros>& option, const std::optional<std::string>& tag) {
    const auto price = given_price(option, tag);
    if (!price) return std::string("error");
    return *price ? std::to_string((*price)->per_hour.count) + " by " + (*price)->source : "none";
  };
  EXPECT_EQ(shown(Micros{7}, "1.006"), "7 by --price");
  EXPECT_EQ(shown(Micros{7}, "free"), "7 by --price");
  EXPECT_EQ(shown({}, "1.006"), "1006000 by the tag curfew:price");
  EXPECT_EQ(shown({}, {}), "none");
  for (const auto* bad : {"", "0", "free", "-1", "1e9", "99999999999", "\x1b[2J"})
    EXPECT_EQ(shown({}, bad), "error") << bad;
  EXPECT_EQ(given_price({}, "\x1b[2J").error().text().find('\x1b'), std::string::npos);
}

TEST(Cost, SecondsBegunCountWholeAndAMinuteIsTheLeast) {
  const auto rate = rate_of({"g5.xlarge", "us-east-1", false, k_none, false}, {});
  struct Case {
    Millis after;
    std::int64_t micros;
  };
  for (const auto& [after, micros] :
       {Case{1h, 1'006'000}, Case{72h, 72'432'000}, Case{3600s - 1ms, 1'006'000},
        Case{3600s + 1ms, 1'006'279}, Case{60s, 16'767}, Case{0s, 16'767}, Case{1ms, 16'767}, Case{-1ms, 0},
        Case{-1h, 0}})
    EXPECT_EQ(cost_at(rate, k_launched, k_launched + after).count, micros) << after.count();
}

TEST(Cost, ALimitIsReachedWhenTheMoneyIsSpent) {
  struct Case {
    std::int64_t limit;
    std::int64_t per_hour;
    Seconds after;
  };
  for (const auto& [limit, per_hour, after] :
       {Case{1'006'000, 1'006'000, 1h}, Case{5'000'000, 1'006'000, 17892s},  // 17892.6
        Case{5'000'000, 5'000'000, 1h}, Case{16'667, 1'000'000, 60s},
        Case{16'666, 1'000'000, 0s},  // not even the first minute
        Case{1, 1'000'000, 0s}, Case{0, 1'000'000, 0s}, Case{-5, 1'000'000, 0s}, Case{60, 3'600, 60s}})
    EXPECT_EQ(end_within({limit}, rate_at({per_hour}), k_launched), k_launched + after)
        << limit << ' ' << per_hour;
}

TEST(Cost, WithinALimitTheCostIsNeverAboveIt) {
  for (const std::int64_t per_hour : {1, 7, 999, 3'600, 1'006'000, 1'021'959, 360'986'950})
    for (const std::int64_t limit : {1, 59, 16'766, 16'767, 123'457, 5'000'000, 1'000'000'000}) {
      const auto rate = rate_at({per_hour});
      const auto end = end_within({limit}, rate, k_launched);
      ASSERT_TRUE(end);
      if (*end == k_launched) continue;  // the least that is billed is more than the limit
      EXPECT_LE(cost_at(rate, k_launched, *end).count, limit) << per_hour << ' ' << limit;
      if (*end < k_launched + k_longest_limit) {
        EXPECT_GE(cost_at(rate, k_launched, *end + 1s).count, limit) << per_hour << ' ' << limit;
      }
    }
}

TEST(Cost, NothingOverflows) {
  constexpr Micros k_most{std::numeric_limits<std::int64_t>::max()};
  const std::vector<Volume> endless(100, {"io2", ~0ULL, ~0ULL, ~0ULL});
  const auto dearest = rate_of({"", "", false, endless, true}, GivenPrice{k_most, "--price"});
  EXPECT_EQ(dearest.per_hour().count, 3 * k_most_per_hour.count + 5'000);
  EXPECT_EQ(cost_at(dearest, WallTime::min(), WallTime::max()), k_most);
  EXPECT_EQ(end_within(k_most, rate_at({1}), k_launched), k_launched + k_longest_limit);
  EXPECT_EQ(end_within(k_most, rate_at({1}), WallTime::max()), WallTime::max());
  EXPECT_EQ(end_within(k_most, rate_at({1}), WallTime::min()), WallTime::min() + k_longest_limit);
  EXPECT_EQ(end_within({std::numeric_limits<std::int64_t>::min()}, rate_at({1}), k_launched), k_launched);
}

}  // namespace
}  // namespace curfew::pricing
