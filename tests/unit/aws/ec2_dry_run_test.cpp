#include "aws/ec2_dry_run.hpp"

#include <gtest/gtest.h>

#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

class Ec2DryRunTest : public testing::Test, protected SessionFixture {};

std::string error(const char* code) {
  return std::string("<Response><Errors><Error><Code>") + code +
         "</Code><Message>m</Message></Error></Errors></Response>";
}

TEST_F(Ec2DryRunTest, is_allowed_by_an_error_only) {
  const struct {
    const char* action;
    int status;
    std::string reply;
    const char* code;  // null: allowed
  } cases[] = {
      {"StopInstances", 412, error("DryRunOperation"), nullptr},
      {"StopInstances", 403, error("UnauthorizedOperation"), "UnauthorizedOperation"},
      {"StopInstances", 400, error("InvalidInstanceID.NotFound"), "InvalidInstanceID.NotFound"},
      // It was done, whatever was asked for.
      {"StopInstances", 200, "<StopInstancesResponse/>", ""},
      {"DescribeRegions", 200, "<DescribeRegionsResponse/>", nullptr},
  };
  for (const auto& one : cases) {
    http.then(one.status, one.reply);
    const auto tried = test::run(try_action(*session, "us-east-1", one.action, {{"InstanceId.1", "i-0"}}));
    EXPECT_EQ(tried.has_value(), one.code == nullptr) << one.reply;
    EXPECT_EQ(tried ? "" : tried.error().code, one.code == nullptr ? "" : std::string(one.code));
    EXPECT_TRUE(test::body_of(http.requests.back()).ends_with("&InstanceId.1=i-0&DryRun=true"));
  }
}

}  // namespace
}  // namespace curfew::aws
