#include "aws/sts.hpp"

#include <gtest/gtest.h>

#include "unit/aws/recorded.hpp"
#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

std::string identity(const std::string& account, const std::string& arn) {
  return "<GetCallerIdentityResponse "
         "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Arn>" +
         arn + "</Arn><UserId>ARO123EXAMPLE123:my-role-session-name</UserId><Account>" + account +
         "</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
         "</GetCallerIdentityResponse>";
}

class CallerIdentityTest : public testing::Test, protected SessionFixture {
 protected:
  std::unique_ptr<Sts> sts_ = make_sts(*session, "eu-west-1");
};

TEST_F(CallerIdentityTest, AsksWhoWeAreInTheRegion) {
  http.then(200, test::recorded("caller_identity.xml"), {{"Date", "Tue, 24 Nov 2026 18:00:59 GMT"}});
  const auto who = test::run(sts_->caller_identity());
  ASSERT_TRUE(who) << who.error().text();
  EXPECT_EQ(who->account, "123456789012");
  EXPECT_EQ(who->arn, "arn:aws:sts::123456789012:user/moto");
  EXPECT_EQ(who->answered, *parse_utc("2026-11-24T18:00:59Z"));
  const auto& request = http.requests.at(0);
  EXPECT_EQ(request.url.host, "sts.eu-west-1.amazonaws.com");
  EXPECT_EQ(test::body_of(request), "Action=GetCallerIdentity&Version=2011-06-15");
  EXPECT_NE(test::header_of(request, "Authorization").find("/eu-west-1/sts/aws4_request"), std::string::npos);
}

TEST_F(CallerIdentityTest, TellsExpiredCredentialsByTheirCode) {
  const auto expired =
      "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>"
      "<Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message>"
      "</Error><RequestId>r</RequestId></ErrorResponse>";
  http.then(403, expired);
  http.then(403, expired);
  const auto who = test::run(sts_->caller_identity());
  ASSERT_FALSE(who);
  EXPECT_EQ(who.error().kind, ErrorKind::refused);
  EXPECT_EQ(who.error().code, "ExpiredToken");
}

TEST_F(CallerIdentityTest, AHotelsSignInPageIsNobody) {
  for (int i = 0; i < 3; ++i) http.then(200, "<html><body>Sign in</body></html>");
  const auto who = test::run(sts_->caller_identity());
  ASSERT_FALSE(who);
  EXPECT_EQ(who.error().kind, ErrorKind::unavailable);
}

TEST(ParseCallerIdentity, BelievesOnlyWhatHasTheForm) {
  const auto* const arn = "arn:aws:sts::123456789012:assumed-role/my-role/my session";
  EXPECT_FALSE(parse_caller_identity(identity("123456789012", arn)));
  EXPECT_TRUE(parse_caller_identity(identity("123456789012", "arn:aws:iam::123456789012:root")));
  for (const auto* bad : {"", "12345678901", "1234567890123", "12345678901x", "&#27;"})
    EXPECT_FALSE(parse_caller_identity(identity(bad, "arn:aws:iam::123456789012:root"))) << bad;
  for (const auto& bad : {std::string(), std::string("arn"), std::string("arn:aws:iam::1:&#27;[2J"),
                          "arn:" + std::string(2'045, 'a')})
    EXPECT_FALSE(parse_caller_identity(identity("123456789012", bad))) << bad;
  EXPECT_FALSE(parse_caller_identity("<GetCallerIdentityResponse/>"));
  EXPECT_FALSE(parse_caller_identity("<AssumeRoleResponse/>"));
  const auto whole = identity("123456789012", "arn:aws:iam::123456789012:root");
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_caller_identity(whole.substr(0, size))) << size;
}

TEST(AccountOfRole, IsInTheRolesArn) {
  EXPECT_EQ(account_of_role("arn:aws:iam::123456789012:role/watch"), "123456789012");
  EXPECT_EQ(account_of_role("arn:aws-cn:iam::123456789012:role/a/b/watch"), "123456789012");
  for (const auto* bad :
       {"", "watch", "arn:aws:iam::123456789012:user/watch", "arn:aws:iam::1234:role/watch",
        "arn:aws:iam:us-east-1:123456789012:role/watch", "arn:aws:sts::123456789012:role/watch",
        "arn:aws:sts::123456789012:assumed-role/watch/s", "arn:aws:iam::123456789012:role/",
        "arn:aws:iam::123456789012:role/a:b", "arn:aws:iam::123456789012:role/a b",
        "arn:evil:iam::123456789012:role/watch"})
    EXPECT_FALSE(account_of_role(bad)) << bad;
}

}  // namespace
}  // namespace curfew::aws
