// AWS Signature Version 4. Pure: the time comes in, headers come out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/times.hpp"
#include "net/http.hpp"

namespace curfew::aws {

// Never to be shown but for the access key.
struct Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;        // empty: long-lived keys
  std::optional<WallTime> expires;  // none: never
  std::string source;               // "environment", "profile default", "container", "instance role NAME"
};

struct SigningScope {
  std::string region;
  std::string service;  // "ec2", "s3": the name in the signature, not always the endpoint's
  WallTime time{};
};

// The SHA-256 of an empty body.
inline constexpr std::string_view k_empty_sha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

// The headers to add: X-Amz-Date, X-Amz-Security-Token, for S3 X-Amz-Content-SHA256, and Authorization. The request's
// target must be encoded already. For S3 the path is signed as it's sent; for other services it's normalised and
// encoded once more. What a proxy or the client may change is not signed (User-Agent, Expect). `payload_sha256` is
// the body's, in hex.
[[nodiscard]] std::vector<net::Header> sign(const Credentials& credentials, const SigningScope& scope,
                                            const net::Request& request, std::string_view payload_sha256);

// "20261124T180000Z".
[[nodiscard]] std::string format_amz_date(WallTime time);

}  // namespace curfew::aws
