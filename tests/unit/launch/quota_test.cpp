#include "launch/quota.hpp"

#include <gtest/gtest.h>

namespace curfew::launch {
namespace {

TEST(Quota, is_that_of_the_family_and_the_market) {
  const struct {
    const char* type;
    const char* on_demand;
    const char* spot;
  } cases[] = {
      {"g5.xlarge", "L-DB2E81BA", "L-3819A6DF"},
      {"g4dn.12xlarge", "L-DB2E81BA", "L-3819A6DF"},
      {"gr6.4xlarge", "L-DB2E81BA", "L-3819A6DF"},
      {"vt1.3xlarge", "L-DB2E81BA", "L-3819A6DF"},
      {"p3.2xlarge", "L-417A185B", "L-7212CCBC"},
      {"p4d.24xlarge", "L-417A185B", "L-7212CCBC"},
      {"p5en.48xlarge", "L-417A185B", "L-C4BD4855"},
      {"p6-b200.48xlarge", "L-417A185B", ""},
      {"m5.large", "L-1216C47A", "L-34B43A08"},
      {"c7g.large", "L-1216C47A", "L-34B43A08"},
      {"im4gn.large", "L-1216C47A", "L-34B43A08"},
      {"is4gen.large", "L-1216C47A", "L-34B43A08"},
      {"i7ie.large", "L-1216C47A", "L-34B43A08"},
      {"t3.micro", "L-1216C47A", "L-34B43A08"},
      {"f2.6xlarge", "L-74FC7D96", "L-88CF9481"},
      {"x2gd.large", "L-7295265B", "L-E3A00192"},
      {"inf2.xlarge", "L-1945791B", "L-B5D1601B"},
      {"trn1n.32xlarge", "L-2C3B7624", "L-6B0D517C"},
      {"dl1.24xlarge", "L-6E869C2A", "L-85EED4F7"},
      {"hpc7g.16xlarge", "L-F7808C92", ""},
      {"u-6tb1.112xlarge", "L-43DA4232", ""},
      {"mac2.metal", "", ""},
      {"xyz9.large", "", ""},
      {"", "", ""},
      {"g", "", ""},
  };
  for (const auto& c : cases) {
    const auto* const on_demand = quota_of(c.type, false);
    const auto* const spot = quota_of(c.type, true);
    EXPECT_EQ(on_demand == nullptr ? "" : on_demand->code, c.on_demand) << c.type;
    EXPECT_EQ(spot == nullptr ? "" : spot->code, c.spot) << c.type;
  }
}

QuotaState state(std::optional<std::uint64_t> limit, std::optional<std::uint64_t> used) {
  return {quota_of("g5.xlarge", true), "us-east-1", limit, used, "no permission"};
}

TEST(Quota, is_judged_by_what_is_known) {
  using enum QuotaVerdict;
  const struct {
    std::optional<std::uint64_t> limit, used;
    QuotaVerdict verdict;
  } cases[] = {
      {0, {}, too_small}, {0, 0, too_small}, {3, {}, too_small}, {4, 0, fits},     {4, {}, unknown},
      {8, 4, fits},       {8, 5, too_small}, {8, 40, too_small}, {{}, 0, unknown}, {{}, {}, unknown},
  };
  for (const auto& c : cases)
    EXPECT_EQ(judge(state(c.limit, c.used), 4), c.verdict)
        << c.limit.value_or(999) << " " << c.used.value_or(999);
}

TEST(Quota, is_told_with_its_fix) {
  EXPECT_EQ(describe(state(64, 8)), "G and VT, spot, us-east-1: 8 of 64 vCPUs run (L-3819A6DF)");
  EXPECT_EQ(describe(state(64, {})),
            "G and VT, spot, us-east-1: 64 vCPUs, how many run isn't known (L-3819A6DF): no permission");
  EXPECT_EQ(describe(state({}, {})), "G and VT, spot, us-east-1: unknown (L-3819A6DF): no permission");
  EXPECT_EQ(
      too_small(state(0, 0), "g5.xlarge", 4).text(),
      "the quota of G and VT, spot instances in us-east-1: is 0 vCPUs: g5.xlarge needs 4 (ask for more: aws "
      "service-quotas request-service-quota-increase --service-code ec2 --quota-code L-3819A6DF "
      "--desired-value 4 "
      "--region us-east-1)");
  EXPECT_NE(
      too_small(state(8, 6), "g5.xlarge", 4).text().find("is 8 vCPUs, 6 of which run: g5.xlarge needs 4"),
      std::string::npos);
}

TEST(Quota, is_asked_to_be_larger_than_it_is) {
  const auto wanted = [](const QuotaState& one) {
    const auto text = increase_command(one, 4);
    const auto at = text.find("--desired-value ") + 16;
    return text.substr(at, text.find(' ', at) - at);
  };
  EXPECT_EQ(wanted(state(0, 0)), "4");
  EXPECT_EQ(wanted(state(8, 6)), "10");
  EXPECT_EQ(wanted(state(8, {})), "12");
  EXPECT_EQ(wanted(state(64, 8)), "68") << "EC2 has refused all the same";
  EXPECT_EQ(wanted(state({}, {})), "4");
}

TEST(Quota, is_what_ec2_says_of_that_market_alone) {
  EXPECT_TRUE(is_quota_code("VcpuLimitExceeded", false));
  EXPECT_FALSE(is_quota_code("VcpuLimitExceeded", true));
  EXPECT_TRUE(is_quota_code("MaxSpotInstanceCountExceeded", true));
  EXPECT_FALSE(is_quota_code("MaxSpotInstanceCountExceeded", false));
  EXPECT_FALSE(is_quota_code("InsufficientInstanceCapacity", true));
}

}  // namespace
}  // namespace curfew::launch
