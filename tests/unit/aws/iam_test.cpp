#include "aws/iam.hpp"

#include <gtest/gtest.h>

#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

constexpr const char* k_trust = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D";

std::string role(const std::string& document,
                 const std::string& arn = "arn:aws:iam::123456789012:role/curfew-job") {
  return "<GetRoleResponse "
         "xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetRoleResult><Role><Path>/</Path>"
         "<AssumeRolePolicyDocument>" +
         document + "</AssumeRolePolicyDocument><RoleName>curfew-job</RoleName><Arn>" + arn +
         "</Arn><Tags><member><Key>curfew:made-by</Key><Value>curfew-setup</Value></member></Tags></Role>"
         "</GetRoleResult></GetRoleResponse>";
}

std::string error(const std::string& code) {
  return "<ErrorResponse><Error><Type>Sender</Type><Code>" + code +
         "</Code><Message>so it is</Message></Error></ErrorResponse>";
}

class IamTest : public testing::Test, protected SessionFixture {
 protected:
  std::unique_ptr<Iam> iam_ = make_iam(*session, "eu-west-1");
};

TEST_F(IamTest, ReadsARoleWhereverItIsAskedFrom) {
  http.then(200, role(k_trust));
  const auto found = test::run(iam_->role("curfew-job"));
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->trust, R"({"Version":"2012-10-17","Statement":[]})");
  EXPECT_EQ(value_of((*found)->tags, "curfew:made-by"), "curfew-setup");
  const auto& request = http.requests.at(0);
  EXPECT_EQ(request.url.host, "iam.amazonaws.com");
  EXPECT_EQ(test::body_of(request), "Action=GetRole&Version=2010-05-08&RoleName=curfew-job");
  EXPECT_NE(test::header_of(request, "Authorization").find("/us-east-1/iam/aws4_request"), std::string::npos);
  EXPECT_LE(http.limits_seen.at(0).total, Millis{30'000});
}

TEST_F(IamTest, IsWhereItsPartitionHasIt) {
  for (const auto& [region, host, scope] :
       {std::tuple{"us-west-2", "iam.amazonaws.com", "/us-east-1/iam/"},
        {"us-gov-east-1", "iam.us-gov.amazonaws.com", "/us-gov-west-1/iam/"},
        {"cn-northwest-1", "iam.cn-north-1.amazonaws.com.cn", "/cn-north-1/iam/"},
        {"eusc-de-east-1", "iam.eusc-de-east-1.amazonaws.eu", "/eusc-de-east-1/iam/"}}) {
    http.then(200, role(k_trust));
    const auto iam = make_iam(*session, region);
    EXPECT_TRUE(test::run(iam->role("curfew-job"))) << region;
    EXPECT_EQ(http.requests.back().url.host, host);
    EXPECT_NE(test::header_of(http.requests.back(), "Authorization").find(scope), std::string::npos)
        << region;
  }
}

TEST_F(IamTest, WhatIsNotThereIsNoError) {
  http.then(404, error("NoSuchEntity"));
  const auto found = test::run(iam_->role("curfew-job"));
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
  http.then(404, error("NoSuchEntity"));
  EXPECT_TRUE(test::run(iam_->delete_role("curfew-job"))) << "it's gone already";
  http.then(404, error("NoSuchEntity"));
  EXPECT_FALSE(test::run(iam_->put_role_policy("curfew-job", "curfew", "{}")));
  http.then(403, error("AccessDenied"));
  const auto denied = test::run(iam_->profile("curfew-job"));
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, "AccessDenied");
  EXPECT_EQ(denied.error().kind, ErrorKind::refused);
}

TEST_F(IamTest, MakesARoleWithItsTagInOneCall) {
  http.then(200, "<CreateRoleResponse/>");
  EXPECT_TRUE(test::run(iam_->create_role("curfew-job", "{\"a\":1}", "for jobs", {{"curfew:made-by", "x"}})));
  EXPECT_EQ(
      test::body_of(http.requests.at(0)),
      "Action=CreateRole&Version=2010-05-08&RoleName=curfew-job&AssumeRolePolicyDocument=%7B%22a%22%3A1%7D"
      "&Description=for%20jobs&Tags.member.1.Key=curfew%3Amade-by&Tags.member.1.Value=x");
}

TEST_F(IamTest, ListsAllThatARoleMayDo) {
  http.then(
      200,
      "<ListRolePoliciesResponse><ListRolePoliciesResult><PolicyNames><member>curfew</member></PolicyNames>"
      "<IsTruncated>true</IsTruncated><Marker>more</Marker></ListRolePoliciesResult>"
      "</ListRolePoliciesResponse>");
  http.then(
      200,
      "<ListRolePoliciesResponse><ListRolePoliciesResult><PolicyNames><member>mine</member></PolicyNames>"
      "<IsTruncated>false</IsTruncated></ListRolePoliciesResult></ListRolePoliciesResponse>");
  http.then(
      200,
      "<ListAttachedRolePoliciesResponse><ListAttachedRolePoliciesResult><AttachedPolicies><member>"
      "<PolicyName>AdministratorAccess</PolicyName><PolicyArn>arn:aws:iam::aws:policy/AdministratorAccess"
      "</PolicyArn></member></AttachedPolicies><IsTruncated>false</IsTruncated>"
      "</ListAttachedRolePoliciesResult></ListAttachedRolePoliciesResponse>");
  const auto names = test::run(iam_->policy_names("curfew-job"));
  ASSERT_TRUE(names) << names.error().text();
  EXPECT_EQ(*names, (std::vector<std::string>{"curfew", "mine", "AdministratorAccess"}));
  EXPECT_NE(test::body_of(http.requests.at(1)).find("&Marker=more"), std::string::npos);
}

TEST(IamReplies, AreRefusedWhereTheyAreNone) {
  EXPECT_FALSE(parse_role("<html/>"));
  EXPECT_FALSE(parse_role(role("")));
  EXPECT_FALSE(parse_role(role("%7")));
  EXPECT_FALSE(parse_role(role(k_trust, "curfew-job")));
  EXPECT_TRUE(parse_role(role("{}"))) << "as a test server may leave it";
  EXPECT_FALSE(parse_role_policy("<GetRolePolicyResponse/>"));
  EXPECT_FALSE(parse_profile("<GetInstanceProfileResponse/>"));
  EXPECT_FALSE(parse_inline_policies("<ListRolePoliciesResponse/>"));
  std::string tags;
  for (int i = 0; i < 51; ++i) tags += "<member><Key>k</Key><Value>v</Value></member>";
  auto many = role(k_trust);
  many.replace(many.find("<Tags>") + 6, 0, tags);
  EXPECT_FALSE(parse_role(many));
}

TEST(IamReplies, TellWhichRolesAProfileHolds) {
  const auto profile = parse_profile(
      "<GetInstanceProfileResponse><GetInstanceProfileResult><InstanceProfile><Roles><member>"
      "<RoleName>curfew-job</RoleName></member></Roles><Arn>arn:aws:iam::123456789012:instance-profile/"
      "curfew-job"
      "</Arn></InstanceProfile></GetInstanceProfileResult></GetInstanceProfileResponse>");
  ASSERT_TRUE(profile) << profile.error().text();
  EXPECT_EQ(profile->roles, (std::vector<std::string>{"curfew-job"}));
  EXPECT_TRUE(profile->tags.empty());
}

}  // namespace
}  // namespace curfew::aws
