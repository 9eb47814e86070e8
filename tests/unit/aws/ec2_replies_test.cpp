#include "aws/ec2_replies.hpp"

#include <gtest/gtest.h>

#include "unit/aws/recorded.hpp"
#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

constexpr const char* k_id = "i-0123456789abcdef0";

class Ec2Facts : public testing::Test, protected SessionFixture {
 protected:
  std::unique_ptr<Ec2> ec2_ = make_ec2(*session, "us-east-1");
};

// A volume, with one element of another text or, where that is "-", without it.
std::string volume(const std::string& id, const std::string& name = {}, const std::string& text = {}) {
  std::string xml = "<item>";
  for (auto [element, value] : {std::pair<std::string, std::string>{"volumeId", id},
                                {"size", "100"},
                                {"snapshotId", ""},
                                {"availabilityZone", "us-east-1a"},
                                {"status", "in-use"},
                                {"volumeType", "gp3"},
                                {"iops", "3000"},
                                {"throughput", "125"}}) {
    if (element == name) value = text;
    if (value != "-") xml.append("<" + element + ">").append(value + "</" + element + ">");
  }
  return xml + "</item>";
}
std::string volumes(const std::string& items) {
  return "<DescribeVolumesResponse "
         "xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>"
         "<volumeSet>" +
         items + "</volumeSet></DescribeVolumesResponse>";
}

TEST_F(Ec2Facts, DescribesVolumesByTheirIds) {
  http.then(200, volumes(volume("vol-2", "volumeType", "st1") + volume("vol-1")));
  const auto got = test::run(ec2_->describe_volumes({"vol-1", "vol-2"}));
  ASSERT_TRUE(got) << got.error().text();
  ASSERT_EQ(got->size(), 2U);
  EXPECT_EQ(got->at(0).type, "st1");
  EXPECT_EQ(got->at(1).id, "vol-1");
  EXPECT_EQ(got->at(1).gib, 100U);
  EXPECT_EQ(got->at(1).iops, 3000U);
  EXPECT_EQ(got->at(1).throughput, 125U);
  EXPECT_EQ(test::body_of(http.requests.at(0)),
            "Action=DescribeVolumes&Version=2016-11-15&VolumeId.1=vol-1&VolumeId.2=vol-2");
}

TEST_F(Ec2Facts, WithoutIdsOrWithWrongOnesNothingIsAsked) {
  EXPECT_TRUE(test::run(ec2_->describe_volumes({}))->empty());
  for (const auto* bad : {"", "vol-", "vol-1&Action=x", "vol-A", "i-01234567", "*",
                          "vol-0123456789012345678901234567890123456789"}) {
    const auto got = test::run(ec2_->describe_volumes({"vol-1", bad}));
    ASSERT_FALSE(got) << bad;
    EXPECT_EQ(got.error().kind, ErrorKind::invalid_input);
  }
  EXPECT_FALSE(test::run(ec2_->describe_volumes(std::vector<std::string>(65, "vol-1"))));
  EXPECT_TRUE(http.requests.empty());
}

TEST_F(Ec2Facts, VolumesThatHaveNoIopsTellNone) {
  for (const auto* none : {"-", "", " "}) {
    http.then(200, volumes(volume("vol-1", "iops", none)));
    const auto got = test::run(ec2_->describe_volumes({"vol-1"}));
    ASSERT_TRUE(got) << got.error().text();
    EXPECT_FALSE(got->at(0).iops);
    EXPECT_EQ(got->at(0).throughput, 125U);
  }
}

TEST_F(Ec2Facts, BelievesNoOddVolume) {
  const std::pair<const char*, const char*> cases[] = {{"volumeId", "vol-9"},
                                                       {"volumeId", "-"},
                                                       {"size", "-"},
                                                       {"size", "0"},
                                                       {"size", "-1"},
                                                       {"size", "65537"},
                                                       {"size", "1e3"},
                                                       {"size", "99999999999999999999"},
                                                       {"volumeType", "-"},
                                                       {"volumeType", "GP3"},
                                                       {"volumeType", "gp3 x"},
                                                       {"volumeType", "a23456789b1234567"},
                                                       {"volumeType", "&#27;[2J"},
                                                       {"iops", "many"},
                                                       {"iops", "10000001"},
                                                       {"iops", "-3000"},
                                                       {"throughput", "1000001"},
                                                       {"throughput", "<b/>x"}};
  for (const auto& [name, text] : cases) {
    http.then(200, volumes(volume("vol-1", name, text)));
    const auto got = test::run(ec2_->describe_volumes({"vol-1"}));
    ASSERT_FALSE(got) << name << ' ' << text;
    EXPECT_EQ(got.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(got.error().text().find('\x1b'), std::string::npos);
  }
}

TEST_F(Ec2Facts, APartOfTheVolumesIsNotPassedOffAsAll) {
  for (const auto& reply : {volumes(""), volumes(volume("vol-1")), volumes(volume("vol-1") + volume("vol-1")),
                            volumes(volume("vol-1") + volume("vol-2") + volume("vol-3")),
                            std::string("<DescribeVolumesResponse/>")}) {
    http.then(200, reply);
    EXPECT_FALSE(test::run(ec2_->describe_volumes({"vol-1", "vol-2"}))) << reply;
  }
}

TEST_F(Ec2Facts, KeepsTheCodeOfARefusal) {
  http.then(
      403,
      "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors>"
      "</Response>");
  const auto got = test::run(ec2_->describe_volumes({"vol-1"}));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::refused);
  EXPECT_EQ(got.error().code, "UnauthorizedOperation");
}

std::string instance(const std::string& name = {}, const std::string& text = {}) {
  std::string xml =
      "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>i-99999999</"
      "instanceId>"
      "</item></instancesSet></item><item><instancesSet><item>";
  for (auto [element, value] :
       {std::pair<std::string, std::string>{"instanceId", k_id},
        {"instanceState", "<code>16</code><name>running</name>"},
        {"instanceType", "g5.xlarge"},
        {"launchTime", "2026-11-24T17:00:00.000Z"},
        {"placement", "<availabilityZone>us-east-1a</availabilityZone><tenancy>default</tenancy>"},
        {"ipAddress", "203.0.113.7"},
        {"instanceLifecycle", "spot"}}) {
    if (element == name) value = text;
    if (value != "-") xml.append("<" + element + ">").append(value + "</" + element + ">");
  }
  return xml + "</item></instancesSet></item></reservationSet></DescribeInstancesResponse>";
}

TEST_F(Ec2Facts, DescribesAnInstance) {
  http.then(200, instance());
  const auto got = test::run(ec2_->describe_instance(k_id));
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->type, "g5.xlarge");
  EXPECT_EQ(got->zone, "us-east-1a");
  EXPECT_EQ(got->state, "running");
  EXPECT_EQ(got->launched, *parse_utc("2026-11-24T17:00:00Z"));
  EXPECT_EQ(got->life_cycle, LifeCycle::spot);
  EXPECT_EQ(got->public_ipv4, "203.0.113.7");
  EXPECT_EQ(test::body_of(http.requests.at(0)),
            "Action=DescribeInstances&Version=2016-11-15&InstanceId.1=i-0123456789abcdef0");
}

TEST_F(Ec2Facts, WhatEc2LeavesOutIsNotThere) {
  http.then(200, instance("instanceLifecycle", "-"));
  EXPECT_EQ(test::run(ec2_->describe_instance(k_id))->life_cycle, LifeCycle::on_demand);
  http.then(200, instance("instanceLifecycle", "capacity-block"));
  EXPECT_EQ(test::run(ec2_->describe_instance(k_id))->life_cycle, LifeCycle::other);
  http.then(200, instance("ipAddress", "-"));
  EXPECT_EQ(test::run(ec2_->describe_instance(k_id))->public_ipv4, "");
}

TEST_F(Ec2Facts, BelievesNoOddInstance) {
  const std::pair<const char*, const char*> cases[] = {
      {"instanceState", "<name>gone</name>"},
      {"instanceState", "-"},
      {"instanceType", "-"},
      {"instanceType", "g5 xlarge"},
      {"launchTime", "-"},
      {"launchTime", "yesterday"},
      {"placement", "-"},
      {"placement", "<availabilityZone>A b</availabilityZone>"},
      {"ipAddress", "203.0.113.777"},
      {"ipAddress", "&#27;[2J"}};
  for (const auto& [name, text] : cases) {
    http.then(200, instance(name, text));
    const auto got = test::run(ec2_->describe_instance(k_id));
    ASSERT_FALSE(got) << name << ' ' << text;
    EXPECT_EQ(got.error().kind, ErrorKind::unavailable);
  }
  http.then(200, instance("instanceId", "i-88888888"));
  EXPECT_EQ(test::run(ec2_->describe_instance(k_id)).error().kind, ErrorKind::not_found);
}

// As the server of the tests sends them, white space and all.
TEST_F(Ec2Facts, ReadsRecordedReplies) {
  http.then(200, test::recorded("describe_volumes.xml"));
  const auto volumes = test::run(ec2_->describe_volumes({"vol-0aaaaaaaaaaaaaaa1", "vol-0aaaaaaaaaaaaaaa2"}));
  ASSERT_TRUE(volumes) << volumes.error().text();
  ASSERT_EQ(volumes->size(), 2U);
  EXPECT_EQ(volumes->at(0).type, "gp3");
  EXPECT_EQ(volumes->at(0).gib, 100U);
  EXPECT_EQ(volumes->at(0).iops, 16000U);
  EXPECT_EQ(volumes->at(0).throughput, 1000U);
  EXPECT_EQ(volumes->at(1).type, "gp2");
  EXPECT_FALSE(volumes->at(1).throughput);
  http.then(200, test::recorded("describe_instances.xml"));
  const auto instance = test::run(ec2_->describe_instance(k_id));
  ASSERT_TRUE(instance) << instance.error().text();
  EXPECT_EQ(instance->type, "g5.xlarge");
  EXPECT_EQ(instance->life_cycle, LifeCycle::on_demand);
  EXPECT_FALSE(instance->public_ipv4.empty());
}

}  // namespace
}  // namespace curfew::aws
