#include "aws/core/signer.hpp"

#include <fstream>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "aws/core/hash.hpp"
#include "net/encoding.hpp"

namespace curfew::aws {
namespace {

std::string text_of(const boost::json::value& value) { return std::string(value.as_string()); }

const net::Header* find(const std::vector<net::Header>& headers, std::string_view name) {
  for (const auto& header : headers)
    if (header.name == name) return &header;
  return nullptr;
}

// Made by make_signing_vectors.py with botocore's signer.
TEST(Signer, AgreesWithBotocoreOnEveryGeneratedRequest) {
  std::ifstream file(CURFEW_TEST_DATA "/signing_vectors.jsonl");
  ASSERT_TRUE(file.is_open());
  int count = 0;
  for (std::string line; std::getline(file, line); ++count) {
    const auto vector = boost::json::parse(line);
    const auto url = net::parse_url(text_of(vector.at("url")));
    ASSERT_TRUE(url) << line;
    net::Request request;
    request.method = text_of(vector.at("method"));
    request.url = *url;
    for (const auto& header : vector.at("headers").as_array())
      request.headers.push_back({text_of(header.at(0)), text_of(header.at(1))});
    const auto body = net::from_hex(text_of(vector.at("body")));
    const auto time = parse_utc(text_of(vector.at("time")));
    ASSERT_TRUE(body && time) << line;
    Credentials credentials;
    credentials.access_key = text_of(vector.at("access_key"));
    credentials.secret_key = text_of(vector.at("secret_key"));
    credentials.session_token = text_of(vector.at("token"));
    const auto headers =
        sign(credentials, {text_of(vector.at("region")), text_of(vector.at("service")), *time}, request,
             sha256_hex(*body));
    const auto* authorization = find(headers, "Authorization");
    ASSERT_NE(authorization, nullptr);
    EXPECT_EQ(authorization->value, text_of(vector.at("authorization"))) << line;
    EXPECT_EQ(find(headers, "X-Amz-Security-Token") != nullptr, !credentials.session_token.empty());
  }
  EXPECT_GE(count, 200);
}

TEST(Signer, PutsTheDateAsAwsWritesIt) {
  EXPECT_EQ(format_amz_date(*parse_utc("2026-11-04T08:09:05Z")), "20261104T080905Z");
  EXPECT_EQ(format_amz_date(*parse_utc("2026-11-04T08:09:05Z") + Millis{999}), "20261104T080905Z");
}

TEST(Signer, HashesWhatIsKnown) {
  EXPECT_EQ(sha256_hex(""), k_empty_sha256);
  EXPECT_EQ(sha256_base64("abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
  Sha256 pieces;
  pieces.update("a");
  pieces.update("");
  pieces.update("bc");
  EXPECT_EQ(net::base64(view(pieces.finish())), sha256_base64("abc"));
}

}  // namespace
}  // namespace curfew::aws
