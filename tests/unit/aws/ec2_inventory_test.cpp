#include "aws/ec2_inventory.hpp"

#include <gtest/gtest.h>

#include "unit/aws/recorded.hpp"
#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

using test::recorded;

class InventoryTest : public testing::Test, protected SessionFixture {
 protected:
  std::unique_ptr<Ec2Inventory> ec2_ = make_ec2_inventory(*session, "eu-west-1");

  std::string asked(std::size_t request = 0) { return test::body_of(http.requests.at(request)); }
};

const std::string k_no_instances = "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>";
const std::string k_no_volumes = "<DescribeVolumesResponse><volumeSet/></DescribeVolumesResponse>";
const std::string k_no_prices =
    "<DescribeSpotPriceHistoryResponse><spotPriceHistorySet/></DescribeSpotPriceHistoryResponse>";

TEST_F(InventoryTest, AsksForRegionsAndTellsAwssClock) {
  http.then(200, recorded("list_regions.xml"), {{"Date", "Tue, 24 Nov 2026 18:01:30 GMT"}});
  const auto page = test::run(ec2_->regions());
  ASSERT_TRUE(page) << page.error().text();
  EXPECT_EQ(page->rows.size(), 38U);
  EXPECT_EQ(page->answered, *parse_utc("2026-11-24T18:01:30Z"));
  EXPECT_EQ(asked(), "Action=DescribeRegions&Version=2016-11-15");
  EXPECT_EQ(http.requests.at(0).url.host, "ec2.eu-west-1.amazonaws.com");
  EXPECT_EQ(http.limits_seen.at(0).body, 32U << 20U);
}

TEST_F(InventoryTest, AsksForAPageOfInstances) {
  http.then(200, recorded("list_instances_aws.xml"), {{"Date", "nonsense"}});
  const auto page = test::run(ec2_->instances({}, ""));
  ASSERT_TRUE(page) << page.error().text();
  EXPECT_EQ(page->rows.size(), 2U);
  EXPECT_FALSE(page->answered);
  EXPECT_EQ(asked(),
            "Action=DescribeInstances&Version=2016-11-15&MaxResults=1000&IncludeManagedResources=true");

  http.then(200, k_no_instances);
  ASSERT_TRUE(test::run(ec2_->instances({}, page->next)));
  EXPECT_EQ(asked(1),
            "Action=DescribeInstances&Version=2016-11-15&MaxResults=1000"
            "&NextToken=eyJ2IjoiMiIsImMiOiJ1ZG4%2B%2F%3D&IncludeManagedResources=true");
}

TEST_F(InventoryTest, SendsFiltersWithTheirValuesTakenAsTheyAre) {
  http.then(200, k_no_instances);
  InstanceFilter filter;
  filter.states = {InstanceState::running, InstanceState::shutting_down};
  filter.tags = {{"team", {"a*b?", "c\\d&e"}}, {"curfew:job", {}}};
  filter.ids = {"i-01234567", "i-0123456789abcdef0"};
  ASSERT_TRUE(test::run(ec2_->instances(filter, "")));
  EXPECT_EQ(asked(),
            "Action=DescribeInstances&Version=2016-11-15"
            "&Filter.1.Name=instance-state-name&Filter.1.Value.1=running&Filter.1.Value.2=shutting-down"
            "&Filter.2.Name=tag%3Ateam&Filter.2.Value.1=a%5C%2Ab%5C%3F&Filter.2.Value.2=c%5C%5Cd%26e"
            "&Filter.3.Name=tag-key&Filter.3.Value.1=curfew%3Ajob"
            "&Filter.4.Name=instance-id&Filter.4.Value.1=i-01234567&Filter.4.Value.2=i-0123456789abcdef0"
            "&MaxResults=1000&IncludeManagedResources=true");
}

TEST_F(InventoryTest, AsksForPartsByTheEndsOfIds) {
  http.then(200, k_no_instances);
  InstanceFilter filter;
  filter.id_ends = "0f";
  ASSERT_TRUE(test::run(ec2_->instances(filter, "")));
  EXPECT_EQ(asked(),
            "Action=DescribeInstances&Version=2016-11-15"
            "&Filter.1.Name=instance-id&Filter.1.Value.1=i-%2A0&Filter.1.Value.2=i-%2Af"
            "&MaxResults=1000&IncludeManagedResources=true");
}

TEST_F(InventoryTest, AsksForVolumesAndPrices) {
  http.then(200, k_no_volumes);
  ASSERT_TRUE(test::run(ec2_->volumes({{"i-01234567"}, "eu-west-1b"}, "t/1")));
  EXPECT_EQ(asked(),
            "Action=DescribeVolumes&Version=2016-11-15"
            "&Filter.1.Name=attachment.instance-id&Filter.1.Value.1=i-01234567"
            "&Filter.2.Name=availability-zone&Filter.2.Value.1=eu-west-1b"
            "&MaxResults=500&NextToken=t%2F1&IncludeManagedResources=true");
  http.then(200, k_no_prices);
  SpotPriceQuery query{{"g5.xlarge", "p4d.24xlarge"},
                       {"Linux/UNIX"},
                       "eu-west-1a",
                       *parse_utc("2026-11-24T10:00:00Z"),
                       *parse_utc("2026-11-24T18:00:00Z")};
  ASSERT_TRUE(test::run(ec2_->spot_prices(query, "")));
  EXPECT_EQ(asked(1),
            "Action=DescribeSpotPriceHistory&Version=2016-11-15"
            "&InstanceType.1=g5.xlarge&InstanceType.2=p4d.24xlarge&ProductDescription.1=Linux%2FUNIX"
            "&AvailabilityZone=eu-west-1a&StartTime=2026-11-24T10%3A00%3A00Z&EndTime=2026-11-24T18%3A00%3A00Z"
            "&MaxResults=1000");
}

TEST_F(InventoryTest, SendsNothingForWhatEc2CouldntMean) {
  const std::vector<std::string> too_many(201, "i-01234567");
  const InstanceFilter instances[] = {{{}, {}, {"i-1"}},
                                      {{}, {}, {}, "g"},
                                      {{}, {}, {}, "*"},
                                      {{}, {}, {"i-01234567"}, "0"},
                                      {{}, {}, too_many},
                                      {{}, {{"", {"v"}}}, {}},
                                      {{}, {{std::string(513, 'k'), {}}}, {}},
                                      {{}, {{"k", {std::string(1'025, 'v')}}}, {}},
                                      {{}, {{"k", std::vector<std::string>(201, "v")}}, {}},
                                      {{}, std::vector<TagFilter>(51, TagFilter{"k", {"v"}}), {}}};
  for (const auto& filter : instances) {
    const auto page = test::run(ec2_->instances(filter, ""));
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().kind, ErrorKind::invalid_input);
  }
  EXPECT_FALSE(test::run(ec2_->volumes({{"vol-1"}, ""}, "")));
  EXPECT_FALSE(test::run(ec2_->volumes({{}, "A"}, "")));
  const WallTime time = *parse_utc("2026-11-24T10:00:00Z");
  for (const auto& query :
       {SpotPriceQuery{{"g5"}, {}, "", time, time},
        SpotPriceQuery{std::vector<std::string>(101, "g5.xlarge"), {}, "", time, time},
        SpotPriceQuery{{}, {"Linux\n"}, "", time, time}, SpotPriceQuery{{}, {}, "A", time, time},
        SpotPriceQuery{{}, {}, "", time, time - Seconds{1}}}) {
    const auto page = test::run(ec2_->spot_prices(query, ""));
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().kind, ErrorKind::invalid_input);
  }
  for (const auto* bad : {"", "i-1", "i-01234567&Attribute=userData"})
    EXPECT_FALSE(test::run(ec2_->is_termination_protected(bad))) << bad;
  for (const auto* bad : {"", "sir-1", "i-01234567"}) {
    EXPECT_FALSE(test::run(ec2_->spot_request(bad))) << bad;
    EXPECT_FALSE(test::run(ec2_->cancel_spot_request(bad))) << bad;
  }
  EXPECT_TRUE(http.requests.empty());
}

TEST_F(InventoryTest, ABrokenPageIsAskedForAgainAndThenAnError) {
  const auto whole = recorded("list_instances.xml");
  http.then(200, whole.substr(0, whole.size() / 2));
  http.then(200, whole);
  const auto page = test::run(ec2_->instances({}, ""));
  ASSERT_TRUE(page) << page.error().text();
  EXPECT_EQ(page->rows.size(), 6U);

  auto odd = whole;
  odd.replace(odd.find("<name>stopped"), 13, "<name>vanished");
  for (int i = 0; i < 3; ++i) http.then(200, odd);
  const auto none = test::run(ec2_->instances({}, ""));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(none.error().text(),
            "DescribeInstances in eu-west-1: i-30c03fb1ea35cefb0: read the reply: instanceState is "
            "\"vanished\"");
  EXPECT_EQ(http.requests.size(), 5U);
  EXPECT_EQ(http.unused(), 0U);
}

TEST_F(InventoryTest, DoesWithoutAParameterThatEc2DoesntKnow) {
  http.then(400,
            "<Response><Errors><Error><Code>UnknownParameter</Code><Message>m</Message></Error></Errors></"
            "Response>");
  http.then(200, recorded("list_instances.xml"));
  http.then(200, k_no_volumes);
  const auto page = test::run(ec2_->instances({}, ""));
  ASSERT_TRUE(page) << page.error().text();
  EXPECT_EQ(page->rows.size(), 6U);
  ASSERT_TRUE(test::run(ec2_->volumes({}, "")));
  EXPECT_EQ(asked(1), "Action=DescribeInstances&Version=2016-11-15&MaxResults=1000");
  EXPECT_EQ(asked(2), "Action=DescribeVolumes&Version=2016-11-15&MaxResults=500");
}

TEST_F(InventoryTest, KeepsTheCodeOfARefusal) {
  http.then(
      403,
      "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors>"
      "</Response>");
  const auto page = test::run(ec2_->instances({}, ""));
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, ErrorKind::refused);
  EXPECT_EQ(page.error().code, "UnauthorizedOperation");
  EXPECT_EQ(http.requests.size(), 1U);
}

TEST_F(InventoryTest, AsksAboutProtectionAndSpotRequests) {
  http.then(200, recorded("termination_protection.xml"));
  EXPECT_EQ(test::run(ec2_->is_termination_protected("i-7d60bcad5a1c9246a")), false);
  EXPECT_EQ(asked(),
            "Action=DescribeInstanceAttribute&Version=2016-11-15&InstanceId=i-7d60bcad5a1c9246a"
            "&Attribute=disableApiTermination");
  http.then(200, recorded("spot_request.xml"));
  const auto request = test::run(ec2_->spot_request("sir-7e7a7145e38db7a7d"));
  ASSERT_TRUE(request) << request.error().text();
  EXPECT_TRUE(request->persistent);
  EXPECT_EQ(asked(1),
            "Action=DescribeSpotInstanceRequests&Version=2016-11-15"
            "&SpotInstanceRequestId.1=sir-7e7a7145e38db7a7d");
  http.then(200, recorded("cancel_spot_request.xml"));
  EXPECT_EQ(test::run(ec2_->cancel_spot_request("sir-7e7a7145e38db7a7d")), "cancelled");
  EXPECT_EQ(asked(2),
            "Action=CancelSpotInstanceRequests&Version=2016-11-15"
            "&SpotInstanceRequestId.1=sir-7e7a7145e38db7a7d");

  http.then(200, recorded("cancel_spot_request.xml"));
  const auto other = test::run(ec2_->cancel_spot_request("sir-00000000"));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, ErrorKind::unavailable);
  http.then(400,
            "<Response><Errors><Error><Code>InvalidSpotInstanceRequestID.NotFound</Code><Message>m</Message>"
            "</Error></Errors></Response>");
  EXPECT_EQ(test::run(ec2_->spot_request("sir-00000000")).error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace curfew::aws
