// S3's REST calls on a bucket itself.
#include "aws/s3_bucket.hpp"

#include "aws/core/call.hpp"
#include "aws/core/hash.hpp"
#include "aws/s3.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

constexpr std::size_t k_largest_reply = 1U
                                        << 20U;  // a lifecycle of 1000 rules; 1000 keys that weren't deleted
constexpr net::Limits k_limits{Millis{5'000}, Millis{10'000}, Millis{15'000}, k_largest_reply};
constexpr Millis k_total{30'000};
constexpr std::size_t k_most_keys = 1'000;
constexpr const char* k_xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

class RestS3Bucket final : public S3Bucket {
 public:
  RestS3Bucket(Session& session, std::string bucket, std::string region, std::string account)
      : session_(session),
        bucket_(std::move(bucket)),
        region_(std::move(region)),
        account_(std::move(account)) {}

  Awaitable<Result<bool>> is_there() override {
    auto asking = send("HEAD", "", "");
    const auto response = co_await std::move(asking);
    if (response) co_return true;
    if (response.error().kind == ErrorKind::not_found) co_return false;
    co_return fail(Error{response.error()});
  }

  Awaitable<Result<ResourceTags>> tags() override {
    return read("tagging", "NoSuchTagSet", parse_bucket_tags);
  }
  Awaitable<Result<bool>> is_public_access_blocked() override {
    return read("publicAccessBlock", "NoSuchPublicAccessBlockConfiguration", parse_public_access_block);
  }
  Awaitable<Result<std::string>> encryption() override {
    return read("encryption", "ServerSideEncryptionConfigurationNotFoundError", parse_encryption);
  }
  Awaitable<Result<std::string>> ownership() override {
    return read("ownershipControls", "OwnershipControlsNotFoundError", parse_ownership);
  }
  Awaitable<Result<std::vector<LifecycleRule>>> lifecycle() override {
    return read("lifecycle", "NoSuchLifecycleConfiguration", parse_lifecycle);
  }
  Awaitable<Result<std::string>> policy() override {
    return read("policy", "NoSuchBucketPolicy", parse_bucket_policy);
  }

  Awaitable<Status> create() override {
    // us-east-1 is where a bucket is that says nothing, and may not be said.
    std::string body;
    if (region_ != "us-east-1")
      body = std::string(k_xml) +
             "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
             "<LocationConstraint>" +
             region_ + "</LocationConstraint></CreateBucketConfiguration>";
    auto making = change("PUT", "", std::move(body));
    auto made = co_await std::move(making);
    if (!made && made.error().code == "BucketAlreadyOwnedByYou") co_return Status{};
    co_return made;
  }

  Awaitable<Status> put_tags(ResourceTags tags) override {
    std::string body =
        std::string(k_xml) + "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet>";
    for (const auto& [key, value] : tags)
      body += "<Tag><Key>" + key + "</Key><Value>" + value + "</Value></Tag>";
    return change("PUT", "tagging", body + "</TagSet></Tagging>");
  }
  Awaitable<Status> block_public_access() override {
    return change("PUT", "publicAccessBlock",
                  std::string(k_xml) +
                      "<PublicAccessBlockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                      "<BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>"
                      "<BlockPublicPolicy>true</BlockPublicPolicy>"
                      "<RestrictPublicBuckets>true</RestrictPublicBuckets>"
                      "</PublicAccessBlockConfiguration>");
  }
  Awaitable<Status> encrypt() override {
    return change("PUT", "encryption",
                  std::string(k_xml) +
                      "<ServerSideEncryptionConfiguration "
                      "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Rule>"
                      "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm>"
                      "</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>");
  }
  Awaitable<Status> enforce_owner() override {
    return change("PUT", "ownershipControls",
                  std::string(k_xml) +
                      "<OwnershipControls xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Rule>"
                      "<ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>");
  }
  Awaitable<Status> put_lifecycle(std::vector<LifecycleRule> rules) override {
    return change("PUT", "lifecycle", k_xml + lifecycle_body(rules));
  }
  Awaitable<Status> put_policy(std::string document) override {
    return change("PUT", "policy", std::move(document));
  }

  Awaitable<Status> delete_objects(std::vector<std::string> keys) override {
    const std::string what = "delete objects of " + bucket_;
    if (keys.empty() || keys.size() > k_most_keys)
      co_return fail(ErrorKind::invalid_input, what, "1 to 1000 of them can be");
    auto asking = send("POST", "delete", k_xml + delete_body(keys));
    const auto response = co_await std::move(asking);
    if (!response) co_return fail(Error{response.error()});
    const auto failures = parse_deleted(response->body);
    if (!failures) co_return fail(Error{failures.error()}.within(what));
    if (!failures->empty()) {
      co_return fail(ErrorKind::refused, what,
                     std::to_string(failures->size()) + " could not be, the first " + failures->front());
    }
    co_return Status{};
  }

  Awaitable<Status> delete_bucket() override {
    auto removing = change("DELETE", "", "");
    auto removed = co_await std::move(removing);
    if (!removed && removed.error().code == "NoSuchBucket") co_return Status{};
    co_return removed;
  }

 private:
  // `absent` is how S3 says that this was never set.
  template <class T>
  Awaitable<Result<T>> read(std::string setting, std::string absent, Result<T> (*parse)(std::string_view)) {
    auto asking = send("GET", setting, "");
    const auto response = co_await std::move(asking);
    if (!response && response.error().code == absent) co_return T{};
    if (!response) co_return fail(Error{response.error()});
    auto value = parse(response->body);
    if (!value) co_return fail(std::move(value.error()).within("read " + setting + " of " + bucket_));
    co_return std::move(value);
  }

  Awaitable<Status> change(std::string method, std::string setting, std::string body) {
    auto asking = send(std::move(method), std::move(setting), std::move(body));
    const auto response = co_await std::move(asking);
    if (!response) co_return fail(Error{response.error()});
    co_return Status{};
  }

  Awaitable<Result<net::Response>> send(std::string method, std::string setting, std::string body) {
    Call call;
    const char* const verb = method == "HEAD"     ? "look at"
                             : method == "GET"    ? "read"
                             : method == "DELETE" ? "delete"
                             : setting.empty()    ? "create"
                                                  : "set";
    call.what = std::string(verb) + (setting.empty() ? "" : " " + setting + " of") + " bucket " + bucket_;
    if (!parse_s3_url("s3://" + bucket_))
      co_return fail(ErrorKind::invalid_input, call.what, "no bucket can be called so");
    const auto endpoint = session_.endpoint("s3", region_);
    if (!endpoint) co_return fail(Error{endpoint.error()}.within(call.what));
    call.service = "s3";
    call.region = region_;
    call.request.method = std::move(method);
    call.request.url = s3_url(*endpoint, bucket_, "");
    if (!setting.empty()) call.request.url.target += "?" + setting + "=";
    // CreateBucket doesn't take it: there's no owner yet.
    if (const bool creates = call.request.method == "PUT" && setting.empty(); !creates)
      call.request.headers.push_back({"x-amz-expected-bucket-owner", account_});
    // S3 wants these bodies with a checksum (API reference: "Content-MD5 or a checksum header is required").
    if (!body.empty()) {
      call.request.headers.push_back({"x-amz-checksum-sha256", sha256_base64(body)});
      if (setting != "policy") call.request.headers.push_back({"Content-Type", "application/xml"});
    }
    call.request.body = std::move(body);
    call.limits = k_limits;
    call.total = k_total;
    auto sending = perform(session_, std::move(call));
    auto response = co_await std::move(sending);
    if (!response) co_return fail(std::move(response.error().error));
    co_return std::move(*response);
  }

  Session& session_;
  std::string bucket_;
  std::string region_;
  std::string account_;
};

}  // namespace

std::unique_ptr<S3Bucket> make_s3_bucket(Session& session, std::string bucket, std::string region,
                                         std::string account) {
  return std::make_unique<RestS3Bucket>(session, std::move(bucket), std::move(region), std::move(account));
}

}  // namespace curfew::aws
