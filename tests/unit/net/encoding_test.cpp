#include "net/encoding.hpp"

#include <gtest/gtest.h>

namespace curfew::net {
namespace {

TEST(Encoding, PercentEncodesAllButTheUnreserved) {
  EXPECT_EQ(percent_encode("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percent_encode("a b+c/d%"), "a%20b%2Bc%2Fd%25");
  EXPECT_EQ(percent_encode("a/b", "/"), "a/b");
  EXPECT_EQ(percent_encode("\xc3\xbc"), "%C3%BC");
  EXPECT_EQ(percent_encode(std::string_view("\0\xff", 2)), "%00%FF");
}

TEST(Encoding, DecodesWhatItEncoded) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
  EXPECT_EQ(from_base64(base64(all)), all);
  EXPECT_EQ(from_hex(hex({reinterpret_cast<const unsigned char*>(all.data()), all.size()})), all);
}

TEST(Encoding, RefusesWhatIsCut) {
  for (const auto* text : {"%", "%4", "a%4", "%zz", "%4g"}) EXPECT_FALSE(percent_decode(text)) << text;
  for (const auto* text : {"a", "ab=", "ab=c", "====", "a===", "ab!="})
    EXPECT_FALSE(from_base64(text)) << text;
  for (const auto* text : {"a", "zz"}) EXPECT_FALSE(from_hex(text)) << text;
}

TEST(Encoding, KnowsBase64OfEachLength) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(from_base64("Zg=="), "f");
  EXPECT_EQ(from_base64("Zm8="), "fo");
}

TEST(Encoding, ComparesAsciiInAnyCase) {
  EXPECT_TRUE(equal_ignoring_case("Content-Type", "content-type"));
  EXPECT_FALSE(equal_ignoring_case("a", "ab"));
  EXPECT_EQ(lower_case("ÄB"), "Äb");
}

}  // namespace
}  // namespace curfew::net
