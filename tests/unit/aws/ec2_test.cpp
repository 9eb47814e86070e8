#include "aws/ec2.hpp"

#include <gtest/gtest.h>

#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

constexpr const char* k_id = "i-0123456789abcdef0";

class Ec2Test : public testing::Test, protected SessionFixture {
 protected:
  std::unique_ptr<Ec2> ec2_ = make_ec2(*session, "us-east-1");
};

std::string changed(const std::string& action, const std::string& id, const std::string& state) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?><" + action +
         "Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">"
         "<requestId>r</requestId><instancesSet><item><instanceId>" +
         id + "</instanceId><currentState><code>32</code><name>" + state +
         "</name></currentState><previousState><code>16</code><name>running</name></previousState></item>"
         "</instancesSet></" +
         action + "Response>";
}

TEST_F(Ec2Test, TerminatesOneInstanceAndTellsItsState) {
  http.then(200, changed("TerminateInstances", k_id, "shutting-down"));
  EXPECT_EQ(test::run(ec2_->terminate_instance(k_id)), "shutting-down");
  const auto& request = http.requests.at(0);
  EXPECT_EQ(request.url.host, "ec2.us-east-1.amazonaws.com");
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(test::body_of(request),
            "Action=TerminateInstances&Version=2016-11-15&InstanceId.1=i-0123456789abcdef0");
}

TEST_F(Ec2Test, StopsOne) {
  http.then(200, changed("StopInstances", k_id, "stopping"));
  EXPECT_EQ(test::run(ec2_->stop_instance(k_id)), "stopping");
}

TEST_F(Ec2Test, BelievesNoReplyAboutAnotherInstanceOrOfAnotherCall) {
  for (const auto& reply :
       {changed("TerminateInstances", "i-99999999", "shutting-down"),
        changed("StopInstances", k_id, "stopping"), changed("TerminateInstances", k_id, "gone"),
        std::string("<TerminateInstancesResponse/>")}) {
    http.then(200, reply);
    const auto state = test::run(ec2_->terminate_instance(k_id));
    ASSERT_FALSE(state) << reply;
    EXPECT_EQ(state.error().kind, ErrorKind::unavailable);
  }
}

TEST_F(Ec2Test, TellsWhichVolumesGoWithTheInstance) {
  const auto reply = [](const std::string& id, const std::string& volume) {
    return "<DescribeInstanceAttributeResponse><instanceId>" + id +
           "</instanceId><blockDeviceMapping><item><deviceName>/dev/sda1</deviceName><ebs><volumeId>vol-1</"
           "volumeId>"
           "<deleteOnTermination>true</deleteOnTermination></ebs></item><item><deviceName>/dev/sdb</"
           "deviceName><ebs>"
           "<volumeId>" +
           volume +
           "</volumeId><deleteOnTermination>false</deleteOnTermination></ebs></item></blockDeviceMapping>"
           "</DescribeInstanceAttributeResponse>";
  };
  http.then(200, reply(k_id, "vol-2"));
  const auto volumes = test::run(ec2_->volumes(k_id));
  ASSERT_TRUE(volumes) << volumes.error().text();
  ASSERT_EQ(volumes->size(), 2U);
  EXPECT_TRUE(volumes->at(0).delete_on_termination);
  EXPECT_EQ(volumes->at(1).id, "vol-2");
  EXPECT_FALSE(volumes->at(1).delete_on_termination);

  http.then(200, reply("i-99999999", "vol-2"));
  EXPECT_FALSE(test::run(ec2_->volumes(k_id)));
  http.then(200, reply(k_id, "<b>"));
  EXPECT_FALSE(test::run(ec2_->volumes(k_id)));

  const auto about = [](const std::string& told) {
    return "<DescribeInstanceAttributeResponse><instanceId>" + std::string(k_id) + "</instanceId>" + told +
           "</DescribeInstanceAttributeResponse>";
  };
  http.then(200, about("<blockDeviceMapping/>"));
  const auto none = test::run(ec2_->volumes(k_id));
  ASSERT_TRUE(none) << none.error().text();
  EXPECT_TRUE(none->empty());
  http.then(200, about(""));  // cut, or of another kind: that isn't "none"
  EXPECT_FALSE(test::run(ec2_->volumes(k_id)));
}

TEST_F(Ec2Test, SendsNothingForWhatIsNoId) {
  for (const auto* bad :
       {"", "i-", "i-123", "i-0123456789abcdef0&Action=x", "i-ABCDEF01", "*", "i-0123456789abcdef01"}) {
    const auto state = test::run(ec2_->terminate_instance(bad));
    ASSERT_FALSE(state) << bad;
    EXPECT_EQ(state.error().kind, ErrorKind::invalid_input);
  }
  EXPECT_TRUE(http.requests.empty());
}

TEST_F(Ec2Test, KeepsEc2sOwnCode) {
  http.then(400,
            "<Response><Errors><Error><Code>OperationNotPermitted</Code><Message>The instance may not be "
            "terminated."
            "</Message></Error></Errors></Response>");
  const auto state = test::run(ec2_->terminate_instance(k_id));
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, "OperationNotPermitted");
  EXPECT_EQ(state.error().kind, ErrorKind::refused);
}

TEST_F(Ec2Test, ReadsTheShutdownBehavior) {
  const auto reply = [](const std::string& id, const std::string& value) {
    return "<DescribeInstanceAttributeResponse><requestId>r</requestId><instanceId>" + id +
           "</instanceId><instanceInitiatedShutdownBehavior><value>" + value +
           "</value></instanceInitiatedShutdownBehavior></DescribeInstanceAttributeResponse>";
  };
  http.then(200, reply(k_id, "terminate"));
  EXPECT_EQ(test::run(ec2_->shutdown_behavior(k_id)), "terminate");
  http.then(200, reply(k_id, "hibernate"));
  EXPECT_FALSE(test::run(ec2_->shutdown_behavior(k_id)));
  http.then(200, reply("i-99999999", "stop"));
  EXPECT_FALSE(test::run(ec2_->shutdown_behavior(k_id)));
}

TEST_F(Ec2Test, ReadsTheStateFromDescribeInstances) {
  const auto reply = [](const std::string& items) {
    return "<DescribeInstancesResponse><requestId>r</requestId><reservationSet>" + items +
           "</reservationSet></DescribeInstancesResponse>";
  };
  const auto item = [](const std::string& id, const std::string& state) {
    return "<item><instancesSet><item><instanceId>" + id +
           "</instanceId><instanceState><code>1</code><name>" + state +
           "</name></instanceState></item></instancesSet></item>";
  };
  http.then(200, reply(item("i-99999999", "running") + item(k_id, "shutting-down")));
  EXPECT_EQ(test::run(ec2_->instance_state(k_id)), "shutting-down");
  http.then(200, reply(""));
  EXPECT_EQ(test::run(ec2_->instance_state(k_id)).error().kind, ErrorKind::not_found);
  http.then(200, "<DescribeInstancesResponse><requestId>r</requestId></DescribeInstancesResponse>");
  EXPECT_EQ(test::run(ec2_->instance_state(k_id)).error().kind, ErrorKind::unavailable);
  http.then(400,
            "<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code><Message>m</Message></Error></"
            "Errors></Response>");
  EXPECT_EQ(test::run(ec2_->instance_state(k_id)).error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace curfew::aws
