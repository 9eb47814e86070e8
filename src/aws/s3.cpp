// S3's REST protocol.
#include "aws/s3.hpp"

#include <algorithm>

#include "aws/core/hash.hpp"
#include "aws/s3_replies.hpp"
#include "aws/s3_send.hpp"
#include "aws/session.hpp"
#include "base/text.hpp"
#include "net/encoding.hpp"

namespace curfew::aws {
namespace {

constexpr std::size_t k_list_reply = 8U << 20U;  // 1000 keys of 1024 bytes, each byte as %XX
constexpr int k_upload_pages = 20;
constexpr std::size_t k_metadata_limit = 2048;  // S3's own, for all of it
constexpr int k_most_parts = 10'000;

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
  RestS3(Session& session, std::string region) : sender_(session, std::move(region)) {}

  Awaitable<Result<std::string>> put(S3Location to, net::Body body, std::string sha256,
                                     Metadata metadata) override {
    S3Request call;
    call.what = "put " + to.text();
    if (const auto* text = std::get_if<std::string>(&body); text != nullptr && sha256.empty())
      sha256 = sha256_base64(*text);
    call.method = "PUT";
    call.at = std::move(to);
    call.body = std::move(body);
    call.sha256 = std::move(sha256);
    if (auto fine = add_metadata(metadata, call.headers); !fine) co_return fail(std::move(fine).error());
    auto what = call.what;
    auto response = co_await sender_.send(std::move(call));
    if (!response) co_return fail(std::move(response).error());
    co_return etag_of(what, *response);
  }

  Awaitable<Result<std::string>> start_multipart(S3Location to, Metadata metadata) override {
    S3Request call;
    call.what = "start a multipart upload to " + to.text();
    call.method = "POST";
    call.at = std::move(to);
    call.query = "uploads=";
    call.headers.push_back({"x-amz-checksum-algorithm", "SHA256"});
    call.xml = true;
    if (auto fine = add_metadata(metadata, call.headers); !fine) co_return fail(std::move(fine).error());
    auto what = call.what;
    auto response = co_await sender_.send(std::move(call));
    if (!response) co_return fail(std::move(response).error());
    co_return told(what, parse_started_upload(response->body));
  }

  Awaitable<Result<Part>> put_part(S3Location to, std::string upload_id, int number, net::Body body,
                                   std::string sha256) override {
    S3Request call;
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
    auto response = co_await sender_.send(std::move(call));
    if (!response) co_return fail(std::move(response).error());
    auto etag = etag_of(what, *response);
    if (!etag) co_return fail(std::move(etag).error());
    co_return Part{number, std::move(*etag), std::move(sha256)};
  }

  Awaitable<Result<std::string>> complete_multipart(S3Location to, std::string upload_id,
                                                    std::vector<Part> parts) override {
    S3Request call;
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
    auto response = co_await sender_.send(std::move(call));
    if (!response) co_return fail(std::move(response).error());
    co_return told(what, parse_completed_upload(response->body));
  }

  Awaitable<Status> abort_multipart(S3Location to, std::string upload_id) override {
    S3Request call;
    call.what = "abort the upload of " + to.text();
    call.method = "DELETE";
    call.at = std::move(to);
    call.query = "uploadId=" + net::percent_encode(upload_id);
    auto response = co_await sender_.send(std::move(call));
    if (response || response.error().code == "NoSuchUpload") co_return Status{};
    co_return fail(std::move(response).error());
  }

  Awaitable<Result<ObjectInfo>> head(S3Location object) override {
    S3Request call;
    call.what = "look at " + object.text();
    call.method = "HEAD";
    auto key = object.key;
    auto what = call.what;
    call.at = std::move(object);
    auto response = co_await sender_.send(std::move(call));
    if (!response) co_return fail(std::move(response).error());
    co_return told(what, object_from_headers(key, *response));
  }

  Awaitable<Result<ListPage>> list(S3Location prefix, std::string next) override {
    S3Request call;
    call.what = "list " + prefix.text();
    call.method = "GET";
    call.query = "list-type=2&encoding-type=url&max-keys=1000&prefix=" + net::percent_encode(prefix.key);
    if (!next.empty()) call.query += "&continuation-token=" + net::percent_encode(next);
    call.at = {std::move(prefix.bucket), {}};
    call.xml = true;
    call.reply_limit = k_list_reply;
    auto what = call.what;
    auto response = co_await sender_.send(std::move(call));
    if (!response) co_return fail(std::move(response).error());
    co_return told(what, parse_object_list(response->body));
  }

  Awaitable<Result<UploadList>> list_uploads(S3Location prefix) override {
    UploadList found;
    UploadsPage page;
    for (int number = 0; number < k_upload_pages; ++number) {
      S3Request call;
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
      auto response = co_await sender_.send(std::move(call));
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

  S3Sender sender_;
};

}  // namespace

std::unique_ptr<S3> make_s3(Session& session, std::string region) {
  return std::make_unique<RestS3>(session, std::move(region));
}

}  // namespace curfew::aws
