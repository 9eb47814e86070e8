#include "aws/s3_conditional.hpp"

#include <gtest/gtest.h>

#include "aws/core/hash.hpp"
#include "support/run.hpp"
#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

class Conditional : public ::testing::Test, protected SessionFixture {
 protected:
  std::unique_ptr<S3Conditional> s3_ = make_s3_conditional(*session, "us-east-1");
  S3Location at_{"bucket", "jobs/1/retried.json"};

  Result<std::string> put(std::string etag) {
    auto putting = s3_->put(at_, "text", std::move(etag));
    return test::run(std::move(putting));
  }
};

TEST_F(Conditional, writes_only_where_there_is_none_or_still_that_one) {
  http.then(200, "", {{"ETag", "\"new\""}});
  http.then(200, "", {{"ETag", "\"newer\""}});
  EXPECT_EQ(put(""), "new");
  EXPECT_EQ(put("new"), "newer");
  const auto& first = http.requests.at(0);
  const auto& second = http.requests.at(1);
  EXPECT_EQ(test::header_of(first, "If-None-Match"), "*");
  EXPECT_EQ(test::header_of(first, "If-Match"), "");
  EXPECT_EQ(test::header_of(first, "x-amz-checksum-sha256"), sha256_base64("text"));
  EXPECT_EQ(test::header_of(second, "If-Match"), "\"new\"");
  EXPECT_EQ(test::header_of(second, "If-None-Match"), "");
  EXPECT_NE(test::header_of(first, "Authorization").find("if-none-match"), std::string::npos) << "signed";
}

TEST_F(Conditional, tells_both_of_its_refusals_as_a_conflict) {
  http.then(412, "<Error><Code>PreconditionFailed</Code><Message>m</Message></Error>");
  http.then(409, "<Error><Code>ConditionalRequestConflict</Code><Message>m</Message></Error>");
  for (int i = 0; i < 2; ++i) {
    const auto refused = put("");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::conflict) << refused.error().text();
  }
  EXPECT_EQ(http.requests.size(), 2U) << "neither is tried again by itself";
}

TEST_F(Conditional, reads_with_the_age_by_the_clock_of_s3) {
  http.then(200, "text",
            {{"ETag", "\"e\""},
             {"Date", "Fri, 27 Nov 2026 10:00:30 GMT"},
             {"Last-Modified", "Fri, 27 Nov 2026 09:58:00 GMT"}});
  http.then(200, "text", {{"ETag", "\"e\""}});
  http.then(200, "text");
  http.then(200, "longer than it may be", {{"ETag", "\"e\""}});
  http.then(404, "<Error><Code>NoSuchKey</Code><Message>m</Message></Error>");
  const auto read = [this] { return test::run(s3_->read(at_, 10)); };
  const auto kept = read();
  ASSERT_TRUE(kept) << kept.error().text();
  EXPECT_EQ(kept->text, "text");
  EXPECT_EQ(kept->etag, "e");
  EXPECT_EQ(kept->age, Seconds{150});
  EXPECT_FALSE(read()->age);
  EXPECT_FALSE(read()) << "without an ETag";
  EXPECT_FALSE(read()) << "too long";
  EXPECT_EQ(read().error().kind, ErrorKind::not_found);
}

}  // namespace
}  // namespace curfew::aws
