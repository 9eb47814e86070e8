// A bucket and how it's set up: what making, checking and deleting one needs; behind an interface for tests. Objects are
// in s3.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/session.hpp"
#include "aws/tags.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace curfew::aws {

// One rule of a lifecycle configuration. What isn't one of these fields makes it not `plain`; `xml` is all of it.
struct LifecycleRule {
  std::string id;
  std::string prefix;  // empty: the whole bucket
  bool enabled = true;
  std::optional<std::uint64_t> expire_days;  // from an object's making
  std::optional<std::uint64_t> abort_days;   // from a multipart upload's beginning
  bool plain = true;
  std::string xml;  // of one that was read; empty in a new one
  // By what they do, not by how they're written.
  friend bool operator==(const LifecycleRule& a, const LifecycleRule& b) {
    return a.id == b.id && a.prefix == b.prefix && a.enabled == b.enabled && a.expire_days == b.expire_days &&
           a.abort_days == b.abort_days && a.plain == b.plain;
  }
};

// Each call ends within 30 s, and says whose bucket it has to be: one of another account is refused, by S3 itself.
// Error.code is S3's own: "AccessDenied", "BucketAlreadyExists". What is read of a setting that was never made is empty.
class S3Bucket {
 public:
  virtual ~S3Bucket() = default;
  // An error of kind refused: it's somebody else's, or it may not be looked at; HEAD has no words for which.
  [[nodiscard]] virtual Awaitable<Result<bool>> is_there() = 0;
  [[nodiscard]] virtual Awaitable<Result<ResourceTags>> tags() = 0;
  // All four of "Block public access".
  [[nodiscard]] virtual Awaitable<Result<bool>> is_public_access_blocked() = 0;
  // "AES256", "aws:kms", "aws:kms:dsse".
  [[nodiscard]] virtual Awaitable<Result<std::string>> encryption() = 0;
  // "BucketOwnerEnforced": no access lists.
  [[nodiscard]] virtual Awaitable<Result<std::string>> ownership() = 0;
  [[nodiscard]] virtual Awaitable<Result<std::vector<LifecycleRule>>> lifecycle() = 0;
  // A JSON document; empty: none.
  [[nodiscard]] virtual Awaitable<Result<std::string>> policy() = 0;

  // Fine where it's there and ours already.
  [[nodiscard]] virtual Awaitable<Status> create() = 0;
  [[nodiscard]] virtual Awaitable<Status> put_tags(ResourceTags tags) = 0;
  [[nodiscard]] virtual Awaitable<Status> block_public_access() = 0;
  // By S3's own keys (SSE-S3).
  [[nodiscard]] virtual Awaitable<Status> encrypt() = 0;
  [[nodiscard]] virtual Awaitable<Status> enforce_owner() = 0;
  // In place of all that there are. One with `xml` is put as it was read.
  [[nodiscard]] virtual Awaitable<Status> put_lifecycle(std::vector<LifecycleRule> rules) = 0;
  [[nodiscard]] virtual Awaitable<Status> put_policy(std::string document) = 0;

  // At most 1000 keys; an error names the first that wasn't deleted.
  [[nodiscard]] virtual Awaitable<Status> delete_objects(std::vector<std::string> keys) = 0;
  // Fine when it's gone already; refused by S3 where anything is in it.
  [[nodiscard]] virtual Awaitable<Status> delete_bucket() = 0;
};

// The bucket of that name, of `account` in `region`. The session must outlive it.
[[nodiscard]] std::unique_ptr<S3Bucket> make_s3_bucket(Session& session, std::string bucket,
                                                       std::string region, std::string account);

// Pure; for s3_bucket.cpp and its tests.
[[nodiscard]] Result<ResourceTags> parse_bucket_tags(std::string_view xml);
[[nodiscard]] Result<bool> parse_public_access_block(std::string_view xml);
[[nodiscard]] Result<std::string> parse_encryption(std::string_view xml);
[[nodiscard]] Result<std::string> parse_ownership(std::string_view xml);
[[nodiscard]] Result<std::vector<LifecycleRule>> parse_lifecycle(std::string_view xml);
[[nodiscard]] Result<std::string> parse_bucket_policy(std::string_view json);
// The keys that were not deleted, each with why.
[[nodiscard]] Result<std::vector<std::string>> parse_deleted(std::string_view xml);
[[nodiscard]] std::string lifecycle_body(const std::vector<LifecycleRule>& rules);
[[nodiscard]] std::string delete_body(const std::vector<std::string>& keys);

}  // namespace curfew::aws
