#include "pricing/ebs.hpp"

#include <limits>

#include <gtest/gtest.h>

namespace curfew::pricing {
namespace {

constexpr std::uint64_t k_huge = std::numeric_limits<std::uint64_t>::max();

// "NAME=MICROS; …", the estimated ones with a tilde, then "? NAME" for what is unknown.
std::string shown(const std::vector<Volume>& volumes, std::string_view region = "us-east-1") {
  std::string text;
  const auto rate = ebs_rate(volumes, region);
  for (const auto& part : rate.parts) {
    if (!text.empty()) text += "; ";
    text += part.name + (part.estimated ? "~" : "=") + std::to_string(part.per_hour.count);
  }
  for (const auto& name : rate.unknown) text += (text.empty() ? "? " : "; ? ") + name;
  return text;
}

TEST(Ebs, EachTypeAtItsPriceRoundedUp) {
  struct Case {
    Volume volume;
    const char* text;
  };
  const Case cases[] = {
      {{"gp3", 100}, "100 GiB of gp3=10959"},
      {{"gp3", 100, 3000, 125}, "100 GiB of gp3=10959"},
      {{"gp3", 100, 16000, 1000}, "100 GiB of gp3=10959; gp3 IOPS=89042; gp3 throughput=47946"},
      {{"gp3", 1}, "1 GiB of gp3=110"},
      {{"gp2", 100, 300}, "100 GiB of gp2=13699"},
      {{"io1", 100, 1000}, "100 GiB of io1=17124; io1 IOPS=89042"},
      {{"io2", 100, 32000}, "100 GiB of io2=17124; io2 IOPS=2849316"},
      {{"io2", 100, 100000}, "100 GiB of io2=17124; io2 IOPS=6443836"},
      {{"st1", 500}, "500 GiB of st1=30822"},
      {{"sc1", 500}, "500 GiB of sc1=10274"},
      {{"standard", 730}, "730 GiB of standard=50000"},
  };
  for (const auto& [volume, text] : cases) EXPECT_EQ(shown({volume}), text);
}

TEST(Ebs, VolumesOfATypeAreSummedUp) {
  EXPECT_EQ(shown({{"gp3", 100}, {"gp2", 10}, {"gp3", 630}}), "10 GiB of gp2=1370; 730 GiB of gp3=80000");
  // The IOPS that are included are each volume's own.
  EXPECT_EQ(shown({{"gp3", 1, 3000}, {"gp3", 1, 3000}}), "2 GiB of gp3=220");
  EXPECT_EQ(shown({}), "");
}

TEST(Ebs, ElsewhereTwiceThePriceIsTakenAndSaidToBeAnEstimate) {
  for (const auto* region : {"us-east-2", "us-west-2"})
    EXPECT_EQ(shown({{"gp3", 730}}, region), "730 GiB of gp3=80000");
  for (const auto* region : {"eu-west-1", "sa-east-1", "us-gov-west-1", "ap-new-9", ""})
    EXPECT_EQ(shown({{"gp3", 730}}, region), "730 GiB of gp3~160000") << region;
  EXPECT_EQ(ebs_rate({{"gp3", 1}}, "eu-west-1").parts.at(0).source, "estimate: twice the price in us-east-1");
}

TEST(Ebs, WhereDollarsAreNotBilledThePriceIsUnknown) {
  for (const auto* region :
       {"cn-north-1", "eusc-de-east-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1"})
    EXPECT_EQ(shown({{"gp3", 730}}, region), std::string("? the price of EBS in ") + region);
  EXPECT_EQ(shown({}, "cn-north-1"), "");
}

TEST(Ebs, WhatIsUnknownIsNamedAndNotFree) {
  EXPECT_EQ(shown({{"gp9", 100}, {"gp9", 50}, {"gp3", 730}}),
            "730 GiB of gp3=80000; ? the price of gp9 volumes");
  EXPECT_EQ(shown({{"io2", 730}}), "730 GiB of io2=125000; ? the IOPS of io2 volumes");
  EXPECT_EQ(shown({{"\x1b[2J", 1}}), "? the price of \\x1b[2J volumes");
  EXPECT_EQ(shown({{"", 1}}), "? the price of  volumes");
}

TEST(Ebs, AnAssumedTypeIsSaid) {
  EXPECT_EQ(shown({{"gp3", 730, {}, {}, true}}), "730 GiB of gp3~80000");
  EXPECT_EQ(ebs_rate({{"gp3", 1, {}, {}, true}}, "us-east-1").parts.at(0).source, "taken to be gp3");
  EXPECT_EQ(ebs_rate({{"gp3", 1, {}, {}, true}}, "eu-west-1").parts.at(0).source,
            "estimate: twice the price in us-east-1, taken to be gp3");
}

TEST(Ebs, NothingOverflows) {
  const std::vector<Volume> volumes(100, {"io2", k_huge, k_huge, k_huge});
  const auto rate = ebs_rate(volumes, "sa-east-1");
  ASSERT_EQ(rate.parts.size(), 2U);
  for (const auto& part : rate.parts) EXPECT_EQ(part.per_hour, k_most_per_hour);
}

}  // namespace
}  // namespace curfew::pricing
