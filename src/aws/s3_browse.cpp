// ListObjectsV2 with a delimiter and a start, and GetObject of small ones.
#include "aws/s3_browse.hpp"

#include "aws/s3_replies.hpp"
#include "aws/s3_send.hpp"
#include "net/encoding.hpp"

namespace curfew::aws {
namespace {

constexpr std::size_t k_list_reply = 8U << 20U;  // 1000 keys of 1024 bytes, each byte as %XX

class RestS3Browse final : public S3Browse {
 public:
  RestS3Browse(Session& session, std::string region) : sender_(session, std::move(region)) {}

  Awaitable<Result<BrowsePage>> list(BrowseAsk ask, std::string next) override {
    S3Request call;
    call.what = "list " + ask.prefix.text();
    call.method = "GET";
    call.query = "list-type=2&encoding-type=url&max-keys=1000&prefix=" + net::percent_encode(ask.prefix.key);
    if (ask.folders) call.query += "&delimiter=%2F";
    if (!ask.after.empty()) call.query += "&start-after=" + net::percent_encode(ask.after);
    if (!next.empty()) call.query += "&continuation-token=" + net::percent_encode(next);
    call.at = {std::move(ask.prefix.bucket), {}};
    call.xml = true;
    call.reply_limit = k_list_reply;
    auto what = call.what;
    auto sending = sender_.send(std::move(call));
    auto response = co_await std::move(sending);
    if (!response) co_return fail(std::move(response.error()));
    auto page = parse_object_list(response->body);
    if (!page) co_return fail(std::move(page.error()).within(what));
    auto folders = parse_common_prefixes(response->body);
    if (!folders) co_return fail(std::move(folders.error()).within(what));
    co_return BrowsePage{std::move(page->objects), std::move(*folders), std::move(page->next)};
  }

  Awaitable<Result<std::string>> read(S3Location object, std::size_t limit) override {
    auto reading = sender_.read_small(std::move(object), limit);
    auto response = co_await std::move(reading);
    if (!response) co_return fail(std::move(response.error()));
    co_return std::move(response->body);
  }

 private:
  S3Sender sender_;
};

}  // namespace

std::unique_ptr<S3Browse> make_s3_browse(Session& session, std::string region) {
  return std::make_unique<RestS3Browse>(session, std::move(region));
}

}  // namespace curfew::aws
