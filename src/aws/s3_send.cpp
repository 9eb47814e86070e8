// S3's requests: address, checksum, time.
#include "aws/s3_send.hpp"

#include <algorithm>

#include "aws/core/call.hpp"
#include "aws/core/hash.hpp"
#include "base/text.hpp"
#include "net/encoding.hpp"

namespace curfew::aws {
namespace {

constexpr std::size_t k_least_reply = 64U << 10U;     // an error's document is longer than a short object
constexpr std::uint64_t k_slowest_rate = 64U << 10U;  // bytes a second: slower than this isn't waited for
constexpr Seconds k_longest_upload = std::chrono::hours{6};
constexpr std::size_t k_known_buckets = 64;

}  // namespace

S3Sender::S3Sender(Session& session, std::string region) : session_(session), region_(std::move(region)) {
  if (region_.empty()) region_ = "us-east-1";
}

Awaitable<Result<net::Response>> S3Sender::send(S3Request parameters) {
  if (!parse_s3_url("s3://" + parameters.at.bucket))
    co_return fail(ErrorKind::invalid_input, parameters.what, "no bucket can be called so");
  Call call;
  call.what = printable(parameters.what, 300);
  call.service = "s3";
  call.xml = parameters.xml;
  call.request.method = std::move(parameters.method);
  call.request.headers = std::move(parameters.headers);
  std::uint64_t length = 0;
  if (const auto* text = std::get_if<std::string>(&parameters.body)) length = text->size();
  else length = std::get<net::FileSlice>(parameters.body).length;
  if (!parameters.xml && parameters.method == "GET") length += parameters.reply_limit;
  if (parameters.sha256.empty() && std::holds_alternative<net::FileSlice>(parameters.body))
    co_return fail(ErrorKind::invalid_input, call.what, "the file's SHA-256 is missing");
  if (!parameters.sha256.empty()) {
    const auto digest = net::from_base64(parameters.sha256);
    if (!digest || digest->size() != std::tuple_size_v<Digest>)
      co_return fail(ErrorKind::invalid_input, call.what, "what should be a SHA-256 in Base64 is none");
    call.payload_sha256 = net::hex({reinterpret_cast<const unsigned char*>(digest->data()), digest->size()});
    call.request.headers.push_back({"x-amz-checksum-sha256", parameters.sha256});
  }
  call.request.body = std::move(parameters.body);
  const auto patience =
      std::min(k_longest_upload, Seconds{60 + static_cast<Seconds::rep>(length / k_slowest_rate)});
  call.limits = {Millis{5'000}, Millis{30'000}, patience, parameters.reply_limit};
  call.total = 2 * patience;

  for (bool redirected = false;; redirected = true) {
    const auto known = regions_.find(parameters.at.bucket);
    call.region = known == regions_.end() ? region_ : known->second;
    const auto endpoint = session_.endpoint("s3", call.region);
    if (!endpoint) co_return fail(Error(endpoint.error()).within(call.what));
    call.request.url = s3_url(*endpoint, parameters.at.bucket, parameters.at.key);
    if (!parameters.query.empty()) call.request.url.target += "?" + parameters.query;
    auto response = co_await perform(session_, call);
    if (response) co_return std::move(*response);
    auto& failure = response.error();
    const bool elsewhere = failure.status / 100 == 3 || failure.status == 400;
    if (!redirected && elsewhere && !failure.bucket_region.empty() && failure.bucket_region != call.region) {
      if (regions_.size() >= k_known_buckets) regions_.clear();
      regions_[parameters.at.bucket] = failure.bucket_region;
      continue;
    }
    co_return fail(std::move(failure.error));
  }
}

Awaitable<Result<net::Response>> S3Sender::read_small(S3Location object, std::size_t limit) {
  S3Request call;
  call.what = "read " + object.text();
  call.method = "GET";
  call.at = std::move(object);
  call.reply_limit = std::max(limit, k_least_reply);
  auto what = call.what;
  auto sending = send(std::move(call));
  auto response = co_await std::move(sending);
  if (response && response->body.size() > limit)
    co_return fail(ErrorKind::invalid_input, what, "it is longer than it can rightly be");
  co_return std::move(response);
}

}  // namespace curfew::aws
