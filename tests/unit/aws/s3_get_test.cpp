#include "aws/s3_get.hpp"

#include <gtest/gtest.h>

namespace curfew::aws {
namespace {

net::Response reply(std::vector<net::Header> more, const std::string& etag = "abc") {
  net::Response response{200, {{"Content-Length", "12"}, {"ETag", "\"" + etag + "\""}}, ""};
  response.headers.insert(response.headers.end(), more.begin(), more.end());
  return response;
}

TEST(ObjectFacts, are_read_from_a_replys_headers) {
  const auto facts = facts_from_headers(reply({{"x-amz-checksum-crc64nvme", "AAAAAAAAAAA="},
                                               {"x-amz-checksum-type", "FULL_OBJECT"},
                                               {"x-amz-server-side-encryption", "AES256"}}));
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->size, 12U);
  EXPECT_EQ(facts->etag, "abc");
  EXPECT_EQ(facts->checksums, (std::vector<Checksum>{{"CRC64NVME", "AAAAAAAAAAA="}}));
  EXPECT_TRUE(facts->etag_is_md5);
  EXPECT_FALSE(facts_from_headers({200, {{"ETag", "\"abc\""}}, ""}));
}

TEST(ObjectFacts, leave_out_checksums_of_checksums) {
  EXPECT_TRUE(
      facts_from_headers(reply({{"x-amz-checksum-sha256", "AAAA"}, {"x-amz-checksum-type", "COMPOSITE"}}))
          ->checksums.empty());
  EXPECT_TRUE(facts_from_headers(reply({{"x-amz-checksum-sha256", "AAAA-2"}}))->checksums.empty());
  EXPECT_TRUE(facts_from_headers(reply({{"x-amz-checksum-crc32", "AAAA"}}, "abc-2"))->checksums.empty());
  EXPECT_FALSE(facts_from_headers(
                   reply({{"x-amz-checksum-crc32", "AAAA"}, {"x-amz-checksum-type", "FULL_OBJECT"}}, "abc-2"))
                   ->checksums.empty());
}

TEST(ObjectFacts, know_where_an_etag_is_no_md5) {
  EXPECT_FALSE(facts_from_headers(reply({{"x-amz-server-side-encryption", "aws:kms"}}))->etag_is_md5);
  EXPECT_FALSE(facts_from_headers(reply({{"x-amz-server-side-encryption-customer-algorithm", "AES256"}}))
                   ->etag_is_md5);
}

}  // namespace
}  // namespace curfew::aws
