#include "pricing/list_prices.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace curfew::pricing {
namespace {

TEST(ListPrices, TellsWhatTheClassicIncidentWasBilledAt) {
  const auto price = list_price("g5.xlarge", "us-east-1");
  ASSERT_TRUE(price);
  EXPECT_EQ(price->per_hour, Micros{1'006'000});
  EXPECT_EQ(price->date, "2025-05-28");
  EXPECT_EQ(format_dollars(cost_of(price->per_hour, std::chrono::hours{72})), "$72.43");
}

TEST(ListPrices, TellsTheFirstTheLastAndWhatGoesByRegion) {
  struct Case {
    const char* type;
    const char* region;
    std::int64_t micros;
  };
  for (const auto& [type, region, micros] :
       {Case{"a1.2xlarge", "us-east-1", 204'000}, Case{"a1.2xlarge", "ap-northeast-1", 256'800},
        Case{"z1d.xlarge", "us-west-2", 372'000}, Case{"g4dn.xlarge", "us-east-1", 526'000},
        Case{"g4dn.xlarge", "us-west-2", 526'000}}) {
    const auto price = list_price(type, region);
    ASSERT_TRUE(price) << type << ' ' << region;
    EXPECT_EQ(price->per_hour.count, micros) << type << ' ' << region;
  }
}

TEST(ListPrices, WhatItDoesNotTellIsUnknown) {
  const std::string long_text(100'000, 'x');
  const std::pair<std::string, std::string> cases[] = {{"p9.48xlarge", "us-east-1"},  // no such type in it
                                                       {"a1.2xlarge", "af-south-1"},  // not offered there
                                                       {"g5.xlarge", "us-east-9"},    // no such region in it
                                                       {"g5.xlarge", "cn-north-1"},
                                                       {"g5.xlarge", ""},
                                                       {"", "us-east-1"},
                                                       {"g5.xlarge", "vcpu"},
                                                       {"g5.xlarge", "arch"},
                                                       {"g5.xlarge", "instance_type"},
                                                       {"instance_type", "us-east-1"},
                                                       {"g5.xlarg", "us-east-1"},
                                                       {"g5.xlarge,4", "us-east-1"},
                                                       {"g5.xlarge", "us-east-1,"},
                                                       {"G5.XLARGE", "us-east-1"},
                                                       {"zzz", "us-east-1"},
                                                       {"\x1b[2J", "us-east-1"},
                                                       {long_text, "us-east-1"},
                                                       {"g5.xlarge", long_text},
                                                       {std::string("g5.xlarge\0", 10), "us-east-1"}};
  for (const auto& [type, region] : cases) EXPECT_FALSE(list_price(type, region)) << type.substr(0, 20);
}

TEST(ListPrices, TheListIsWholeAndSorted) {
  const auto lines = detail::list_lines();
  ASSERT_EQ(lines.size(), 918U);
  const auto columns = split(lines[0], ',').size();
  std::string_view before;
  for (const auto line : lines.subspan(1)) {
    const auto fields = split(line, ',');
    EXPECT_EQ(fields.size(), columns) << line.substr(0, 20);
    EXPECT_LT(before, fields[0]);
    before = fields[0];
    for (std::size_t i = 7; i < fields.size(); ++i)
      EXPECT_TRUE(fields[i].empty() || parse_number(fields[i]).value_or(0) > 0) << fields[0];
  }
}

TEST(ListPrices, ABrokenListGivesNoPrice) {
  using Lines = std::vector<std::string_view>;
  const std::string_view header = "instance_type,arch,us-east-1";
  for (const auto& lines : {Lines{}, Lines{header}, Lines{"", ""}, Lines{"instance_type,us-east-1", "a,1"},
                            Lines{header, "a"}, Lines{header, "a,x"}, Lines{header, "a,x,"},
                            Lines{header, "a,x,0"}, Lines{header, "a,x,-1"}, Lines{header, "a,x,1.5"},
                            Lines{header, "a,x,10000000001"}, Lines{header, "a,x,99999999999999999999"}})
    EXPECT_FALSE(detail::price_in(lines, "a", "us-east-1"));
  EXPECT_EQ(detail::price_in(Lines{header, "a,x,7"}, "a", "us-east-1"), Micros{7});
}

}  // namespace
}  // namespace curfew::pricing
