#include "save/verify.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "net/encoding.hpp"
#include "os/fd.hpp"
#include "unit/save/folder.hpp"

namespace curfew::save {
namespace {

std::string base64_of_hex(const char* hex) { return net::base64(*net::from_hex(hex)); }

// "check" values of the CRC catalogue, and RFC 1321's and FIPS 180's for the others.
TEST(Checksum, is_as_the_standards_have_it) {
  EXPECT_EQ(*checksum_of("CRC64NVME", "123456789"), base64_of_hex("ae8b14860a799888"));
  EXPECT_EQ(*checksum_of("CRC32C", "123456789"), base64_of_hex("e3069283"));
  EXPECT_EQ(*checksum_of("CRC32", "123456789"), base64_of_hex("cbf43926"));
  EXPECT_EQ(*checksum_of("MD5", "abc"), base64_of_hex("900150983cd24fb0d6963f7d28e17f72"));
  EXPECT_EQ(*checksum_of("SHA256", "abc"),
            base64_of_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  EXPECT_FALSE(checksum_of("SHA1", ""));
}

TEST(Check, is_the_best_that_s3_keeps) {
  aws::ObjectFacts facts;
  EXPECT_FALSE(check_for(facts));
  facts.etag = std::string(32, 'a');
  EXPECT_FALSE(check_for(facts)) << "with KMS an ETag is no MD5, whatever it looks like";
  facts.etag_is_md5 = true;
  EXPECT_EQ(check_for(facts)->sum, (aws::Checksum{"MD5", facts.etag}));
  facts.checksums = {{"CRC32", "x"}, {"CRC64NVME", "y"}};
  EXPECT_EQ(check_for(facts)->sum.algorithm, "CRC64NVME");
  facts.checksums.clear();
  facts.etag = "0123456789-1";
  EXPECT_FALSE(check_for(facts));
}

TEST(Check, knows_an_etag_of_parts) {
  const std::string md5(32, '0');
  EXPECT_EQ(parts_in_etag(md5), 0U);
  EXPECT_EQ(parts_in_etag(md5 + "-1"), 1U);
  EXPECT_EQ(parts_in_etag(md5 + "-10000"), 10'000U);
  for (const char* end : {"-0", "-10001", "-", "-x", "x"}) EXPECT_EQ(parts_in_etag(md5 + end), 0U) << end;
}

std::string md5_of(const std::string& text) { return *net::from_base64(*checksum_of("MD5", text)); }
std::string hex_of(const std::string& bytes) {
  return net::hex({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
}

TEST(Verify, tells_the_file_from_any_other) {
  const Folder folder;
  const std::string text(100'003, 'x');
  folder.write("a", text);
  const os::Fd fd{::open(folder.at("a").c_str(), O_RDONLY)};
  for (const char* algorithm : {"SHA256", "CRC64NVME", "CRC32C", "CRC32"}) {
    EXPECT_TRUE(verify(fd.get(), text.size(), {{algorithm, *checksum_of(algorithm, text)}, 0})) << algorithm;
    EXPECT_FALSE(verify(fd.get(), text.size(), {{algorithm, *checksum_of(algorithm, text + "x")}, 0}));
  }
  EXPECT_TRUE(verify(fd.get(), text.size(), {{"MD5", hex_of(md5_of(text))}, 0}));
  const auto parts = hex_of(md5_of(md5_of(text.substr(0, 60'000)) + md5_of(text.substr(60'000)))) + "-2";
  EXPECT_TRUE(verify(fd.get(), text.size(), {{"MD5", parts}, 60'000}));
  EXPECT_FALSE(verify(fd.get(), text.size(), {{"MD5", parts}, 50'000}));
  EXPECT_FALSE(verify(fd.get(), text.size(), {{"MD5", parts}, 0}));
  EXPECT_FALSE(verify(fd.get(), text.size() + 1, {{"MD5", hex_of(md5_of(text))}, 0})) << "it's too short";
}

}  // namespace
}  // namespace curfew::save
