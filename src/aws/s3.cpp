// S3's REST protocol.
#include "aws/s3.hpp"

#include <algorithm>
#include <map>

#include "aws/core/call.hpp"
#include "aws/core/hash.hpp"
#include "aws/s3_replies.hpp"
#include "aws/session.hpp"
#include "base/text.hpp"
#include "net/encoding.hpp"

namespace curfew::aws {
namespace {

constexpr std::size_t k_small_reply = 256U << 10U;
constexpr std::size_t k_list_reply = 8U << 20U;       // 1000 keys of 1024 bytes, each byte as %XX
constexpr std::uint64_t k_slowest_rate = 64U << 10U;  // bytes a second: slower than this isn't waited for
constexpr Seconds k_longest_upload = std::chrono::hours{6};
constexpr int k_upload_pages = 20;
constexpr std::size_t k_metadata_limit = 2048;  // S3's own, for all of it
constexpr int k_most_parts = 10'000;

struct Parameters {
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
  std::size_t reply_limit = k_small_reply;
};

Status add_metadata(const Metadata& metadata, std::vector<net::Header>& headers) {
  const auto refuse = [](const char* why) {
    return fail(ErrorKind::invalid_input, "set an object's metadata", why);
  };
  std::size_t size = 0;
  for (const auto& [name, value] : metadata) {
    size += name.size() + value.size();
    const auto good_name = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    };
    const auto good_value = [](char c) { return c >= ' ' && c <= '~'; };
    if (name.empty() || !std::all_of(name.begin(), name.end(), good_name))
      return refuse("a name has more than lower-case letters, digits and hyphens");
    if (!std::all_of(value.begin(), value.end(), good_value))
      return refuse("a value has more than printable ASCII");
    headers.push_back({"x-amz-meta-" + name, value});
  }
  if (size > k_metadata_limit) return refuse("it is longer than 2 KiB");
  return {};
}

class RestS3 final : public S3 {
 public:
  RestS3(Session& session, std::string region) : session_(session), region_(std::move(region)) {
    if (region_.empty()) region_ = "us-east-1";
  }

  Awaitable<Result<std::string>> put(S3Location to, net::Body body, std::string sha256,
                                     Metadata metadata) override {
    Parameters call;
    call.what = "put " + to.text();
    if (const auto* text = std::get_if<std::string>(&body); text != nullptr && sha256.empty())
      sha256 = sha256_base64(*text);
    call.method = "PUT";
    call.at = std::move(to);
    call.body = std::move(body);
    call.sha256 = std::move(sha256);
    if (auto fine = add_metadata(metadata, call.headers); !fine) co_return fail(std::move(fine).error());
    auto what = call.what;
    auto response = co_await send(std::move(call));
    if (!response) co_return fail(std::move(response).error());
    co_return etag_of(what, *response);
  }

  Awaitable<Result<std::string>> start_multipart(S3Location to, Metadata metadata) override {
    Parameters call;
    call.what = "start a multipart upload to " + to.text();
    call.method = "POST";
    call.at = std::move(to);
    call.query = "uploads=";
    call.headers.push_back({"x-amz-checksum-algorithm", "SHA256"});
    call.xml = true;
    if (auto fine = add_metadata(metadata, call.headers); !fine) co_return fail(std::move(fine).error());
    auto what = call.what;
    auto response = co_await send(std::move(call));
    if (!response) co_return fail(std::move(response).error());
    co_return told(what, parse_started_upload(response->body));
  }

  Awaitable<Result<Part>> put_part(S3Location to, std::string upload_id, int number, net::Body body,
                                   std::string sha256) override {
    Parameters call;
    call.what = "put part " + std::to_string(number) + " of " + to.text();
    if (number < 1 || number > k_most_parts)
      co_return fail(ErrorKind::invalid_input, call.what, "parts are numbered from 1 to 10000");
    if (const auto* text = std::get_if<std::string>(&body); text != nullptr && sha256.empty())
      sha256 = sha256_base64(*text);
    call.method = "PUT";
    call.at = std::move(to);
    call.query = "partNumber=" + std::to_string(number) + "&uploadId=" + net::percent_encode(upload_id);
    call.body = std::move(body);
    call.sha256 = sha256;
    auto what = call.what;
    auto response = co_await send(std::move(call));
    if (!response) co_return fail(std::move(response).error());
    auto etag = etag_of(what, *response);
    if (!etag) co_return fail(std::move(etag).error());
    co_return Part{number, std::move(*etag), std::move(sha256)};
  }

  Awaitable<Result<std::string>> complete_multipart(S3Location to, std::string upload_id,
                                                    std::vector<Part> parts) override {
    Parameters call;
    call.what = "complete the upload of " + to.text();
    if (parts.empty()) co_return fail(ErrorKind::invalid_input, call.what, "it has no parts");
    std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) { return a.number < b.number; });
    call.method = "POST";
    call.at = std::move(to);
    call.query = "uploadId=" + net::percent_encode(upload_id);
    call.headers.push_back({"Content-Type", "application/xml"});
    call.body = complete_upload_body(parts);
    call.xml = true;
    auto what = call.what;
    auto response = co_await send(std::move(call));
    if (!response) co_return fail(std::move(response).error());
    co_return told(what, parse_completed_upload(response->body));
  }

  Awaitable<Status> abort_multipart(S3Location to, std::string upload_id) override {
    Parameters call;
    call.what = "abort the upload of " + to.text();
    call.method = "DELETE";
    call.at = std::move(to);
    call.query = "uploadId=" + net::percent_encode(upload_id);
    auto response = co_await send(std::move(call));
    if (response || response.error().code == "NoSuchUpload") co_return Status{};
    co_return fail(std::move(response).error());
  }

  Awaitable<Result<ObjectInfo>> head(S3Location object) override {
    Parameters call;
    call.what = "look at " + object.text();
    call.method = "HEAD";
    auto key = object.key;
    auto what = call.what;
    call.at = std::move(object);
    auto response = co_await send(std::move(call));
    if (!response) co_return fail(std::move(response).error());
    co_return told(what, object_from_headers(key, *response));
  }

  Awaitable<Result<ListPage>> list(S3Location prefix, std::string next) override {
    Parameters call;
    call.what = "list " + prefix.text();
    call.method = "GET";
    call.query = "list-type=2&encoding-type=url&max-keys=1000&prefix=" + net::percent_encode(prefix.key);
    if (!next.empty()) call.query += "&continuation-token=" + net::percent_encode(next);
    call.at = {std::move(prefix.bucket), {}};
    call.xml = true;
    call.reply_limit = k_list_reply;
    auto what = call.what;
    auto response = co_await send(std::move(call));
    if (!response) co_return fail(std::move(response).error());
    co_return told(what, parse_object_list(response->body));
  }

  Awaitable<Result<UploadList>> list_uploads(S3Location prefix) override {
    UploadList found;
    UploadsPage page;
    for (int number = 0; number < k_upload_pages; ++number) {
      Parameters call;
      call.what = "list the unfinished uploads to " + prefix.text();
      call.method = "GET";
      call.query = "uploads=&encoding-type=url&max-uploads=1000&prefix=" + net::percent_encode(prefix.key);
      if (!page.next_key.empty())
        call.query += "&key-marker=" + net::percent_encode(page.next_key) +
                      "&upload-id-marker=" + net::percent_encode(page.next_id);
      call.at = {prefix.bucket, {}};
      call.xml = true;
      call.reply_limit = k_list_reply;
      auto what = call.what;
      auto response = co_await send(std::move(call));
      if (!response) co_return fail(std::move(response).error());
      auto parsed = told(what, parse_upload_list(response->body));
      if (!parsed) co_return fail(std::move(parsed).error());
      page = std::move(*parsed);
      std::move(page.uploads.begin(), page.uploads.end(), std::back_inserter(found.uploads));
      if (page.next_key.empty()) co_return found;
    }
    found.all = false;
    co_return found;
  }

 private:
  static Result<std::string> etag_of(const std::string& what, const net::Response& response) {
    auto etag = without_quotes(response.header("ETag"));
    if (etag.empty()) return fail(ErrorKind::unavailable, what, "the reply has no ETag");
    return etag;
  }

  template <class T>
  static Result<T> told(const std::string& what, Result<T> result) {
    if (!result) return fail(std::move(result).error().within(what));
    return result;
  }

  Awaitable<Result<net::Response>> send(Parameters parameters) {
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
    if (parameters.sha256.empty() && std::holds_alternative<net::FileSlice>(parameters.body))
      co_return fail(ErrorKind::invalid_input, call.what, "the file's SHA-256 is missing");
    if (!parameters.sha256.empty()) {
      const auto digest = net::from_base64(parameters.sha256);
      if (!digest || digest->size() != std::tuple_size_v<Digest>)
        co_return fail(ErrorKind::invalid_input, call.what, "what should be a SHA-256 in Base64 is none");
      call.payload_sha256 =
          net::hex({reinterpret_cast<const unsigned char*>(digest->data()), digest->size()});
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
      if (!redirected && elsewhere && !failure.bucket_region.empty() &&
          failure.bucket_region != call.region) {
        if (regions_.size() >= k_known_buckets) regions_.clear();
        regions_[parameters.at.bucket] = failure.bucket_region;
        continue;
      }
      co_return fail(std::move(failure.error));
    }
  }

  static constexpr std::size_t k_known_buckets = 64;

  Session& session_;
  std::string region_;
  std::map<std::string, std::string, std::less<>> regions_;  // where buckets were found to be
};

}  // namespace

std::unique_ptr<S3> make_s3(Session& session, std::string region) {
  return std::make_unique<RestS3>(session, std::move(region));
}

}  // namespace curfew::aws
