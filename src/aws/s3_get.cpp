// GetObject by ranges, and HeadObject.
#include "aws/s3_get.hpp"

#include <algorithm>
#include <array>

#include "aws/s3_replies.hpp"
#include "aws/s3_send.hpp"
#include "base/text.hpp"
#include "net/encoding.hpp"

namespace curfew::aws {
namespace {

constexpr std::size_t k_least_reply = 64U << 10U;  // an error's document is longer than a short file

net::Header want_checksums() { return {"x-amz-checksum-mode", "ENABLED"}; }

class RestS3Get final : public S3Get {
 public:
  RestS3Get(Session& session, std::string region) : sender_(session, std::move(region)) {}

  Awaitable<Result<Piece>> get(S3Location object, std::uint64_t offset, std::uint64_t length,
                               std::uint64_t size, std::string etag) override {
    S3Request call;
    call.what = "get " + object.text();
    if (length == 0 || length > k_largest_piece || length > size || offset > size - length)
      co_return fail(ErrorKind::invalid_input, call.what, "no such piece can be asked for");
    call.method = "GET";
    call.at = std::move(object);
    call.reply_limit = std::max(static_cast<std::size_t>(length), k_least_reply);
    if (!etag.empty()) call.headers.push_back({"If-Match", "\"" + etag + "\""});
    // A part's checksums come with a range, if any do.
    const bool is_all = offset == 0 && length == size;
    if (is_all) call.headers.push_back(want_checksums());
    else
      call.headers.push_back(
          {"Range", "bytes=" + std::to_string(offset) + "-" + std::to_string(offset + length - 1)});
    auto what = call.what;
    auto response = co_await sender_.send(std::move(call));
    if (!response) {
      Error error = std::move(response.error());
      if (error.code == "PreconditionFailed") {
        error.kind = ErrorKind::conflict;
        error.cause = "it was changed while it was being read";
      }
      co_return fail(std::move(error));
    }
    if (response->body.size() != length || response->status != (is_all ? 200 : 206))
      co_return fail(ErrorKind::unavailable, what, "the reply isn't the piece that was asked for");
    auto facts = facts_from_headers(*response);
    if (!facts) co_return fail(std::move(facts.error()).within(what));
    co_return Piece{std::move(response->body), std::move(*facts)};
  }

  Awaitable<Result<ObjectFacts>> facts(S3Location object, int part) override {
    S3Request call;
    call.what = "look at " + object.text();
    call.method = "HEAD";
    call.at = std::move(object);
    call.headers.push_back(want_checksums());
    if (part > 0) call.query = "partNumber=" + std::to_string(part);
    auto what = call.what;
    auto response = co_await sender_.send(std::move(call));
    if (!response) co_return fail(std::move(response.error()));
    auto facts = facts_from_headers(*response);
    if (!facts) co_return fail(std::move(facts.error()).within(what));
    co_return facts;
  }

 private:
  S3Sender sender_;
};

}  // namespace

Result<ObjectFacts> facts_from_headers(const net::Response& response) {
  ObjectFacts facts;
  const auto size = parse_number(response.header("Content-Length"));
  if (!size) return fail(ErrorKind::unavailable, "read the object's headers", "its size is missing");
  facts.size = *size;
  facts.etag = without_quotes(response.header("ETag"));
  static constexpr std::array<std::pair<const char*, const char*>, 4> k_known{
      {{"x-amz-checksum-sha256", "SHA256"},
       {"x-amz-checksum-crc64nvme", "CRC64NVME"},
       {"x-amz-checksum-crc32c", "CRC32C"},
       {"x-amz-checksum-crc32", "CRC32"}}};
  // Of an object in parts a store that doesn't name the type may give a checksum of the parts' checksums.
  const auto type = response.header("x-amz-checksum-type");
  const bool is_whole = type == "FULL_OBJECT" || (type.empty() && facts.etag.find('-') == std::string::npos);
  for (const auto& [header, algorithm] : k_known) {
    const auto value = response.header(header);
    if (!value.empty() && is_whole && value.find('-') == std::string_view::npos)
      facts.checksums.push_back({algorithm, std::string(value)});
  }
  const auto encryption = response.header("x-amz-server-side-encryption");
  facts.etag_is_md5 = (encryption.empty() || encryption == "AES256") &&
                      response.header("x-amz-server-side-encryption-customer-algorithm").empty();
  return facts;
}

std::unique_ptr<S3Get> make_s3_get(Session& session, std::string region) {
  return std::make_unique<RestS3Get>(session, std::move(region));
}

}  // namespace curfew::aws
