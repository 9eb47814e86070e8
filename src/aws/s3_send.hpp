// One request to S3, to wherever its bucket is: for s3.cpp and s3_get.cpp.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "aws/s3.hpp"
#include "aws/session.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace curfew::aws {

struct S3Request {
  std::string what;
  std::string method;
  S3Location at;
  std::string query;  // encoded, without the ?
  std::vector<net::Header> headers;
  net::Body body = std::string{};
  // Of an object's data, Base64: S3 keeps it with the object. Never of another body: S3 takes the header for the object's
  // there too (CompleteMultipartUpload, API Reference), and refuses what doesn't match.
  std::string sha256;
  bool xml = false;
  std::size_t reply_limit = 256U << 10U;
};

class S3Sender {
 public:
  // Begins in `region` (empty: us-east-1); the session must outlive it.
  S3Sender(Session& session, std::string region);
  // Signed, retried, and following one redirect to the bucket's region; a slow transfer gets time by its length.
  [[nodiscard]] Awaitable<Result<net::Response>> send(S3Request request);
  // The object, into memory; invalid_input where it's longer than `limit`.
  [[nodiscard]] Awaitable<Result<net::Response>> read_small(S3Location object, std::size_t limit);

 private:
  Session& session_;
  std::string region_;
  std::map<std::string, std::string, std::less<>> regions_;  // where buckets were found to be
};

}  // namespace curfew::aws
