#include "aws/sns_topics.hpp"

#include <gtest/gtest.h>

#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

constexpr const char* k_arn = "arn:aws:sns:us-east-1:123456789012:curfew-billing";

std::string subscription(const std::string& arn, const std::string& endpoint) {
  return "<member><TopicArn>" + std::string(k_arn) +
         "</TopicArn><Protocol>email</Protocol><SubscriptionArn>" + arn +
         "</SubscriptionArn><Owner>123456789012</Owner><Endpoint>" + endpoint + "</Endpoint></member>";
}

std::string listed(const std::string& members, const std::string& token = "") {
  return "<ListSubscriptionsByTopicResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">"
         "<ListSubscriptionsByTopicResult><Subscriptions>" +
         members + "</Subscriptions>" + (token.empty() ? "" : "<NextToken>" + token + "</NextToken>") +
         "</ListSubscriptionsByTopicResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
         "</ListSubscriptionsByTopicResponse>";
}

class SnsTopicsTest : public testing::Test, protected SessionFixture {
 protected:
  Topic topic_ = *parse_topic_arn(k_arn);
  std::unique_ptr<SnsTopics> topics_ = make_sns_topics(*session);
};

TEST_F(SnsTopicsTest, CreatesTheTopicOfThatName) {
  http.then(200,
            "<CreateTopicResponse "
            "xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><CreateTopicResult><TopicArn>" +
                std::string(k_arn) + "</TopicArn></CreateTopicResult></CreateTopicResponse>");
  EXPECT_TRUE(test::run(topics_->create_topic(topic_)));
  const auto& request = http.requests.at(0);
  EXPECT_EQ(request.url.host, "sns.us-east-1.amazonaws.com");
  EXPECT_EQ(test::body_of(request), "Action=CreateTopic&Version=2010-03-31&Name=curfew-billing");
  EXPECT_NE(test::header_of(request, "Authorization").find("/us-east-1/sns/aws4_request"), std::string::npos);
  EXPECT_LE(http.limits_seen.at(0).total, Millis{30'000});
}

TEST_F(SnsTopicsTest, ATopicOfAnotherAccountIsNotOurs) {
  http.then(
      200,
      "<CreateTopicResponse><CreateTopicResult><TopicArn>arn:aws:sns:us-east-1:999999999999:curfew-billing"
      "</TopicArn></CreateTopicResult></CreateTopicResponse>");
  EXPECT_FALSE(test::run(topics_->create_topic(topic_)));
}

TEST_F(SnsTopicsTest, ListsWhoHearsOfItAndWhetherTheyHaveConfirmed) {
  http.then(200, listed(subscription(std::string(k_arn) + ":0b2c", "a@example.org"), "page+2"));
  http.then(200, listed(subscription("PendingConfirmation", "b@example.org") +
                        subscription("Deleted", "c@example.org")));
  const auto list = test::run(topics_->subscriptions(topic_));
  ASSERT_TRUE(list) << list.error().text();
  EXPECT_EQ(*list,
            (std::vector<Subscription>{{"email", "a@example.org", true}, {"email", "b@example.org", false}}));
  EXPECT_EQ(test::body_of(http.requests.at(0)),
            "Action=ListSubscriptionsByTopic&Version=2010-03-31&TopicArn="
            "arn%3Aaws%3Asns%3Aus-east-1%3A123456789012%3Acurfew-billing");
  EXPECT_TRUE(test::body_of(http.requests.at(1)).ends_with("&NextToken=page%2B2"));
}

TEST_F(SnsTopicsTest, APageThatLeadsBackIsAnError) {
  http.fallback = [](const net::Request&) -> Result<net::Response> {
    return net::Response{200, {}, listed("", "again")};
  };
  const auto list = test::run(topics_->subscriptions(topic_));
  ASSERT_FALSE(list);
  EXPECT_EQ(http.requests.size(), 2U);
}

TEST_F(SnsTopicsTest, NoSuchTopicIsNotFound) {
  http.then(
      404,
      "<ErrorResponse><Error><Type>Sender</Type><Code>NotFound</Code><Message>Topic does not exist</Message>"
      "</Error></ErrorResponse>");
  const auto list = test::run(topics_->subscriptions(topic_));
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().kind, ErrorKind::not_found);
}

TEST_F(SnsTopicsTest, SubscribesAnAddress) {
  http.then(200,
            "<SubscribeResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><SubscribeResult>"
            "<SubscriptionArn>pending confirmation</SubscriptionArn></SubscribeResult></SubscribeResponse>");
  EXPECT_TRUE(test::run(topics_->subscribe_email(topic_, "a+b@example.org")));
  EXPECT_EQ(test::body_of(http.requests.at(0)),
            "Action=Subscribe&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A123456789012%"
            "3Acurfew-billing"
            "&Protocol=email&Endpoint=a%2Bb%40example.org");
}

TEST(SnsTopicReplies, BelieveOnlyWhatHasTheForm) {
  for (const auto& bad :
       {std::string("<html/>"), std::string("<ListSubscriptionsByTopicResponse/>"),
        listed(subscription("none", "a@example.org")), listed(subscription(k_arn, "")),
        listed(subscription(k_arn, "a\x1b[2J")), listed(subscription(k_arn, std::string(3'000, 'a')))})
    EXPECT_FALSE(parse_subscriptions(bad)) << bad.substr(0, 200);
  std::string many;
  for (int i = 0; i < 101; ++i) many += subscription("PendingConfirmation", "a@example.org");
  EXPECT_FALSE(parse_subscriptions(listed(many)));
  EXPECT_FALSE(parse_created_topic("<CreateTopicResponse/>"));
  EXPECT_FALSE(parse_subscribed("<SubscribeResponse/>"));
  const auto whole = listed(subscription("PendingConfirmation", "a@example.org"));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_subscriptions(whole.substr(0, size))) << size;
}

}  // namespace
}  // namespace curfew::aws
