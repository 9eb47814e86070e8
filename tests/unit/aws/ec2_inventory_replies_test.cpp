// Instances; the other lists are in ec2_inventory_lists_test.cpp.
#include "aws/ec2_inventory_replies.hpp"

#include <gtest/gtest.h>

#include "unit/aws/ec2_reply.hpp"
#include "unit/aws/recorded.hpp"

namespace curfew::aws {
namespace {

using test::Change;
using test::Elements;
using test::expect_refused;
using test::item;
using test::parse_instances;
using test::recorded;
using test::reply;

const Elements k_instance{
    {"instanceId", "i-0123456789abcdef0"},
    {"instanceState", "<code>16</code><name>running</name>"},
    {"instanceType", "g5.xlarge"},
    {"launchTime", "2026-11-24T17:00:00.000Z"},
    {"placement", "<availabilityZone>us-east-1a</availabilityZone><tenancy>default</tenancy>"},
    {"ipAddress", "203.0.113.7"},
    {"instanceLifecycle", "-"},
    {"spotInstanceRequestId", "-"},
    {"platform", "-"},
    {"platformDetails", "Linux/UNIX"},
    {"usageOperation", "RunInstances"},
    {"architecture", "x86_64"},
    {"reason", ""},
    {"operator", "-"},
    {"networkInterfaceSet", "-"},
    {"blockDeviceMapping", "<item><ebs><volumeId>vol-0aa</volumeId></ebs></item>"},
    {"tagSet", "<item><key>Name</key><value>n</value></item>"}};

std::string reservation(const std::string& items, const std::string& owner = "123456789012") {
  return "<item><ownerId>" + owner + "</ownerId><instancesSet>" + items + "</instancesSet></item>";
}
std::string instances(const std::string& reservations, const std::string& more = {}) {
  return reply("DescribeInstances", "reservationSet", reservations, more);
}
Result<ListedInstance> instance_with(const Change& change) {
  auto page = parse_instances(instances(reservation(item(k_instance, change))));
  if (!page) return fail(page.error());
  EXPECT_EQ(page->rows.size(), 1U);
  return page->rows.at(0);
}

TEST(ParseInstances, ReadsWhatTheServerOfTestsSends) {
  const auto page = parse_instances(recorded("list_instances.xml"));
  ASSERT_TRUE(page) << page.error().text();
  EXPECT_EQ(page->next, "");
  ASSERT_EQ(page->rows.size(), 6U);
  const auto& first = page->rows[0];
  EXPECT_EQ(first.id, "i-7d60bcad5a1c9246a");
  EXPECT_EQ(first.type, "g5.xlarge");
  EXPECT_EQ(first.state, InstanceState::running);
  EXPECT_EQ(first.bought_as, BoughtAs::on_demand);
  EXPECT_EQ(first.tenancy, Tenancy::shared);
  EXPECT_EQ(first.zone, "us-east-1a");
  EXPECT_EQ(first.account, "123456789012");
  EXPECT_EQ(first.launched, *parse_utc("2026-11-26T14:05:10Z"));
  EXPECT_EQ(first.platform_details, "Windows");  // by <platform>: this server doesn't tell the details
  EXPECT_EQ(first.architecture, "x86_64");
  EXPECT_EQ(first.public_ipv4s, 1U);
  EXPECT_EQ(first.volumes, (std::vector<std::string>{"vol-971ffac853312f8e5", "vol-27335cbe9c0614634"}));
  EXPECT_EQ(first.tags.size(), 3U);
  EXPECT_EQ(first.tags.find("Name"), " <b>träin</b>, \"a\" & b\n2 ");
  EXPECT_EQ(first.tags.find("empty"), "");
  EXPECT_EQ(first.reason, "");
  EXPECT_EQ(page->rows[1].bought_as, BoughtAs::spot);
  EXPECT_EQ(page->rows[1].platform_details, "");
  EXPECT_EQ(page->rows[2].state, InstanceState::stopped);
  EXPECT_EQ(page->rows[2].reason, "User initiated (2026-11-26 14:05:10 UTC)");
  EXPECT_EQ(page->rows[2].reason_code, "Client.UserInitiatedShutdown");
  EXPECT_EQ(page->rows[2].public_ipv4s, 0U);
  EXPECT_EQ(page->rows[3].state, InstanceState::terminated);
  EXPECT_TRUE(page->rows[3].volumes.empty());
  EXPECT_EQ(auto_scaling_group(page->rows[4]), "workers");
}

TEST(ParseInstances, ReadsTheShapeOfAwssReference) {
  const auto page = parse_instances(recorded("list_instances_aws.xml"));
  ASSERT_TRUE(page) << page.error().text();
  EXPECT_EQ(page->next, "eyJ2IjoiMiIsImMiOiJ1ZG4+/=");
  ASSERT_EQ(page->rows.size(), 2U);
  const auto& spot = page->rows[0];
  EXPECT_EQ(spot.id, "i-1234567890abcdef0");
  EXPECT_EQ(spot.bought_as, BoughtAs::spot);
  EXPECT_EQ(spot.spot_request, "sir-wmvrc2bq");
  EXPECT_EQ(spot.tenancy, Tenancy::dedicated);
  EXPECT_EQ(spot.platform_details, "Red Hat Enterprise Linux");
  EXPECT_EQ(spot.usage_operation, "RunInstances:0010");
  EXPECT_EQ(spot.public_ipv4, "203.0.113.229");
  EXPECT_EQ(spot.public_ipv4s, 2U);  // one of them is told three times; a carrier's isn't one
  EXPECT_EQ(auto_scaling_group(spot), "trainers");
  EXPECT_EQ(spot.tags.find("curfew:deadline"), "2026-11-24T18:00:00Z");
  EXPECT_EQ(spot.managed_by, "");
  const auto& other = page->rows[1];
  EXPECT_EQ(other.account, "210987654321");
  EXPECT_EQ(other.state, InstanceState::stopped);
  EXPECT_EQ(other.zone, "us-west-2-lax-1a");
  EXPECT_EQ(other.reason, "User initiated (2026-11-24 09:12:44 GMT)");
  EXPECT_EQ(other.managed_by, "eks.amazonaws.com");
  EXPECT_EQ(other.public_ipv4, "");
  EXPECT_EQ(other.public_ipv4s, 0U);
}

TEST(ParseInstances, WhatMayBeMissingIsNotThere) {
  for (const auto* name : {"ipAddress", "platformDetails", "usageOperation", "architecture", "reason",
                           "blockDeviceMapping", "tagSet"}) {
    const auto got = instance_with({name, "-"});
    EXPECT_TRUE(got) << name << got.error().text();
  }
  EXPECT_EQ(instance_with({"platformDetails", "-"})->platform_details, "");
  EXPECT_EQ(instance_with({"tagSet", ""})->tags.size(), 0U);
  EXPECT_EQ(instance_with({"placement", "<availabilityZone>us-east-1a</availabilityZone>"})->tenancy,
            Tenancy::shared);
  EXPECT_EQ(instance_with({"operator", "<managed>false</managed><principal>x</principal>"})->managed_by, "");
  EXPECT_EQ(instance_with({"operator", "<managed>true</managed>"})->managed_by, "another service");
}

TEST(ParseInstances, NewWordsOfAwssAreNoError) {
  const std::pair<const char*, BoughtAs> bought[] = {{"spot", BoughtAs::spot},
                                                     {"scheduled", BoughtAs::scheduled},
                                                     {"capacity-block", BoughtAs::capacity_block},
                                                     {"interruptible-capacity-reservation", BoughtAs::other},
                                                     {"", BoughtAs::on_demand}};
  for (const auto& [word, as] : bought) {
    const auto got = instance_with({"instanceLifecycle", word});
    ASSERT_TRUE(got);
    EXPECT_EQ(got->bought_as, as) << word;
  }
  const std::pair<const char*, Tenancy> tenancies[] = {{"default", Tenancy::shared},
                                                       {"dedicated", Tenancy::dedicated},
                                                       {"host", Tenancy::host},
                                                       {"moon", Tenancy::other}};
  for (const auto& [word, tenancy] : tenancies) {
    const auto got =
        instance_with({"placement", std::string("<availabilityZone>a-1</availabilityZone><tenancy>") + word +
                                        "</tenancy>"});
    ASSERT_TRUE(got);
    EXPECT_EQ(got->tenancy, tenancy) << word;
  }
  EXPECT_EQ(instance_with({"platformDetails", "Windows with SQL Server Standard"})->platform_details,
            "Windows with SQL Server Standard");
}

TEST(ParseInstances, ATagsTextIsKeptAsItIs) {
  const auto got =
      instance_with({"tagSet",
                     "<item><key> k </key><value>&#27;[31m&lt;script&gt;,\"\xC3\xA4\n</value></item>"
                     "<item><key>k2</key></item>"});
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->tags.find(" k "), "\x1b[31m<script>,\"\xC3\xA4\n");
  EXPECT_EQ(got->tags.find("k2"), "");
}

TEST(ParseInstances, ReasonsAreCut) {
  const auto got = instance_with({"reason", std::string(5'000, 'r')});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->reason, std::string(200, 'r'));
}

TEST(ParseInstances, OneOddRowIsNoSmallerCount) {
  const std::string long_text(2'000, 'x');
  const std::string tag = "<item><key>k</key><value>v</value></item>";
  std::string many_tags;
  for (int i = 0; i < 129; ++i) many_tags += tag;
  const Change cases[] = {
      {"instanceId", "-"},
      {"instanceId", ""},
      {"instanceId", "i-0123"},
      {"instanceId", "i-0123456789abcdef0&lt;"},
      {"instanceId", "i-0123456789ABCDEF0"},
      {"instanceState", "-"},
      {"instanceState", "<name>gone</name>"},
      {"instanceState", "<code>16</code>"},
      {"instanceType", "-"},
      {"instanceType", "g5 xlarge"},
      {"instanceType", "&#27;[2J"},
      {"launchTime", "-"},
      {"launchTime", "yesterday"},
      {"launchTime", "2026-11-24T17:00:00"},
      {"launchTime", "2026-13-24T17:00:00Z"},
      {"placement", "-"},
      {"placement", "<availabilityZone>US East</availabilityZone>"},
      {"placement", "<availabilityZone>" + std::string(49, 'a') + "</availabilityZone>"},
      {"ipAddress", "203.0.113.777"},
      {"ipAddress", "203.0.113"},
      {"spotInstanceRequestId", "sir-1"},
      {"spotInstanceRequestId", "i-0123456789abcdef0"},
      {"platformDetails", "Linux\nUNIX"},
      {"platformDetails", long_text},
      {"usageOperation", "Run Instances"},
      {"usageOperation", long_text},
      {"architecture", "&lt;b&gt;"},
      {"networkInterfaceSet", "<item><association><publicIp>1.2.3</publicIp></association></item>"},
      {"networkInterfaceSet",
       "<item><privateIpAddressesSet><item><association><publicIp>x</publicIp>"
       "</association></item></privateIpAddressesSet></item>"},
      {"blockDeviceMapping", "<item><ebs/></item>"},
      {"blockDeviceMapping", "<item><ebs><volumeId>vol-A</volumeId></ebs></item>"},
      {"blockDeviceMapping", "<volume/>"},
      {"tagSet", "<item><value>v</value></item>"},
      {"tagSet", "<item><key></key><value>v</value></item>"},
      {"tagSet", "<item><key>" + std::string(513, 'k') + "</key></item>"},
      {"tagSet", "<item><key>k</key><value>" + std::string(1'025, 'v') + "</value></item>"},
      {"tagSet", many_tags},
      {"tagSet", "text"},
      {"tagSet", tag + "text"},
  };
  const auto good = item(k_instance, {"instanceId", "i-99999999"});
  for (const auto& change : cases) {
    const auto bad = item(k_instance, change);
    const auto why = std::string(change.name) + " " + change.text.substr(0, 80);
    expect_refused(parse_instances(instances(reservation(good + bad))), why);
    expect_refused(parse_instances(instances(reservation(bad) + reservation(good))), why);
  }
}

TEST(ParseInstances, OddReservationsAreNoSmallerCountEither) {
  const auto good = item(k_instance);
  const std::string cases[] = {
      instances(reservation(good, "")),
      instances(reservation(good, "12345678901")),
      instances(reservation(good, "12345678901x")),
      instances("<item><ownerId>123456789012</ownerId></item>"),
      instances("<item/>"),
      instances("<reservation/>"),
      instances("x"),
      instances(reservation(good) + "x"),
      instances(reservation(good + "<instance/>")),
      instances(reservation("<instancesSet/>")),
      "<DescribeInstancesResponse/>",
      "<DescribeInstancesResponse><requestId>r</requestId></DescribeInstancesResponse>",
      "<DescribeInstancesResponse><reservations/></DescribeInstancesResponse>"};
  for (const auto& text : cases) expect_refused(parse_instances(text), text);
}

TEST(ParseInstances, AnEmptyPageMayHaveAToken) {
  const auto page = parse_instances(instances("", "<nextToken> t </nextToken>"));
  ASSERT_TRUE(page);
  EXPECT_TRUE(page->rows.empty());
  EXPECT_EQ(page->next, "t");
  EXPECT_EQ(parse_instances(instances("", "<nextToken/>"))->next, "");
  // A reservation of which the filters left nothing.
  EXPECT_TRUE(parse_instances(instances(reservation(""))));
}

TEST(ParseInstances, HoldsNoMoreRowsThanThereMayBe) {
  EXPECT_LE(k_most_rows, 5'000U) << "1,000 are asked for";
  const auto one = item(k_instance);
  std::string many;
  for (std::size_t i = 0; i < k_most_rows; ++i) many += one;
  const auto page = parse_instances(instances(reservation(many)));
  ASSERT_TRUE(page) << page.error().text();
  EXPECT_EQ(page->rows.size(), k_most_rows);
  expect_refused(parse_instances(instances(reservation(many + one))), "one more");
  expect_refused(parse_instances(instances(reservation(many) + reservation(one))), "one more elsewhere");
}

}  // namespace
}  // namespace curfew::aws
