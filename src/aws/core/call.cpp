// Sign, send, judge, wait, again.
#include "aws/core/call.hpp"

#include <algorithm>
#include <array>

#include "aws/core/hash.hpp"
#include "aws/core/signer.hpp"
#include "aws/core/xml.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

// Requests are good for 5 minutes (S3: 15); a clock that is nearer than this isn't what AWS complains about.
constexpr Millis k_least_skew = std::chrono::minutes{4};

bool has_expired(std::string_view code) {
  return code == "ExpiredToken" || code == "ExpiredTokenException" || code == "TokenRefreshRequired";
}

struct Verdict {
  Failure failure;
  CallFailure told;
};

Verdict judge(const Call& call, const net::Response& response, const Credentials& credentials) {
  Verdict verdict;
  const auto found = find_api_error(response.body);
  auto& error = verdict.told.error;
  error.what = call.what;
  error.code = found ? found->code : std::string();
  if (error.code.empty()) error.code = error_code_from(response.header("x-amzn-errortype"));  // REST services
  if (found && !found->message.empty())
    error.cause = error.code.empty() ? found->message : error.code + ": " + found->message;
  else if (!error.code.empty()) error.cause = error.code;
  else error.cause = "the service answered " + std::to_string(response.status);
  // No service should quote it, but a proxy's error page might.
  for (const auto* secret : {&credentials.secret_key, &credentials.session_token, &call.secret})
    if (!secret->empty() && error.cause.find(*secret) != std::string::npos) error.cause = error.code;
  error.kind = kind_of(error.code, response.status);
  verdict.told.status = response.status;
  if (const auto header = response.header("x-amz-bucket-region"); is_region(header))
    verdict.told.bucket_region = header;
  else if (found) verdict.told.bucket_region = found->region;
  verdict.failure = {response.status, error.code, std::string(response.header("x-amz-retry-after")), true};
  if (response.status / 100 == 2 && error.code.empty()) {
    error.kind = ErrorKind::unavailable;
    error.cause = "the reply is cut, or no XML";
    verdict.failure.status = 0;  // as good as none
  }
  return verdict;
}

bool is_whole(const Call& call, const net::Response& response) {
  if (!call.xml) return true;
  pugi::xml_document document;
  return document.load_buffer(response.body.data(), response.body.size(), pugi::parse_minimal,
                              pugi::encoding_utf8) &&
         std::string_view(document.document_element().name()) != "Error";
}

// Of a reply of 2xx that the call couldn't read.
Verdict judge_unread(const Call& call, Error error) {
  Verdict verdict;
  verdict.told.error = std::move(error).within(call.what);
  verdict.told.error.kind = ErrorKind::unavailable;
  verdict.failure = {0, {}, {}, true};
  return verdict;
}

Verdict judge(const Call& call, Error error) {
  Verdict verdict;
  const bool again = error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timed_out;
  verdict.failure = {0, {}, {}, again};
  verdict.told.error = std::move(error).within(call.what);
  return verdict;
}

// Corrects the clock by the reply's Date; false where that isn't what is wrong.
bool correct_clock(Session& session, const Call& call, const net::Response& response) {
  const auto date = parse_http_date(response.header("Date"));
  if (!date) return false;
  const auto skew = *date - session.clock.wall();
  const auto change = skew - session.skew;
  if (change < k_least_skew && change > -k_least_skew) return false;
  session.skew = skew;
  session.note(call.what + ": this machine's clock is off by " +
               format_duration(std::chrono::floor<Seconds>(-skew)) +
               " against AWS's; requests are dated by theirs from now on");
  return true;
}

// What is told in the end. doubted: an attempt before had no answer.
tl::unexpected<CallFailure> told(const Call& call, bool doubted, CallFailure failure) {
  if (call.once && doubted && failure.error.kind != ErrorKind::timed_out)
    failure.error.kind = ErrorKind::unavailable;
  return tl::unexpected(std::move(failure));
}

}  // namespace

ErrorKind kind_of(std::string_view code, int status) {
  if (retryable({status, std::string(code), {}, true}) != Retryable::no) return ErrorKind::unavailable;
  const auto has = [&](std::string_view word) { return code.find(word) != std::string_view::npos; };
  if (has("NotFound") || has("NoSuch")) return ErrorKind::not_found;
  static constexpr std::array<std::string_view, 17> k_refused{
      "UnauthorizedOperation", "AccessDenied",         "AccessDeniedException",       "AuthFailure",
      "InvalidAccessKeyId",    "InvalidClientTokenId", "SignatureDoesNotMatch",       "ExpiredToken",
      "ExpiredTokenException", "OptInRequired",        "OperationNotPermitted",       "Blocked",
      "InvalidToken",          "RequestExpired",       "UnrecognizedClientException", "RequestTimeTooSkewed",
      "AllAccessDisabled"};
  for (const auto word : k_refused)
    if (code == word) return ErrorKind::refused;
  switch (status) {
    case 401:
    case 403: return ErrorKind::refused;
    case 404: return ErrorKind::not_found;
    case 409:
    case 412: return ErrorKind::conflict;
    default: return status >= 500 ? ErrorKind::unavailable : ErrorKind::invalid_input;
  }
}

bool is_denied(const Error& error) {
  static constexpr std::array<std::string_view, 4> k_denials{"AccessDenied", "AccessDeniedException",
                                                             "AuthorizationError", "UnauthorizedOperation"};
  return std::find(k_denials.begin(), k_denials.end(), error.code) != k_denials.end();
}

Awaitable<tl::expected<net::Response, CallFailure>> perform(Session& session, Call call) {
  const auto attempts = max_attempts_from(net::get(session.environment, "AWS_MAX_ATTEMPTS"));
  if (!attempts) co_return tl::unexpected(CallFailure{attempts.error(), 0, {}});
  if (call.payload_sha256.empty()) {
    const auto* text = std::get_if<std::string>(&call.request.body);
    call.payload_sha256 = text != nullptr ? sha256_hex(*text) : "UNSIGNED-PAYLOAD";
  }
  const auto end = session.clock.boot() + call.total;
  int taken = 0;
  bool clock_corrected = false;
  bool keys_renewed = false;
  bool doubted = false;
  for (int attempt = 1;; ++attempt) {
    net::Request request = call.request;
    Result<Credentials> credentials;
    if (!call.anonymous) {
      credentials = co_await session.credentials->get();
      if (!credentials)
        co_return told(call, doubted, {std::move(credentials).error().within(call.what), 0, {}});
      const SigningScope scope{call.region, call.service, session.clock.wall() + session.skew};
      for (auto& header : sign(*credentials, scope, request, call.payload_sha256))
        request.headers.push_back(std::move(header));
    }
    net::Limits limits = call.limits;
    limits.total = std::min(limits.total, std::max(Millis{1}, end - session.clock.boot()));
    if (call.begin) call.begin();
    auto response = co_await session.http.send(std::move(request), limits);
    Status read;
    const bool success = response && response->status / 100 == 2 && is_whole(call, *response);
    if (success && call.read) read = call.read(*response);
    if (success && read) {
      session.quota.give_back(taken);
      co_return std::move(*response);
    }
    auto verdict = !read      ? judge_unread(call, std::move(read).error())
                   : response ? judge(call, *response, *credentials)
                              : judge(call, Error(response.error()));
    const auto& code = verdict.told.error.code;
    if (response && !clock_corrected && is_clock_skew(code) && correct_clock(session, call, *response)) {
      clock_corrected = true;
      --attempt;
      continue;
    }
    if (!call.anonymous && !keys_renewed && has_expired(code)) {
      session.credentials->forget();
      keys_renewed = true;
      --attempt;
      continue;
    }
    const auto why = retryable(verdict.failure);
    if (why == Retryable::no || attempt >= *attempts) co_return told(call, doubted, std::move(verdict.told));
    doubted = doubted || why == Retryable::transient;
    const auto pause = retry_delay(verdict.failure, attempt, session.random());
    if (session.clock.boot() + pause >= end) co_return tl::unexpected(std::move(verdict.told));
    const auto cost = session.quota.take(why);
    if (!cost) {
      verdict.told.error.hint = "many calls have failed lately, so this one wasn't tried again";
      co_return tl::unexpected(std::move(verdict.told));
    }
    taken = *cost;
    session.note(verdict.told.error.text() + "; again in " + std::to_string(pause.count()) + " ms");
    co_await session.sleep(pause);
  }
}

}  // namespace curfew::aws
