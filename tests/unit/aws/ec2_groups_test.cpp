#include "aws/ec2_groups.hpp"

#include <gtest/gtest.h>

#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

std::string group(const std::string& vpc) {
  return "<DescribeSecurityGroupsResponse><securityGroupInfo><item><groupId>sg-1</groupId><vpcId>" + vpc +
         "</vpcId><tagSet><item><key>curfew:made-by</key><value>curfew-setup</value></item></tagSet></item>"
         "</securityGroupInfo></DescribeSecurityGroupsResponse>";
}

std::string rules(const std::string& items) {
  return "<DescribeSecurityGroupRulesResponse><securityGroupRuleSet>" + items +
         "</securityGroupRuleSet></DescribeSecurityGroupRulesResponse>";
}

class Ec2GroupsTest : public testing::Test, protected SessionFixture {
 protected:
  std::unique_ptr<Ec2Groups> groups_ = make_ec2_groups(*session, "us-east-1");
};

TEST_F(Ec2GroupsTest, FindsTheDefaultVpcAndAGroupInIt) {
  http.then(
      200,
      "<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId><isDefault>true</isDefault></item></vpcSet>"
      "</DescribeVpcsResponse>");
  EXPECT_EQ(*test::run(groups_->default_vpc()), "vpc-1");
  http.then(200, "<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>");
  EXPECT_EQ(*test::run(groups_->default_vpc()), "");
  http.then(200, group("vpc-1"));
  const auto found = test::run(groups_->group("vpc-1", "curfew"));
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->id, "sg-1");
  EXPECT_EQ(value_of((*found)->tags, "curfew:made-by"), "curfew-setup");
  http.then(200, group("vpc-2"));
  EXPECT_FALSE(*test::run(groups_->group("vpc-1", "curfew"))) << "a server that didn't heed the filter";
}

TEST_F(Ec2GroupsTest, IsMadeWithItsTagInOneCall) {
  http.then(200, "<CreateSecurityGroupResponse><groupId>sg-7</groupId></CreateSecurityGroupResponse>");
  EXPECT_EQ(*test::run(groups_->create("vpc-1", "curfew", "no way in", {{"a", "b"}})), "sg-7");
  EXPECT_EQ(test::body_of(http.requests.at(0)),
            "Action=CreateSecurityGroup&Version=2016-11-15&GroupName=curfew&GroupDescription=no%20way%20in"
            "&VpcId=vpc-1&TagSpecification.1.ResourceType=security-group&TagSpecification.1.Tag.1.Key=a"
            "&TagSpecification.1.Tag.1.Value=b");
  http.then(200,
            "<RevokeSecurityGroupIngressResponse><return>true</return></RevokeSecurityGroupIngressResponse>");
  EXPECT_TRUE(test::run(groups_->revoke("sg-7", {"sgr-1", "sgr-2"})));
  EXPECT_NE(test::body_of(http.requests.at(1)).find("&SecurityGroupRuleId.2=sgr-2"), std::string::npos);
  http.then(
      400,
      "<Response><Errors><Error><Code>InvalidGroup.NotFound</Code><Message>no</Message></Error></Errors>"
      "</Response>");
  EXPECT_TRUE(test::run(groups_->delete_group("sg-7"))) << "it's gone already";
}

TEST(GroupRules, OnlyTheWaysInCount) {
  const auto found = parse_group_rules(
      rules("<item><securityGroupRuleId>sgr-1</securityGroupRuleId><isEgress>true</isEgress></item>"
            "<item><securityGroupRuleId>sgr-2</securityGroupRuleId><isEgress>false</isEgress><ipProtocol>tcp"
            "</ipProtocol><fromPort>22</fromPort><toPort>22</toPort><cidrIpv4>0.0.0.0/0</cidrIpv4></item>"
            "<item><securityGroupRuleId>sgr-3</securityGroupRuleId><isEgress>false</isEgress><ipProtocol>-1"
            "</ipProtocol><referencedGroupInfo><groupId>sg-9</groupId></referencedGroupInfo></item>"));
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_EQ(*found, (std::vector<IngressRule>{{"sgr-2", "tcp 22 from 0.0.0.0/0"},
                                              {"sgr-3", "everything from sg-9"}}));
}

TEST(GroupRules, AReplyThatMayHideOneIsRefused) {
  EXPECT_FALSE(parse_group_rules("<DescribeSecurityGroupRulesResponse/>"));
  EXPECT_FALSE(
      parse_group_rules("<DescribeSecurityGroupRulesResponse><securityGroupRuleSet/><nextToken>t</nextToken>"
                        "</DescribeSecurityGroupRulesResponse>"));
  EXPECT_FALSE(parse_group_rules(rules("<item><securityGroupRuleId>sgr-1</securityGroupRuleId></item>")));
  EXPECT_FALSE(parse_group_rules(
      rules("<item><securityGroupRuleId>x</securityGroupRuleId><isEgress>false</isEgress></item>")));
  EXPECT_FALSE(parse_groups(group("x")));
  EXPECT_FALSE(parse_created_group("<CreateSecurityGroupResponse/>"));
  EXPECT_FALSE(parse_default_vpc("<html/>"));
}

}  // namespace
}  // namespace curfew::aws
