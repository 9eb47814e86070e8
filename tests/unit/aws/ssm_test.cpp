#include "aws/ssm.hpp"

#include <gtest/gtest.h>

#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

class SsmTest : public testing::Test, protected SessionFixture {
 protected:
  std::unique_ptr<Ssm> ssm_ = make_ssm(*session, "eu-west-1");
};

TEST_F(SsmTest, reads_one_parameter) {
  http.then(200, R"({"Parameter":{"Name":"/a/b","Type":"String","Value":"ami-1","Version":3}})");
  EXPECT_EQ(test::run(ssm_->parameter("/a/b")), "ami-1");
  const auto& request = http.requests.at(0);
  EXPECT_EQ(request.url.host, "ssm.eu-west-1.amazonaws.com");
  EXPECT_EQ(test::header_of(request, "X-Amz-Target"), "AmazonSSM.GetParameter");
  EXPECT_EQ(test::body_of(request), R"({"Name":"/a/b"})");
}

TEST_F(SsmTest, tells_a_missing_one_and_takes_no_secret) {
  http.then(400, R"({"__type":"ParameterNotFound"})");
  const auto missing = test::run(ssm_->parameter("/a/b"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, "ParameterNotFound");
  EXPECT_EQ(missing.error().kind, ErrorKind::not_found);
  http.then(200, R"({"Parameter":{"Type":"SecureString","Value":"AQICAH"}})");
  const auto secret = test::run(ssm_->parameter("/a/b"));
  ASSERT_FALSE(secret);
  EXPECT_EQ(secret.error().kind, ErrorKind::invalid_input);
  EXPECT_EQ(secret.error().text().find("AQICAH"), std::string::npos);
}

TEST(Ssm, believes_no_broken_reply) {
  for (const char* reply : {"", "[]", "{}", R"({"Parameter":3})", R"({"Parameter":{"Type":"String"}})",
                            R"({"Parameter":{"Type":"String","Value":7}})"}) {
    const auto read = parse_parameter(reply);
    ASSERT_FALSE(read) << reply;
    EXPECT_EQ(read.error().kind, ErrorKind::unavailable) << reply;
  }
  EXPECT_FALSE(
      parse_parameter(R"({"Parameter":{"Type":"String","Value":")" + std::string(5'000, 'a') + "\"}}"));
}

TEST(Ssm, knows_a_name) {
  EXPECT_TRUE(is_parameter_name("/aws/service/x_1.2-3"));
  for (const char* text : {"", "a b", "a\"b", "a\n"}) EXPECT_FALSE(is_parameter_name(text)) << text;
}

}  // namespace
}  // namespace curfew::aws
