// Regions, volumes, spot prices, spot requests, protection; instances are in ec2_inventory_replies_test.cpp.
#include <gtest/gtest.h>

#include "aws/ec2_inventory_replies.hpp"
#include "unit/aws/ec2_reply.hpp"
#include "unit/aws/recorded.hpp"

namespace curfew::aws {
namespace {

using test::Change;
using test::Elements;
using test::expect_refused;
using test::item;
using test::parse_instances;
using test::parse_regions;
using test::parse_spot_prices;
using test::parse_volumes;
using test::recorded;
using test::reply;

// Each list's parser, for what they have in common.
struct List {
  const char* file;
  bool (*is_read)(const std::string&);
};
bool is_instances(const std::string& text) { return parse_instances(text).has_value(); }
const List k_lists[] = {
    {"list_instances.xml", is_instances},
    {"list_instances_aws.xml", is_instances},
    {"list_regions.xml", [](const std::string& text) { return parse_regions(text).has_value(); }},
    {"list_volumes.xml", [](const std::string& text) { return parse_volumes(text).has_value(); }},
    {"list_spot_prices.xml", [](const std::string& text) { return parse_spot_prices(text).has_value(); }},
    {"termination_protection.xml",
     [](const std::string& text) {
       return parse_termination_protection(text, "i-7d60bcad5a1c9246a").has_value();
     }},
    {"spot_request.xml",
     [](const std::string& text) { return parse_spot_request(text, "sir-7e7a7145e38db7a7d").has_value(); }},
    {"cancel_spot_request.xml", [](const std::string& text) {
       return parse_cancelled_spot_request(text, "sir-7e7a7145e38db7a7d").has_value();
     }}};

TEST(Lists, ACutReplyIsNeverAWholeOne) {
  for (const auto& list : k_lists) {
    const auto whole = recorded(list.file);
    EXPECT_TRUE(list.is_read(whole)) << list.file;
    const auto end = whole.find_last_of('>');
    for (std::size_t size = 0; size <= end; size += whole.size() > 5'000 ? 97 : 7)
      EXPECT_FALSE(list.is_read(whole.substr(0, size))) << list.file << " at " << size;
    EXPECT_FALSE(list.is_read(whole.substr(0, end))) << list.file;
  }
}

TEST(Lists, AReplyOfAnotherCallOrKindIsNone) {
  for (const auto& list : k_lists) {
    for (const auto& other : k_lists) {
      if (list.is_read == other.is_read) continue;
      EXPECT_FALSE(list.is_read(recorded(other.file))) << list.file << " of " << other.file;
    }
    const auto whole = recorded(list.file);
    for (const auto& text :
         {std::string(), std::string("{}"), std::string("<html><body>Sign in</body></html>"),
          std::string("<Response><Errors><Error><Code>InternalError</Code></Error></Errors></Response>"),
          whole + "<x/>", whole + whole, std::string(whole.size(), '<'), std::string("\0", 1) + whole})
      EXPECT_FALSE(list.is_read(text)) << list.file << ": " << text.substr(0, 60);
  }
}

TEST(ParseRegions, ReadsWhatTheServerOfTestsSends) {
  const auto page = parse_regions(recorded("list_regions.xml"));
  ASSERT_TRUE(page) << page.error().text();
  EXPECT_EQ(page->rows.size(), 38U);
  EXPECT_EQ(page->rows[0].name, "af-south-1");
  EXPECT_EQ(page->rows[0].opt_in, OptIn::not_required);
  EXPECT_EQ(page->rows[1].opt_in, OptIn::not_opted_in);
}

TEST(ParseRegions, ReadsEachStatusAndRefusesTheRest) {
  const auto one = [](const std::string& name, const std::string& opt_in) {
    return reply("DescribeRegions", "regionInfo",
                 item({{"regionName", name}, {"regionEndpoint", "ec2.x"}, {"optInStatus", opt_in}}));
  };
  EXPECT_EQ(parse_regions(one("eu-west-1", "opted-in"))->rows.at(0).opt_in, OptIn::opted_in);
  EXPECT_EQ(parse_regions(one("eu-west-1", "-"))->rows.at(0).opt_in, OptIn::not_required);
  EXPECT_EQ(parse_regions(one("eu-west-1", "half"))->rows.at(0).opt_in, OptIn::other);
  for (const auto* bad : {"", "-", "eu_west_1", "evil.example.com/", "EU-WEST-1", "a"})
    expect_refused(parse_regions(one(bad, "opted-in")), bad);
  expect_refused(parse_regions(reply("DescribeRegions", "regionInfo", "")), "none at all");
}

const Elements k_volume{{"volumeId", "vol-0aa"},
                        {"size", "100"},
                        {"availabilityZone", "us-east-1a"},
                        {"status", "in-use"},
                        {"createTime", "2026-11-24T17:00:00.000Z"},
                        {"volumeType", "gp3"},
                        {"iops", "3000"},
                        {"throughput", "125"},
                        {"attachmentSet",
                         "<item><instanceId>i-0123456789abcdef0</instanceId><deleteOnTermination>true</"
                         "deleteOnTermination></item>"}};

Result<ListedVolume> volume_with(const Change& change) {
  auto page = parse_volumes(reply("DescribeVolumes", "volumeSet", item(k_volume, change)));
  if (!page) return fail(page.error());
  return page->rows.at(0);
}

TEST(ParseVolumes, ReadsWhatTheServerOfTestsSends) {
  const auto page = parse_volumes(recorded("list_volumes.xml"));
  ASSERT_TRUE(page) << page.error().text();
  ASSERT_EQ(page->rows.size(), 6U);
  const auto& first = page->rows[0];
  EXPECT_EQ(first.id, "vol-971ffac853312f8e5");
  EXPECT_EQ(first.type, "gp3");
  EXPECT_EQ(first.gib, 100U);
  EXPECT_EQ(first.iops, 3000U);
  EXPECT_EQ(first.state, "in-use");
  EXPECT_EQ(first.zone, "us-east-1a");
  EXPECT_EQ(first.created, *parse_utc("2026-11-26T14:05:10Z"));
  ASSERT_EQ(first.attachments.size(), 1U);
  EXPECT_EQ(first.attachments[0].instance, "i-7d60bcad5a1c9246a");
  EXPECT_FALSE(first.attachments[0].delete_on_termination);  // this server doesn't tell
}

TEST(ParseVolumes, TellsWhatItHangsOn) {
  const auto got = volume_with(
      {"attachmentSet",
       "<item><instanceId>i-01234567</instanceId><deleteOnTermination>true</deleteOnTermination></item>"
       "<item><instanceId>i-89abcdef</instanceId><deleteOnTermination>false</deleteOnTermination></item>"
       "<item><associatedResource>arn:aws:ecs:x</associatedResource></item>"});
  ASSERT_TRUE(got) << got.error().text();
  ASSERT_EQ(got->attachments.size(), 2U);
  EXPECT_EQ(got->attachments[0].delete_on_termination, true);
  EXPECT_EQ(got->attachments[1].instance, "i-89abcdef");
  EXPECT_EQ(got->attachments[1].delete_on_termination, false);
  EXPECT_TRUE(volume_with({"attachmentSet", "-"})->attachments.empty());
  EXPECT_FALSE(volume_with({"iops", "-"})->iops);
}

TEST(ParseVolumes, OneOddVolumeIsNoSmallerSum) {
  const Change cases[] = {{"volumeId", "-"},
                          {"volumeId", "vol-"},
                          {"volumeId", "vol-0A"},
                          {"size", "-"},
                          {"size", "0"},
                          {"size", "65537"},
                          {"size", "1e3"},
                          {"availabilityZone", "-"},
                          {"availabilityZone", "us east"},
                          {"status", "-"},
                          {"status", "lost"},
                          {"createTime", "-"},
                          {"createTime", "then"},
                          {"volumeType", "GP3"},
                          {"iops", "-3"},
                          {"throughput", "1000001"},
                          {"attachmentSet", "<item><instanceId>i-1</instanceId></item>"},
                          {"attachmentSet",
                           "<item><instanceId>i-01234567</instanceId><deleteOnTermination>maybe"
                           "</deleteOnTermination></item>"},
                          {"attachmentSet", "<attachment/>"}};
  const auto good = item(k_volume);
  for (const auto& change : cases)
    expect_refused(parse_volumes(reply("DescribeVolumes", "volumeSet", good + item(k_volume, change))),
                   std::string(change.name) + " " + change.text);
}

const Elements k_price{{"instanceType", "g5.xlarge"},
                       {"productDescription", "Linux/UNIX"},
                       {"spotPrice", "0.402300"},
                       {"timestamp", "2026-11-24T17:00:00.000Z"},
                       {"availabilityZone", "us-east-1a"}};

Result<SpotPricePoint> price_with(const Change& change) {
  auto page = parse_spot_prices(reply("DescribeSpotPriceHistory", "spotPriceHistorySet",
                                      item(k_price, change), "<nextToken></nextToken>"));
  if (!page) return fail(page.error());
  EXPECT_EQ(page->next, "");
  return page->rows.at(0);
}

TEST(ParseSpotPrices, ReadsWhatTheServerOfTestsSends) {
  const auto page = parse_spot_prices(recorded("list_spot_prices.xml"));
  ASSERT_TRUE(page) << page.error().text();
  ASSERT_EQ(page->rows.size(), 5U);
  EXPECT_EQ(page->rows[0].product, "Linux/UNIX (Amazon VPC)");
  EXPECT_EQ(page->rows[0].per_hour, Micros{10});
  EXPECT_EQ(page->rows[4].zone, "us-east-1f");
  EXPECT_EQ(page->rows[0].since, *parse_utc("2006-01-02T15:04:05Z"));
}

TEST(ParseSpotPrices, ReadsPricesToTheMicroDollar) {
  const std::pair<const char*, std::int64_t> prices[] = {{"0.402300", 402'300},
                                                         {"1", 1'000'000},
                                                         {"32.7726", 32'772'600},
                                                         {"1.0060000000", 1'006'000},
                                                         {"0.0000001", 1},
                                                         {"0.4023001", 402'301},
                                                         {"999999.999999", 999'999'999'999}};
  for (const auto& [text, micros] : prices) {
    const auto got = price_with({"spotPrice", text});
    ASSERT_TRUE(got) << text;
    EXPECT_EQ(got->per_hour.count, micros) << text;
  }
  for (const auto* bad : {"-", "", "0", "0.000000", "-1", ".5", "1.", "1e3", "$1", "1,5", "1.2.3", "NaN",
                          "1000000", "99999999999999999999", "0.00000000000000000000000000000000001"})
    expect_refused(price_with({"spotPrice", bad}), bad);
}

TEST(ParseSpotPrices, OneOddPointIsAnError) {
  const Change cases[] = {{"instanceType", "-"},          {"instanceType", "g5"},
                          {"productDescription", "-"},    {"productDescription", "Linux&lt;x/&gt;"},
                          {"productDescription", "&#1;"}, {"timestamp", "-"},
                          {"timestamp", "1795000000"},    {"availabilityZone", "-"},
                          {"availabilityZone", "A"}};
  for (const auto& change : cases)
    expect_refused(price_with(change), std::string(change.name) + " " + change.text);
}

TEST(ParseTerminationProtection, ReadsAndChecks) {
  const std::string id = "i-7d60bcad5a1c9246a";
  EXPECT_EQ(parse_termination_protection(recorded("termination_protection.xml"), id), false);
  const auto with = [](const std::string& about, const std::string& value) {
    return "<DescribeInstanceAttributeResponse><instanceId>" + about +
           "</instanceId><disableApiTermination>" + value +
           "</disableApiTermination></DescribeInstanceAttributeResponse>";
  };
  EXPECT_EQ(parse_termination_protection(with(id, "<value>true</value>"), id), true);
  expect_refused(parse_termination_protection(with("i-99999999", "<value>false</value>"), id), "another");
  for (const auto* bad : {"", "<value/>", "<value>yes</value>", "<value>1</value>", "true"})
    expect_refused(parse_termination_protection(with(id, bad), id), bad);
}

TEST(ParseSpotRequest, ReadsAndChecks) {
  const std::string id = "sir-7e7a7145e38db7a7d";
  const auto got = parse_spot_request(recorded("spot_request.xml"), id);
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->id, id);
  EXPECT_EQ(got->state, "active");
  EXPECT_TRUE(got->persistent);
  EXPECT_EQ(got->instance, "i-028cf12824089e351");
  const Elements request{{"spotInstanceRequestId", id}, {"type", "one-time"}, {"state", "closed"}};
  const auto with = [&](const Change& change) {
    return parse_spot_request(
        reply("DescribeSpotInstanceRequests", "spotInstanceRequestSet", item(request, change)), id);
  };
  ASSERT_TRUE(with({}));
  EXPECT_FALSE(with({})->persistent);
  EXPECT_EQ(with({})->instance, "");
  for (const auto& change : {Change{"spotInstanceRequestId", "sir-00000000"}, Change{"type", "-"},
                             Change{"type", "forever"}, Change{"state", "-"}, Change{"state", "gone"}})
    expect_refused(with(change), std::string(change.name) + " " + change.text);
  const auto none =
      parse_spot_request(reply("DescribeSpotInstanceRequests", "spotInstanceRequestSet", ""), id);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::not_found);
  const auto two = item(request);
  expect_refused(
      parse_spot_request(reply("DescribeSpotInstanceRequests", "spotInstanceRequestSet", two + two), id),
      "twice");
}

TEST(ParseCancelledSpotRequest, ReadsAndChecks) {
  const std::string id = "sir-7e7a7145e38db7a7d";
  EXPECT_EQ(parse_cancelled_spot_request(recorded("cancel_spot_request.xml"), id), "cancelled");
  const auto with = [&](const std::string& about, const std::string& state) {
    return parse_cancelled_spot_request(reply("CancelSpotInstanceRequests", "spotInstanceRequestSet",
                                              item({{"spotInstanceRequestId", about}, {"state", state}})),
                                        id);
  };
  EXPECT_EQ(with(id, "completed"), "completed");
  expect_refused(with(id, "gone"), "gone");
  expect_refused(with(id, "-"), "no state");
  expect_refused(with("sir-00000000", "cancelled"), "another");
}

TEST(Forms, OfIdsAndPlatforms) {
  for (const auto* good : {"sir-wmvrc2bq", "sir-7e7a7145e38db7a7d"}) EXPECT_TRUE(is_spot_request_id(good));
  for (const auto* bad : {"", "sir-", "sir-1234567", "sir-7e7a7145e38db7a7d0", "sir-ABCDEFGH", "i-01234567"})
    EXPECT_FALSE(is_spot_request_id(bad)) << bad;
  for (const auto* good : {"Linux/UNIX", "Linux/UNIX (Amazon VPC)", "Windows BYOL", "SQL Server Enterprise",
                           "Red Hat Enterprise Linux with HA and SQL Server Standard"})
    EXPECT_TRUE(is_platform(good)) << good;
  for (const auto* bad : {"", "Linux\x1b", "a<b", "a\"b", "\xC3\xA4"}) EXPECT_FALSE(is_platform(bad)) << bad;
}

}  // namespace
}  // namespace curfew::aws
