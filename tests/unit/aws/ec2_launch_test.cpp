#include "aws/ec2_launch.hpp"

#include <gtest/gtest.h>

#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

constexpr const char* k_image = "ami-0123456789abcdef0";

class Ec2LaunchTest : public testing::Test, protected SessionFixture {
 protected:
  std::unique_ptr<Ec2Launch> ec2_ = make_ec2_launch(*session, "us-east-1");
};

RunRequest request_of_a_launch() {
  RunRequest request;
  request.client_token = "l-1-0";
  request.image = k_image;
  request.type = "g5.xlarge";
  request.subnet = "subnet-1";
  request.security_groups = {"sg-1", "sg-2"};
  request.instance_profile = "trainer";
  request.user_data = "#!/bin/sh\n";
  request.volumes = {{"/dev/sda1", 100}};
  request.tags = {{"curfew:job", "digits"}, {"Name", "a b&c"}};
  return request;
}

std::string error(const char* code) {
  return std::string("<Response><Errors><Error><Code>") + code +
         "</Code><Message>m</Message></Error></Errors></Response>";
}

const std::string k_launched =
    "<RunInstancesResponse><instancesSet><item><instanceId>i-0123456789abcdef0</instanceId>"
    "<placement><availabilityZone>us-east-1b</availabilityZone></placement>"
    "<instanceState><code>0</code><name>pending</name></instanceState></item></instancesSet>"
    "</RunInstancesResponse>";

TEST_F(Ec2LaunchTest, says_everything_in_one_call) {
  http.then(200, k_launched);
  const auto launched = test::run(ec2_->run(request_of_a_launch()));
  ASSERT_TRUE(launched) << launched.error().text();
  EXPECT_EQ(launched->id, "i-0123456789abcdef0");
  EXPECT_EQ(launched->zone, "us-east-1b");
  EXPECT_EQ(test::body_of(http.requests.at(0)),
            "Action=RunInstances&Version=2016-11-15&ImageId=ami-0123456789abcdef0&InstanceType=g5.xlarge"
            "&MinCount=1&MaxCount=1&ClientToken=l-1-0&InstanceInitiatedShutdownBehavior=terminate"
            "&MetadataOptions.HttpTokens=required&MetadataOptions.InstanceMetadataTags=enabled"
            "&SubnetId=subnet-1&SecurityGroupId.1=sg-1&SecurityGroupId.2=sg-2"
            "&IamInstanceProfile.Name=trainer&UserData=IyEvYmluL3NoCg%3D%3D"
            "&BlockDeviceMapping.1.DeviceName=%2Fdev%2Fsda1&BlockDeviceMapping.1.Ebs.DeleteOnTermination=true"
            "&BlockDeviceMapping.1.Ebs.Encrypted=true&BlockDeviceMapping.1.Ebs.VolumeType=gp3"
            "&BlockDeviceMapping.1.Ebs.VolumeSize=100"
            "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=curfew%3Ajob"
            "&TagSpecification.1.Tag.1.Value=digits&TagSpecification.1.Tag.2.Key=Name"
            "&TagSpecification.1.Tag.2.Value=a%20b%26c"
            "&TagSpecification.2.ResourceType=volume&TagSpecification.2.Tag.1.Key=curfew%3Ajob"
            "&TagSpecification.2.Tag.1.Value=digits&TagSpecification.2.Tag.2.Key=Name"
            "&TagSpecification.2.Tag.2.Value=a%20b%26c");
}

TEST(RunForm, asks_for_one_time_spot_capacity_that_costs_no_more) {
  auto request = request_of_a_launch();
  request.spot = true;
  request.max_price = Micros{302'400};
  request.zone = "us-east-1c";
  std::string shown;
  for (const auto& [name, value] : run_form(request))
    if (name.starts_with("InstanceMarket") || name.starts_with("Placement"))
      shown += name + "=" + value + "\n";
  EXPECT_EQ(shown,
            "Placement.AvailabilityZone=us-east-1c\n"
            "InstanceMarketOptions.MarketType=spot\n"
            "InstanceMarketOptions.SpotOptions.SpotInstanceType=one-time\n"
            "InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior=terminate\n"
            "InstanceMarketOptions.SpotOptions.MaxPrice=0.302400\n");
}

TEST_F(Ec2LaunchTest, sends_the_very_same_again_where_the_reply_was_lost) {
  http.then(Error{ErrorKind::unavailable, "send", "reset", {}, {}});
  http.then(200, k_launched);
  ASSERT_TRUE(test::run(ec2_->run(request_of_a_launch())));
  ASSERT_EQ(http.requests.size(), 2U);
  EXPECT_EQ(test::body_of(http.requests[0]), test::body_of(http.requests[1]));
}

TEST_F(Ec2LaunchTest, takes_no_refusal_for_the_answer_to_a_call_before_it) {
  http.then(Error{ErrorKind::unavailable, "send", "reset", {}, {}});
  http.then(403, error("UnauthorizedOperation"));
  const auto launched = test::run(ec2_->run(request_of_a_launch()));
  ASSERT_FALSE(launched);
  EXPECT_EQ(launched.error().kind, ErrorKind::unavailable);
}

TEST_F(Ec2LaunchTest, tells_ec2s_own_word_of_a_refusal) {
  http.then(400, error("VcpuLimitExceeded"));
  const auto launched = test::run(ec2_->run(request_of_a_launch()));
  ASSERT_FALSE(launched);
  EXPECT_EQ(launched.error().code, "VcpuLimitExceeded");
  EXPECT_TRUE(is_no_capacity(launched.error().code));
  EXPECT_FALSE(is_no_capacity("UnauthorizedOperation"));
}

TEST_F(Ec2LaunchTest, takes_an_allowed_dry_run_for_what_it_is) {
  http.then(412, error("DryRunOperation"));
  EXPECT_TRUE(test::run(ec2_->try_run(request_of_a_launch())));
  EXPECT_TRUE(test::body_of(http.requests.at(0)).ends_with("&DryRun=true"));
  http.then(403, error("UnauthorizedOperation"));
  const auto refused = test::run(ec2_->try_run(request_of_a_launch()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::refused);
}

TEST_F(Ec2LaunchTest, tags_one_instance) {
  http.then(200, "<CreateTagsResponse><return>true</return></CreateTagsResponse>");
  EXPECT_TRUE(test::run(ec2_->create_tags("i-0123456789abcdef0", {{"curfew:schedule", "armed"}})));
  EXPECT_EQ(test::body_of(http.requests.at(0)),
            "Action=CreateTags&Version=2016-11-15&ResourceId.1=i-0123456789abcdef0"
            "&Tag.1.Key=curfew%3Aschedule&Tag.1.Value=armed");
  EXPECT_FALSE(test::run(ec2_->create_tags("i-1&Action=x", {})));
  EXPECT_EQ(http.requests.size(), 1U);
}

const std::string k_types =
    "<DescribeInstanceTypesResponse><instanceTypeSet>"
    "<item><instanceType>m5.large</instanceType><processorInfo><supportedArchitectures><item>x86_64</item>"
    "</supportedArchitectures></processorInfo><vCpuInfo><defaultVCpus>2</defaultVCpus></vCpuInfo></item>"
    "<item><instanceType>g5.12xlarge</instanceType><processorInfo><supportedArchitectures><item>x86_64</item>"
    "</supportedArchitectures></processorInfo><vCpuInfo><defaultVCpus>48</defaultVCpus></vCpuInfo>"
    "<gpuInfo><gpus><item><name>A10G</name><manufacturer>NVIDIA</manufacturer><count>4</count></item></gpus>"
    "</gpuInfo></item></instanceTypeSet></DescribeInstanceTypesResponse>";

TEST_F(Ec2LaunchTest, tells_types_in_the_order_asked_for) {
  http.then(200, k_types);
  const auto types = test::run(ec2_->types({"g5.12xlarge", "m5.large"}));
  ASSERT_TRUE(types) << types.error().text();
  ASSERT_EQ(types->size(), 2U);
  EXPECT_EQ((*types)[0].name, "g5.12xlarge");
  EXPECT_EQ((*types)[0].gpus, 4U);
  EXPECT_EQ((*types)[0].gpu_name, "NVIDIA A10G");
  EXPECT_EQ((*types)[0].vcpus, 48U);
  EXPECT_EQ((*types)[1].gpus, 0U);
  EXPECT_EQ((*types)[1].architectures, std::vector<std::string>{"x86_64"});
  http.then(200, k_types);
  const auto other = test::run(ec2_->types({"g6.xlarge"}));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, ErrorKind::not_found);
}

TEST_F(Ec2LaunchTest, believes_no_reply_that_is_broken) {
  for (const std::string reply :
       {"<RunInstancesResponse/>",
        "<RunInstancesResponse><instancesSet><item/></instancesSet></RunInstancesResponse>",
        "<RunInstancesResponse><instancesSet><item><instanceId>i-0123456789abcdef0</instanceId></item>"
        "<item><instanceId>i-0123456789abcdef1</instanceId></item></instancesSet></RunInstancesResponse>",
        "<DescribeImagesResponse/>"}) {
    const auto read = parse_launched(reply);
    ASSERT_FALSE(read) << reply;
    EXPECT_EQ(read.error().kind, ErrorKind::unavailable);
  }
  EXPECT_FALSE(
      parse_types("<DescribeInstanceTypesResponse><instanceTypeSet><item><instanceType>g5.xlarge"
                  "</instanceType></item></instanceTypeSet></DescribeInstanceTypesResponse>"));
}

}  // namespace
}  // namespace curfew::aws
