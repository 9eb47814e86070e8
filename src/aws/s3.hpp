// S3: the calls that saving needs, as values; behind an interface so that save/ can be tested without a server.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"
#include "net/http.hpp"

namespace curfew::aws {

using net::Awaitable;

// "s3://bucket/prefix": bucket names as AWS allows them; the key or prefix is bytes, not URL-encoded, may be empty.
struct S3Location {
  std::string bucket;
  std::string key;
  [[nodiscard]] std::string text() const { return "s3://" + bucket + "/" + key; }
};
[[nodiscard]] Result<S3Location> parse_s3_url(std::string_view text);

using Metadata =
    std::vector<std::pair<std::string, std::string>>;  // x-amz-meta-*, names in lower case, values ASCII

struct ObjectInfo {
  std::string key;
  std::uint64_t size = 0;
  std::string etag;  // without quotes
  WallTime modified{};
  Metadata metadata;  // from head only
};

struct ListPage {
  std::vector<ObjectInfo> objects;
  std::string next;  // continuation token; empty on the last page
};

struct Part {
  int number = 0;  // from 1
  std::string etag;
  std::string sha256;  // base64, as in x-amz-checksum-sha256
};

struct Upload {  // an unfinished multipart upload
  std::string key;
  std::string id;
  WallTime initiated{};
};

struct UploadList {
  std::vector<Upload> uploads;
  bool all = true;  // false: there are more than are asked for, and these are the first
};

// Every call is signed, retried by the standard mode within the call's own time limit, and follows one redirect to the
// bucket's region. Bodies carry x-amz-checksum-sha256 (base64 in `sha256`), which S3 verifies before it answers.
// Error.code is S3's own ("NoSuchBucket", "AccessDenied", "SlowDown").
class S3 {
 public:
  virtual ~S3() = default;
  // Stores one object; the ETag S3 gave it.
  [[nodiscard]] virtual Awaitable<Result<std::string>> put(S3Location to, net::Body body, std::string sha256,
                                                           Metadata metadata) = 0;
  [[nodiscard]] virtual Awaitable<Result<std::string>> start_multipart(S3Location to, Metadata metadata) = 0;
  [[nodiscard]] virtual Awaitable<Result<Part>> put_part(S3Location to, std::string upload_id, int number,
                                                         net::Body body, std::string sha256) = 0;
  [[nodiscard]] virtual Awaitable<Result<std::string>> complete_multipart(S3Location to,
                                                                          std::string upload_id,
                                                                          std::vector<Part> parts) = 0;
  // Fine when it's already gone.
  [[nodiscard]] virtual Awaitable<Status> abort_multipart(S3Location to, std::string upload_id) = 0;
  // not_found where there is no such object.
  [[nodiscard]] virtual Awaitable<Result<ObjectInfo>> head(S3Location object) = 0;
  // Objects under the prefix in key order, up to 1000 a page; pass `next` of the page before.
  [[nodiscard]] virtual Awaitable<Result<ListPage>> list(S3Location prefix, std::string next) = 0;
  // Unfinished uploads under the prefix: the first 20,000.
  [[nodiscard]] virtual Awaitable<Result<UploadList>> list_uploads(S3Location prefix) = 0;
};

class Session;
// Begins in `region` (empty: us-east-1) and learns where each bucket is; the session must outlive it. A file's body needs
// its sha256; a body in memory is hashed where that is empty.
[[nodiscard]] std::unique_ptr<S3> make_s3(Session& session, std::string region);

}  // namespace curfew::aws
