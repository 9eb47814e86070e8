#include "aws/session.hpp"

#include <gtest/gtest.h>

#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

class SessionTest : public testing::Test, protected SessionFixture {
 protected:
  Result<std::string> region_with(net::Environment variables, const std::string& option = {},
                                  std::string config = {}) {
    const ReadFile read = [config](const std::string& path) -> Result<std::string> {
      if (path == "/home/.aws/config" && !config.empty()) return config;
      return fail(ErrorKind::not_found, "read " + path, "no such file");
    };
    variables["HOME"] = "/home";
    Session fresh(http, clock, std::move(variables), SessionOptions{"", option}, read);
    return test::run(fresh.region());
  }
};

TEST_F(SessionTest, FindsTheRegionInTheSdksOrder) {
  const net::Environment both{{"AWS_REGION", "eu-west-1"}, {"AWS_DEFAULT_REGION", "eu-west-2"}};
  const std::string config = "[default]\nregion = eu-west-3\n";
  EXPECT_EQ(region_with(both, "us-east-2", config), "us-east-2");
  EXPECT_EQ(region_with(both, "", config), "eu-west-1");
  EXPECT_EQ(region_with({{"AWS_DEFAULT_REGION", "eu-west-2"}}, "", config), "eu-west-2");
  EXPECT_EQ(region_with({}, "", config), "eu-west-3");
  http.then(200, "token");
  http.then(200, "ap-south-1\n");
  EXPECT_EQ(region_with({}), "ap-south-1");
}

TEST_F(SessionTest, SaysWhatIsWrongWithTheRegion) {
  EXPECT_FALSE(region_with({{"AWS_REGION", "evil.com/"}}));
  const auto none = region_with({{"AWS_EC2_METADATA_DISABLED", "true"}});
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().hint.find("AWS_REGION"), std::string::npos);
  const auto broken = region_with({{"AWS_EC2_METADATA_DISABLED", "true"}}, "", "nonsense\n");
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().text().find("line 1"), std::string::npos) << broken.error().text();
}

}  // namespace
}  // namespace curfew::aws
