// PutObject with If-None-Match and If-Match (S3 User Guide, Conditional writes), and GetObject with what they need.
#include "aws/s3_conditional.hpp"

#include "aws/core/hash.hpp"
#include "aws/core/retry.hpp"
#include "aws/s3_replies.hpp"
#include "aws/s3_send.hpp"

namespace curfew::aws {
namespace {

class RestS3Conditional final : public S3Conditional {
 public:
  RestS3Conditional(Session& session, std::string region) : sender_(session, std::move(region)) {}

  Awaitable<Result<std::string>> put(S3Location to, std::string text, std::string etag) override {
    S3Request call;
    call.what = "put " + to.text();
    call.method = "PUT";
    call.at = std::move(to);
    call.sha256 = sha256_base64(text);
    call.body = std::move(text);
    if (etag.empty()) call.headers.push_back({"If-None-Match", "*"});
    else call.headers.push_back({"If-Match", "\"" + etag + "\""});
    auto what = call.what;
    auto sending = sender_.send(std::move(call));
    auto response = co_await std::move(sending);
    if (!response) co_return fail(std::move(response.error()));
    auto given = without_quotes(response->header("ETag"));
    if (given.empty()) co_return fail(ErrorKind::unavailable, what, "the reply has no ETag");
    co_return given;
  }

  Awaitable<Result<Kept>> read(S3Location object, std::size_t limit) override {
    const auto what = "read " + object.text();
    auto reading = sender_.read_small(std::move(object), limit);
    auto response = co_await std::move(reading);
    if (!response) co_return fail(std::move(response.error()));
    Kept kept;
    kept.etag = without_quotes(response->header("ETag"));
    if (kept.etag.empty()) co_return fail(ErrorKind::unavailable, what, "the reply has no ETag");
    const auto now = parse_http_date(response->header("Date"));
    const auto written = parse_http_date(response->header("Last-Modified"));
    if (now && written) kept.age = std::chrono::floor<Seconds>(*now - *written);
    kept.text = std::move(response->body);
    co_return kept;
  }

 private:
  S3Sender sender_;
};

}  // namespace

std::unique_ptr<S3Conditional> make_s3_conditional(Session& session, std::string region) {
  return std::make_unique<RestS3Conditional>(session, std::move(region));
}

}  // namespace curfew::aws
