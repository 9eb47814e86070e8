#include "aws/service_quotas.hpp"

#include <gtest/gtest.h>

#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

class ServiceQuotasTest : public testing::Test, protected SessionFixture {
 protected:
  std::unique_ptr<ServiceQuotas> quotas_ = make_service_quotas(*session, "eu-west-1");
};

TEST_F(ServiceQuotasTest, reads_what_the_account_was_given) {
  http.then(200, R"({"Quota":{"ServiceCode":"ec2","QuotaCode":"L-DB2E81BA","Value":64.0,"Unit":"None"}})");
  EXPECT_EQ(test::run(quotas_->ec2_quota("L-DB2E81BA")), 64U);
  const auto& request = http.requests.at(0);
  EXPECT_EQ(request.url.host, "servicequotas.eu-west-1.amazonaws.com");
  EXPECT_EQ(test::header_of(request, "X-Amz-Target"), "ServiceQuotasV20190624.GetServiceQuota");
  EXPECT_EQ(test::body_of(request), R"({"ServiceCode":"ec2","QuotaCode":"L-DB2E81BA"})");
}

TEST_F(ServiceQuotasTest, takes_the_default_where_there_is_no_other) {
  http.then(400, R"({"__type":"NoSuchResourceException","Message":"no"})");
  http.then(200, R"({"Quota":{"QuotaCode":"L-DB2E81BA","Value":0}})");
  EXPECT_EQ(test::run(quotas_->ec2_quota("L-DB2E81BA")), 0U);
  EXPECT_EQ(test::header_of(http.requests.at(1), "X-Amz-Target"),
            "ServiceQuotasV20190624.GetAWSDefaultServiceQuota");
  http.then(400, R"({"__type":"NoSuchResourceException","Message":"no"})");
  http.then(400, R"({"__type":"NoSuchResourceException","Message":"no"})");
  const auto none = test::run(quotas_->ec2_quota("L-0"));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::not_found);
}

TEST_F(ServiceQuotasTest, does_not_take_the_default_for_what_may_not_be_read) {
  http.then(400, R"({"__type":"AccessDeniedException","Message":"no"})");
  const auto denied = test::run(quotas_->ec2_quota("L-DB2E81BA"));
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().kind, ErrorKind::refused);
  EXPECT_EQ(http.requests.size(), 1U);
}

TEST_F(ServiceQuotasTest, asks_where_the_user_says) {
  environment["AWS_ENDPOINT_URL_SERVICE_QUOTAS"] = "http://127.0.0.1:5000";
  make();
  quotas_ = make_service_quotas(*session, "eu-west-1");
  http.then(200, R"({"Quota":{"QuotaCode":"L-1","Value":7.9}})");
  EXPECT_EQ(test::run(quotas_->ec2_quota("L-1")), 7U) << "rounded down";
  EXPECT_EQ(http.requests.at(0).url.host, "127.0.0.1");
  EXPECT_FALSE(test::run(quotas_->ec2_quota("L-\"}")));
  EXPECT_EQ(http.requests.size(), 1U);
}

TEST(ServiceQuotas, believes_no_broken_reply) {
  for (const char* reply :
       {"", "[]", "{}", R"({"Quota":3})", R"({"Quota":{"QuotaCode":"L-1"}})",
        R"({"Quota":{"QuotaCode":"L-1","Value":"7"}})", R"({"Quota":{"QuotaCode":"L-2","Value":7}})",
        R"({"Quota":{"QuotaCode":"L-1","Value":-1}})", R"({"Quota":{"QuotaCode":"L-1","Value":1e300}})"}) {
    const auto read = parse_quota(reply, "L-1");
    ASSERT_FALSE(read) << reply;
    EXPECT_EQ(read.error().kind, ErrorKind::unavailable) << reply;
  }
}

}  // namespace
}  // namespace curfew::aws
