#include "launch/refusals.hpp"

#include <gtest/gtest.h>

namespace curfew::launch {
namespace {

Pool pool(const std::string& type, bool spot = true, const std::string& zone = "us-east-1a",
          std::uint32_t vcpus = 4) {
  Pool pool;
  pool.region = "us-east-1";
  pool.zone = zone;
  pool.spot = spot;
  pool.type = {type, {"x86_64"}, vcpus, 1, ""};
  return pool;
}

Error error(const std::string& code, const std::string& message = "m",
            ErrorKind kind = ErrorKind::invalid_input) {
  return {kind, "RunInstances", code + ": " + message, {}, code};
}

TEST(Refusals, say_what_another_question_could_change) {
  using enum Refused;
  const auto no_subnet = "No default subnet for availability zone: 'us-east-1e'.";
  const struct {
    Error error;
    Pool pool;
    Refused meaning;
  } cases[] = {
      {error("InsufficientInstanceCapacity", "m", ErrorKind::unavailable), pool("g5.xlarge"), for_now},
      {error("SpotMaxPriceTooLow"), pool("g5.xlarge"), for_now},
      {error("InsufficientFreeAddressesInSubnet"), pool("g5.xlarge"), for_now},
      {error("Unsupported"), pool("g5.xlarge"), never_there},
      {error("MissingInput", no_subnet), pool("g5.xlarge"), never_there},
      {error("InvalidInput", no_subnet), pool("g5.xlarge"), never_there},
      {error("MissingInput", no_subnet), pool("g5.xlarge", true, ""), all},
      {error("UnauthorizedOperation", no_subnet, ErrorKind::refused), pool("g5.xlarge"), all},
      {error("MissingInput"), pool("g5.xlarge"), all},
      {error("MaxSpotInstanceCountExceeded"), pool("g5.xlarge"), quota},
      {error("MaxSpotInstanceCountExceeded"), pool("g5.xlarge", false), all},
      {error("VcpuLimitExceeded"), pool("g5.xlarge", false), quota},
      {error("VcpuLimitExceeded"), pool("g5.xlarge"), all},
      {error("InvalidAMIID.NotFound"), pool("g5.xlarge"), all},
      {error("", "no answer", ErrorKind::timed_out), pool("g5.xlarge"), all},
  };
  for (const auto& c : cases) EXPECT_EQ(meaning_of(c.error, c.pool), c.meaning) << c.error.text();
}

TEST(Refusals, of_a_quota_are_for_all_that_share_it) {
  const auto refused = pool("g5.xlarge");
  EXPECT_TRUE(shares_quota(refused, pool("g6.xlarge", true, "us-east-1c")));
  EXPECT_TRUE(shares_quota(refused, pool("g5.4xlarge", true, "us-east-1a", 16)));
  EXPECT_FALSE(shares_quota(refused, pool("g5.large", true, "us-east-1a", 2))) << "a smaller one may fit";
  EXPECT_FALSE(shares_quota(refused, pool("g5.xlarge", false))) << "on demand has one of its own";
  EXPECT_FALSE(shares_quota(refused, pool("m5.xlarge")));
  auto elsewhere = pool("g5.xlarge");
  elsewhere.region = "us-west-2";
  EXPECT_FALSE(shares_quota(refused, elsewhere));
  EXPECT_TRUE(shares_quota(pool("mac2.metal"), pool("mac2.metal")));
  EXPECT_FALSE(shares_quota(pool("mac2.metal"), pool("xyz1.large"))) << "what isn't known is no reason";
}

TEST(Refusals, are_summed_up) {
  std::vector<Tried> tried{{pool("g5.xlarge"), Refused::for_now, "InsufficientInstanceCapacity"},
                           {pool("g5.xlarge", false, ""), Refused::quota, "VcpuLimitExceeded"}};
  EXPECT_EQ(summary(tried),
            "g5.xlarge, spot in us-east-1a: InsufficientInstanceCapacity; g5.xlarge, on demand in "
            "us-east-1: VcpuLimitExceeded");
  EXPECT_TRUE(may_change(tried));
  for (int i = 0; i < 5; ++i) tried.push_back({pool("g6.xlarge"), Refused::for_now, "SpotMaxPriceTooLow"});
  EXPECT_EQ(summary(tried),
            "1 of 7 pools: InsufficientInstanceCapacity; 5 of 7 pools: SpotMaxPriceTooLow; 1 of 7 pools: "
            "VcpuLimitExceeded");
}

TEST(Refusals, of_a_quota_alone_are_told_as_that) {
  const std::vector<Tried> tried{{pool("g5.xlarge"), Refused::quota, "MaxSpotInstanceCountExceeded"}};
  const std::vector<QuotaState> quotas{{quota_of("g5.xlarge", true), "us-east-1", 64, 62, {}}};
  EXPECT_FALSE(may_change(tried));
  const auto text = nothing_to_be_had(tried, quotas).text();
  EXPECT_NE(text.find("the quota is used up (g5.xlarge, spot in us-east-1a"), std::string::npos) << text;
  EXPECT_NE(text.find("--quota-code L-3819A6DF --desired-value 66 --region us-east-1"), std::string::npos)
      << text;
  EXPECT_NE(nothing_to_be_had({{pool("mac2.metal"), Refused::quota, "x"}}, {}).text().find("console"),
            std::string::npos);
  EXPECT_NE(
      nothing_to_be_had({{pool("g5.xlarge"), Refused::for_now, "x"}}, {}).text().find("--wait-capacity"),
      std::string::npos);
}

}  // namespace
}  // namespace curfew::launch
