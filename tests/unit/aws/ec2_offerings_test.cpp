#include "aws/ec2_offerings.hpp"

#include <gtest/gtest.h>

#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

std::string page(const std::string& items, const std::string& token = "") {
  return "<DescribeInstanceTypeOfferingsResponse><instanceTypeOfferingSet>" + items +
         "</instanceTypeOfferingSet><nextToken>" + token +
         "</nextToken></DescribeInstanceTypeOfferingsResponse>";
}
std::string item(const std::string& type, const std::string& zone) {
  return "<item><instanceType>" + type +
         "</instanceType><locationType>availability-zone</locationType><location>" + zone +
         "</location></item>";
}

class Ec2OfferingsTest : public testing::Test, protected SessionFixture {
 protected:
  std::unique_ptr<Ec2Offerings> offerings_ = make_ec2_offerings(*session, "us-east-1");
};

TEST_F(Ec2OfferingsTest, reads_all_pages) {
  http.then(200, page(item("g5.xlarge", "us-east-1a"), "more"));
  http.then(200, page("", "and more"));
  http.then(200, page(item("g6.xlarge", "us-east-1-bos-1a")));
  const auto told = test::run(offerings_->by_zone({"g5.xlarge", "g6.xlarge"}));
  ASSERT_TRUE(told) << told.error().text();
  EXPECT_EQ(*told, (std::vector<Offering>{{"g5.xlarge", "us-east-1a"}, {"g6.xlarge", "us-east-1-bos-1a"}}));
  const auto first = test::body_of(http.requests.at(0));
  EXPECT_NE(first.find("LocationType=availability-zone"), std::string::npos) << first;
  EXPECT_NE(first.find("Filter.1.Name=instance-type&Filter.1.Value.1=g5.xlarge&Filter.1.Value.2=g6.xlarge"),
            std::string::npos)
      << first;
  EXPECT_NE(test::body_of(http.requests.at(2)).find("NextToken=and%20more"), std::string::npos);
}

TEST_F(Ec2OfferingsTest, does_not_go_round_for_ever) {
  for (int i = 0; i < 3; ++i) http.then(200, page("", "same"));
  EXPECT_FALSE(test::run(offerings_->by_zone({"g5.xlarge"})));
  EXPECT_EQ(http.requests.size(), 2U);
  EXPECT_FALSE(test::run(offerings_->by_zone({})));
}

TEST(Ec2Offerings, believes_no_broken_reply) {
  EXPECT_TRUE(parse_offerings(page("")));
  for (const auto& reply :
       {std::string("<x/>"), page(item("G5!", "us-east-1a")), page(item("g5.xlarge", "")),
        page(item("g5.xlarge", "us east")), std::string("<DescribeInstanceTypeOfferingsResponse/>")})
    EXPECT_FALSE(parse_offerings(reply)) << reply;
}

}  // namespace
}  // namespace curfew::aws
