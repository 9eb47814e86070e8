#include "aws/s3_browse.hpp"

#include <gtest/gtest.h>

#include "aws/s3_replies.hpp"
#include "support/run.hpp"
#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

constexpr const char* k_folders =
    R"(<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated><CommonPrefixes><Prefix>jobs/a+b%2F/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>jobs/c/</Prefix></CommonPrefixes></ListBucketResult>)";

TEST(CommonPrefixes, are_read_as_they_are) {
  const auto prefixes = parse_common_prefixes(k_folders);
  ASSERT_TRUE(prefixes) << prefixes.error().text();
  EXPECT_EQ(*prefixes, (std::vector<std::string>{"jobs/a b//", "jobs/c/"}));
}

TEST(CommonPrefixes, are_refused_where_they_cannot_be_read) {
  EXPECT_FALSE(parse_common_prefixes("<Error/>"));
  EXPECT_FALSE(
      parse_common_prefixes("<ListBucketResult><EncodingType>url</EncodingType><CommonPrefixes><Prefix>%zz</"
                            "Prefix></CommonPrefixes>"
                            "</ListBucketResult>"));
}

class Browsing : public ::testing::Test, protected SessionFixture {};

TEST_F(Browsing, asks_for_what_comes_after_a_key_and_for_folders) {
  http.then(200, k_folders);
  const auto browse = make_s3_browse(*session, "us-east-1");
  auto listing = browse->list({{"bucket", "st/jobs/"}, "st/jobs/a b", true}, {});
  const auto page = test::run(std::move(listing));
  ASSERT_TRUE(page) << page.error().text();
  EXPECT_EQ(page->folders.size(), 2U);
  EXPECT_EQ(http.requests.front().url.target.substr(http.requests.front().url.target.find('?')),
            "?list-type=2&encoding-type=url&max-keys=1000&prefix=st%2Fjobs%2F&delimiter=%2F&start-after=st%"
            "2Fjobs%2Fa%20b");
}

TEST_F(Browsing, reads_no_object_that_is_longer_than_it_may_be) {
  http.then(200, "12345");
  http.then(200, "12345");
  const auto browse = make_s3_browse(*session, "us-east-1");
  auto reading = browse->read({"bucket", "key"}, 5);
  EXPECT_EQ(test::run(std::move(reading)).value(), "12345");
  auto again = browse->read({"bucket", "key"}, 4);
  EXPECT_FALSE(test::run(std::move(again)));
}

}  // namespace
}  // namespace curfew::aws
