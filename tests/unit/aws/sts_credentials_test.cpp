#include "aws/core/sts_credentials.hpp"

#include <gtest/gtest.h>

#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

constexpr const char* k_arn = "arn:aws:iam::123456789012:role/path/reader";
constexpr const char* k_reply =
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s"
    "</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2026-11-24T19:00:00Z</Expiration></"
    "Credentials>"
    "</AssumeRoleResult></AssumeRoleResponse>";

TEST(Role, IsCheckedBeforeItGoesAnywhere) {
  for (const auto* good :
       {k_arn, "arn:aws-cn:iam::123456789012:role/x", "arn:aws-us-gov:iam::123456789012:role/a+b=c,d.e@f"})
    EXPECT_TRUE(check_role({good, {}, {}, {}, {}})) << good;
  for (const auto* bad : {"", "reader", "arn:aws:iam::123456789012:user/x", "arn:aws:iam::12345:role/x",
                          "arn:aws:sts::123456789012:role/x", "arn:aws:iam::123456789012:role/",
                          "arn:aws:iam::123456789012:role/a b", "arn:aws:iam::123456789012:role/a:b",
                          "arn:other:iam::123456789012:role/x", "arn:aws:iam:us-east-1:123456789012:role/x"})
    EXPECT_FALSE(check_role({bad, {}, {}, {}, {}})) << bad;
  EXPECT_TRUE(check_role({k_arn, "me@home_+=,.-", "a:b/c\\d", {}, {}}));
  for (const auto* bad :
       {"a", "a b", "a/b", "0123456789012345678901234567890123456789012345678901234567890123x"})
    EXPECT_FALSE(check_role({k_arn, bad, {}, {}, {}})) << bad;
  EXPECT_FALSE(check_role({k_arn, {}, "a b", {}, {}}));
}

TEST(Role, IsTakenInItsOwnPartitionWhereNoRegionIsSet) {
  EXPECT_EQ(sts_region_for(k_arn), "us-east-1");
  EXPECT_EQ(sts_region_for("arn:aws-cn:iam::123456789012:role/x"), "cn-north-1");
  EXPECT_EQ(sts_region_for("arn:aws-us-gov:iam::123456789012:role/x"), "us-gov-west-1");
  EXPECT_EQ(sts_region_for("arn:aws-eusc:iam::123456789012:role/x"), "eusc-de-east-1");
  EXPECT_EQ(sts_region_for("nonsense"), "us-east-1");
}

TEST(RoleCredentials, AreReadWholeOrNotAtAll) {
  const auto found = parse_role_credentials(k_reply, "AssumeRole", "role x");
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_EQ(found->access_key, "ASIAROLE");
  EXPECT_TRUE(found->expires);
  EXPECT_FALSE(parse_role_credentials(k_reply, "AssumeRoleWithWebIdentity", "x"));
  const std::string whole = k_reply;
  for (const auto* tag : {"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"}) {
    auto without = whole;
    for (auto at = without.find(tag); at != std::string::npos; at = without.find(tag))
      without.replace(at, 5, "Other");
    EXPECT_FALSE(parse_role_credentials(without, "AssumeRole", "x")) << tag;
  }
  for (std::size_t length = 0; length < whole.size(); length += 7)
    EXPECT_FALSE(parse_role_credentials(std::string_view(whole).substr(0, length), "AssumeRole", "x"))
        << length;
}

class StsTest : public testing::Test, protected SessionFixture {};

TEST_F(StsTest, RetriesAsEveryCallDoes) {
  http.then(503, "<ErrorResponse><Error><Code>ServiceUnavailable</Code></Error></ErrorResponse>");
  http.then(200, k_reply);
  const auto found = test::run(assume_role(*session, {k_arn, "name", {}, Seconds{900}, "eu-west-1"}));
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_EQ(pauses.size(), 1U);
  EXPECT_EQ(http.requests.at(1).url.host, "sts.eu-west-1.amazonaws.com");
  const auto body = test::body_of(http.requests[1]);
  EXPECT_NE(body.find("DurationSeconds=900"), std::string::npos) << body;
  EXPECT_NE(test::header_of(http.requests[1], "Authorization").find("AKIDEXAMPLE"), std::string::npos);
}

TEST_F(StsTest, AnotherAccountIsReadByARoleThatIsTakenOnceAndAgainBeforeItExpires) {
  const auto other = make_session_as(*session, make_assumed_role(*session, {k_arn, {}, {}, {}, {}}));
  EXPECT_EQ(test::run(other->region()).value(), "us-east-1");
  http.then(200, k_reply);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(test::run(other->credentials->get())->access_key, "ASIAROLE");
  EXPECT_EQ(http.requests.size(), 1U);
  clock.advance(std::chrono::minutes{51});
  http.then(200, k_reply);
  EXPECT_TRUE(test::run(other->credentials->get()));
  EXPECT_EQ(http.requests.size(), 2U);
  EXPECT_EQ(test::run(session->credentials->get())->access_key, "AKIDEXAMPLE");
}

TEST_F(StsTest, ARefusalKeepsAwssCode) {
  http.then(403,
            "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you, "
            "verysecret</Message></Error></ErrorResponse>");
  const auto found = test::run(assume_role(*session, {k_arn, {}, {}, {}, {}}));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, ErrorKind::refused);
  EXPECT_EQ(found.error().code, "AccessDenied");
  EXPECT_EQ(found.error().text().find("verysecret"), std::string::npos);
  EXPECT_FALSE(test::run(assume_role(*session, {"nonsense", {}, {}, {}, {}})));
  EXPECT_EQ(http.requests.size(), 1U);
}

}  // namespace
}  // namespace curfew::aws
