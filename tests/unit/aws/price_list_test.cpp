#include "aws/price_list.hpp"

#include <gtest/gtest.h>

#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

class PriceListTest : public testing::Test, protected SessionFixture {
 protected:
  Result<std::vector<std::string>> products(const std::string& region = "us-east-1") {
    const auto list = make_price_list(*session, region);
    return test::run(list->get_products("AmazonEC2", {{"instanceType", "g5.xlarge"}, {"a\"b", "c\\d"}}));
  }
  std::string error(const std::string& region = "us-east-1") {
    const auto told = products(region);
    return told ? "none" : told.error().text();
  }
};

TEST_F(PriceListTest, AsksAsTheModelSays) {
  http.then(200, R"({"FormatVersion":"aws_v1","PriceList":["{\"product\":{}}"]})");
  const auto told = products();
  ASSERT_TRUE(told) << told.error().text();
  EXPECT_EQ(*told, std::vector<std::string>{R"({"product":{}})"});
  const auto& request = http.requests.at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url.host, "api.pricing.us-east-1.amazonaws.com");
  EXPECT_EQ(test::header_of(request, "X-Amz-Target"), "AWSPriceListService.GetProducts");
  EXPECT_EQ(test::header_of(request, "Content-Type"), "application/x-amz-json-1.1");
  EXPECT_NE(test::header_of(request, "Authorization").find("/us-east-1/pricing/aws4_request"),
            std::string::npos);
  EXPECT_EQ(
      test::body_of(request),
      R"({"ServiceCode":"AmazonEC2","Filters":[{"Type":"TERM_MATCH","Field":"instanceType","Value":"g5.xlarge"},)"
      R"({"Type":"TERM_MATCH","Field":"a\"b","Value":"c\\d"}],"FormatVersion":"aws_v1","MaxResults":100})");
}

TEST_F(PriceListTest, ReadsPageByPage) {
  http.then(200, R"({"PriceList":["a"],"NextToken":"t1"})");
  http.then(200, R"({"PriceList":[],"NextToken":"t2"})");
  http.then(200, R"({"PriceList":["b"],"NextToken":""})");
  EXPECT_EQ(*products(), (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(http.requests.size(), 3U);
  EXPECT_NE(test::body_of(http.requests[1]).find(R"("NextToken":"t1")"), std::string::npos);
  EXPECT_NE(test::body_of(http.requests[2]).find(R"("NextToken":"t2")"), std::string::npos);
}

TEST_F(PriceListTest, GoesRoundInNoCircle) {
  http.then(200, R"({"PriceList":["a"],"NextToken":"t1"})");
  http.then(200, R"({"PriceList":["b"],"NextToken":"t2"})");
  http.then(200, R"({"PriceList":["c"],"NextToken":"t1"})");
  EXPECT_EQ(error(),
            "GetProducts of AmazonEC2: the list can't be read to its end: a page's token came a second time");
  int number = 0;
  http.fallback = [&](const net::Request&) -> Result<net::Response> {
    return net::Response{200, {}, R"({"PriceList":[],"NextToken":")" + std::to_string(++number) + "\"}"};
  };
  EXPECT_EQ(error(),
            "GetProducts of AmazonEC2: the list can't be read to its end: it has more than 20 pages");
  EXPECT_EQ(number, 20);
}

TEST_F(PriceListTest, TellsALostPageAsAnError) {
  http.then(200, R"({"PriceList":["a"],"NextToken":"t1"})");
  http.then(400, R"({"__type":"ExpiredNextTokenException","Message":"expired"})");
  const auto told = products();
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code, "ExpiredNextTokenException");
}

TEST_F(PriceListTest, NamesAMissingPermission) {
  http.then(
      400,
      R"({"__type":"AccessDeniedException","Message":"User: arn:aws:iam::123456789012:user/me is not authorized to perform: pricing:GetProducts"})");
  const auto told = products();
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().kind, ErrorKind::refused);
  EXPECT_EQ(told.error().code, "AccessDeniedException");
  EXPECT_EQ(http.requests.size(), 1U);
}

TEST_F(PriceListTest, BelievesNoOtherReply) {
  for (const auto* reply : {"", "<html/>", "[]", "{}", R"({"PriceList":7})", R"({"PriceList":[7]})",
                            R"({"PriceList":["a"],"NextToken":7})", R"({"PriceList":["a"])"}) {
    http.then(200, reply);
    const auto told = products();
    ASSERT_FALSE(told) << reply;
    EXPECT_EQ(told.error().kind, ErrorKind::unavailable) << reply;
  }
  std::string many = R"({"PriceList":[)";
  for (std::size_t at = 0; at <= k_most_products; ++at) many += R"("a",)";
  many.back() = ']';
  http.then(200, many + "}");
  EXPECT_FALSE(products());
}

TEST_F(PriceListTest, TakesNoMoreProductsThanAPriceNeeds) {
  std::string page = R"({"PriceList":[)";
  for (std::size_t at = 0; at < 150; ++at) page += R"("a",)";
  page.back() = ']';
  int number = 0;
  http.fallback = [&](const net::Request&) -> Result<net::Response> {
    return net::Response{200, {}, page + R"(,"NextToken":")" + std::to_string(++number) + "\"}"};
  };
  EXPECT_EQ(error(), "GetProducts of AmazonEC2: more than 400 products match");
  EXPECT_EQ(number, 3);
}

TEST_F(PriceListTest, KeepsToItsLimitOverAllPages) {
  int number = 0;
  http.fallback = [&](const net::Request&) -> Result<net::Response> {
    clock.advance(Millis{9'000});
    return net::Response{200, {}, R"({"PriceList":[],"NextToken":")" + std::to_string(++number) + "\"}"};
  };
  EXPECT_EQ(error(), "GetProducts of AmazonEC2: not all pages came within 20s");
  ASSERT_EQ(http.limits_seen.size(), 3U);
  EXPECT_EQ(http.limits_seen[0].total, Millis{10'000});
  EXPECT_EQ(http.limits_seen[2].total, Millis{2'000});
}

TEST_F(PriceListTest, SpeaksToTheUsersOwnEndpoint) {
  environment["AWS_ENDPOINT_URL_PRICING"] = "http://127.0.0.1:5000";
  make();
  http.then(200, R"({"PriceList":[]})");
  EXPECT_TRUE(products());
  EXPECT_EQ(http.requests.at(0).url.host, "127.0.0.1");
}

TEST(PriceListRegion, IsOneThatHasTheApi) {
  struct Case {
    const char* region;
    const char* asked;
  };
  for (const auto& [region, asked] :
       {Case{"us-east-1", "us-east-1"}, Case{"us-west-2", "us-east-1"}, Case{"sa-east-1", "us-east-1"},
        Case{"eu-west-3", "eu-central-1"}, Case{"ap-northeast-1", "ap-south-1"},
        Case{"cn-north-1", "cn-northwest-1"}, Case{"us-gov-west-1", ""},
        Case{"us-iso-west-1", "us-iso-east-1"}, Case{"us-isob-east-1", "us-isob-east-1"},
        Case{"eusc-de-east-1", "eusc-de-east-1"}})
    EXPECT_EQ(price_list_region(region), asked) << region;
}

TEST_F(PriceListTest, AsksNobodyWhereThereIsNoApi) {
  const auto told = products("us-gov-west-1");
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().kind, ErrorKind::not_found);
  EXPECT_TRUE(http.requests.empty());
  http.then(200, R"({"PriceList":[]})");
  EXPECT_TRUE(products("cn-north-1"));
  EXPECT_EQ(http.requests.at(0).url.host, "api.pricing.cn-northwest-1.amazonaws.com.cn");
}

}  // namespace
}  // namespace curfew::aws
