#include "aws/sns.hpp"

#include <gtest/gtest.h>

#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

class SnsTest : public testing::Test, protected SessionFixture {
 protected:
  Result<std::string> publish(const std::string& subject = "a subject",
                              const std::string& message = "a&b=c\nd") {
    return test::run(sns_->publish(topic_, subject, message));
  }
  Topic topic_ = *parse_topic_arn("arn:aws-cn:sns:cn-north-1:123456789012:alerts");
  std::unique_ptr<Sns> sns_ = make_sns(*session);
};

constexpr const char* k_published =
    "<PublishResponse "
    "xmlns=\"https://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>567910cd-659e-55d4"
    "</MessageId></PublishResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></"
    "PublishResponse>";

TEST_F(SnsTest, PublishesInTheTopicsRegion) {
  http.then(200, k_published);
  EXPECT_EQ(publish(), "567910cd-659e-55d4");
  const auto& request = http.requests.at(0);
  EXPECT_EQ(request.url.host, "sns.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(
      test::body_of(request),
      "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws-cn%3Asns%3Acn-north-1%3A123456789012%3Aalerts"
      "&Subject=a%20subject&Message=a%26b%3Dc%0Ad");
  EXPECT_NE(test::header_of(request, "Authorization").find("/cn-north-1/sns/aws4_request"),
            std::string::npos);
}

TEST_F(SnsTest, KeepsSnssOwnCode) {
  http.then(403,
            "<ErrorResponse><Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>not "
            "authorized</Message>"
            "</Error></ErrorResponse>");
  auto published = publish();
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().code, "AuthorizationError");
  EXPECT_EQ(published.error().kind, ErrorKind::refused);
  http.then(404,
            "<ErrorResponse><Error><Code>NotFound</Code><Message>no topic</Message></Error></ErrorResponse>");
  published = publish();
  ASSERT_FALSE(published);
  EXPECT_EQ(published.error().kind, ErrorKind::not_found);
}

TEST_F(SnsTest, BelievesNoOtherReply) {
  for (const auto* reply : {"<PublishResponse/>", "<html/>",
                            "<PublishResponse><PublishResult><MessageId/></PublishResult>"
                            "</PublishResponse>"}) {
    http.then(200, reply);
    const auto published = publish();
    ASSERT_FALSE(published) << reply;
    EXPECT_EQ(published.error().kind, ErrorKind::unavailable);
  }
}

TEST_F(SnsTest, SendsNothingThatSnsWouldRefuse) {
  for (const auto& subject : {std::string(), std::string(" x"), std::string("a\nb"),
                              std::string("caf\xc3\xa9"), std::string(100, 'x')})
    EXPECT_FALSE(publish(subject)) << subject;
  EXPECT_FALSE(publish("x", ""));
  EXPECT_FALSE(publish("x", std::string(300'000, 'x')));
  EXPECT_TRUE(http.requests.empty());
}

TEST(TopicArn, IsReadAndWrittenAlike) {
  for (const auto* text :
       {"arn:aws:sns:us-east-1:123456789012:alerts", "arn:aws-us-gov:sns:us-gov-west-1:000000000000:a_b-C9",
        "arn:aws-cn:sns:cn-northwest-1:123456789012:x"}) {
    const auto topic = parse_topic_arn(text);
    ASSERT_TRUE(topic) << text << topic.error().text();
    EXPECT_EQ(topic->arn(), text);
  }
}

TEST(TopicArn, IsRefusedWhereItIsNone) {
  for (const auto* text :
       {"", "arn", "arn:aws:sns:us-east-1:123456789012:", "arn:aws:sns::123456789012:a",
        "arn:aws:sns:us-east-1::a", "arn:aws:sns:us-east-1:12345678901x:a",
        "arn:aws:sns:us-east-1:123456789012:a:b", "arn:aws:sns:us-east-1:123456789012:a.fifo",
        "arn:aws-cn:sns:us-east-1:123456789012:a", "arn:aws:sqs:us-east-1:123456789012:a",
        "arn:aws:sns:evil.com/:123456789012:a", "ARN:aws:sns:us-east-1:123456789012:a"})
    EXPECT_FALSE(parse_topic_arn(text)) << text;
}

}  // namespace
}  // namespace curfew::aws
