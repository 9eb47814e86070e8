// The portal and OIDC services of IAM Identity Center (botocore: SSOCredentialFetcher, SSOTokenProvider).
#include "aws/core/sso.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <openssl/evp.h>

#include "aws/core/call.hpp"
#include "base/text.hpp"
#include "net/encoding.hpp"
#include "os/files.hpp"

namespace curfew::aws {
namespace {

namespace json = boost::json;

constexpr net::Limits k_limits{Millis{5'000}, Millis{10'000}, Millis{10'000}, 64U << 10U};
constexpr Millis k_total{20'000};
constexpr Millis k_renew_before = std::chrono::minutes{15};
constexpr std::int64_t k_longest_life = 366LL * 24 * 3600;

std::string text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

Result<json::object> parse_object(std::string_view text, const std::string& what) {
  json::error_code failed;
  json::parse_options options;
  options.max_depth = 8;
  auto value = json::parse({text.data(), text.size()}, failed, {}, options);
  if (failed || !value.is_object()) return fail(ErrorKind::unavailable, what, "it is no JSON object");
  return std::move(value.get_object());
}

// Older clients wrote "2026-11-24T18:00:00UTC".
Result<WallTime> parse_expiry(std::string text) {
  if (text.ends_with("UTC")) text.replace(text.size() - 3, 3, "Z");
  return parse_utc(text);
}

std::string sha1_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  return net::hex({digest.data(), size});
}

bool is_account(std::string_view text) { return text.size() == 12 && parse_number(text).has_value(); }

std::string login_of(const SsoSource& source) {
  return "run: aws sso login --profile " + printable(source.profile, 60);
}

// The token's file is replaced by rename: done as root in another's home it would take the file from them.
bool is_own_to_replace(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && status.st_uid == ::geteuid() &&
         ::access(os::folder_of(path).c_str(), W_OK) == 0;
}

Result<Call> call_to(const Session& session, const char* service, const std::string& host, std::string what,
                     const std::string& region, std::string target) {
  Call call;
  call.what = std::move(what);
  auto endpoint = session.endpoint(service, region);
  if (!endpoint) return fail(std::move(endpoint).error().within(call.what));
  if (!endpoint->custom)
    endpoint->url.host = host + "." + region + "." + std::string(partition_of(region).suffix);
  if (endpoint->url.target == "/") endpoint->url.target.clear();
  endpoint->url.target += target;
  call.request.url = std::move(endpoint->url);
  call.service = service;
  call.region = region;
  call.limits = k_limits;
  call.total = k_total;
  call.anonymous = true;
  return call;
}

std::string to_json(const SsoToken& token, const SsoSource& source) {
  return json::serialize(json::object{{"startUrl", source.start_url},
                                      {"region", source.region},
                                      {"accessToken", token.access_token},
                                      {"expiresAt", format_utc(token.expires)},
                                      {"clientId", token.client_id},
                                      {"clientSecret", token.client_secret},
                                      {"registrationExpiresAt", token.registration_expires},
                                      {"refreshToken", token.refresh_token}});
}

bool can_be_renewed(const SsoToken& token, WallTime now) {
  if (token.refresh_token.empty() || token.client_id.empty() || token.client_secret.empty()) return false;
  const auto registered = parse_expiry(token.registration_expires);
  return registered && now < *registered;
}

Awaitable<Result<SsoToken>> renew(Session& session, const SsoSource& source, SsoToken token) {
  auto call =
      call_to(session, "sso-oidc", "oidc", "CreateToken of the SSO session " + printable(source.session, 60),
              source.region, "/token");
  if (!call) co_return fail(std::move(call).error());
  call->request.method = "POST";
  call->request.headers.push_back({"Content-Type", "application/json"});
  call->request.body = json::serialize(json::object{{"grantType", "refresh_token"},
                                                    {"clientId", token.client_id},
                                                    {"clientSecret", token.client_secret},
                                                    {"refreshToken", token.refresh_token}});
  call->secret = token.refresh_token;
  auto response = co_await perform(session, std::move(*call));
  if (!response) co_return fail(std::move(response).error().error);
  co_return parse_renewed_token(response->body, std::move(token), session.clock.wall());
}

Awaitable<Result<SsoToken>> usable_token(Session& session, const SsoSource& source, const ReadFile& read) {
  const auto path = sso_token_path(source, session.environment);
  if (!path) co_return fail(path.error());
  auto text = read(*path);
  if (!text && text.error().kind == ErrorKind::not_found)
    co_return fail(ErrorKind::refused, "read the SSO token " + printable(*path), "nobody has logged in",
                   login_of(source));
  if (!text) co_return fail(std::move(text).error());
  auto token = parse_sso_token(*text);
  if (!token) {
    auto error = std::move(token).error().within("read the SSO token " + printable(*path));
    error.hint = login_of(source);
    co_return fail(std::move(error));
  }
  const auto now = session.clock.wall();
  if (!source.session.empty() && token->expires - now < k_renew_before && can_be_renewed(*token, now) &&
      is_own_to_replace(*path)) {
    auto renewed = co_await renew(session, source, *token);
    // One that couldn't be renewed serves until it has expired.
    if (renewed) {
      token = std::move(renewed);
      const auto kept = os::replace_file(*path, to_json(*token, source), 0600, os::Sync::no);
      if (!kept) session.note("the renewed SSO token could not be kept: " + kept.error().text());
    } else {
      session.note(renewed.error().text());
    }
  }
  if (token->expires <= now)
    co_return fail(ErrorKind::refused, "use the SSO token " + printable(*path),
                   "it expired at " + format_utc(token->expires), login_of(source));
  co_return token;
}

}  // namespace

Result<SsoToken> parse_sso_token(std::string_view text) {
  const std::string what = "read a token of `aws sso login`";
  const auto object = parse_object(text, what);
  if (!object) return fail(object.error());
  SsoToken token;
  token.access_token = text_of(*object, "accessToken");
  token.refresh_token = text_of(*object, "refreshToken");
  token.client_id = text_of(*object, "clientId");
  token.client_secret = text_of(*object, "clientSecret");
  token.registration_expires = text_of(*object, "registrationExpiresAt");
  if (token.access_token.empty() || !is_credential_text(token.access_token))
    return fail(ErrorKind::invalid_input, what,
                "its accessToken is missing, or has a character that none has");
  const auto expires = parse_expiry(text_of(*object, "expiresAt"));
  if (!expires) return fail(ErrorKind::invalid_input, what, "its expiresAt is missing or can't be read");
  token.expires = *expires;
  return token;
}

Result<std::string> sso_token_path(const SsoSource& source, const net::Environment& environment) {
  const auto home = net::get(environment, "HOME");
  if (home.empty())
    return fail(ErrorKind::refused, "find the SSO token of profile " + printable(source.profile, 60),
                "HOME isn't set, so there is no ~/.aws/sso/cache");
  return home + "/.aws/sso/cache/" + sha1_hex(source.session.empty() ? source.start_url : source.session) +
         ".json";
}

Result<Credentials> parse_sso_credentials(std::string_view text, std::string source) {
  const std::string what = "read the portal's reply";
  const auto refuse = [&](std::string why) { return fail(ErrorKind::unavailable, what, std::move(why)); };
  const auto object = parse_object(text, what);
  if (!object) return fail(object.error());
  const auto* inner = object->if_contains("roleCredentials");
  if (inner == nullptr || !inner->is_object()) return refuse("it has no roleCredentials");
  const auto& role = inner->get_object();
  Credentials found;
  found.access_key = text_of(role, "accessKeyId");
  found.secret_key = text_of(role, "secretAccessKey");
  found.session_token = text_of(role, "sessionToken");
  found.source = std::move(source);
  for (const auto* one : {&found.access_key, &found.secret_key, &found.session_token})
    if (one->empty() || !is_credential_text(*one))
      return refuse("a key is missing or has a character that no key has");
  const auto* expiration = role.if_contains("expiration");
  if (expiration == nullptr || !expiration->is_int64() || expiration->get_int64() <= 0 ||
      expiration->get_int64() > std::numeric_limits<std::int64_t>::max() / 4)
    return refuse("its expiration is missing or can't be read");
  found.expires = WallTime{Millis{expiration->get_int64()}};
  return found;
}

Result<SsoToken> parse_renewed_token(std::string_view text, SsoToken old, WallTime now) {
  const std::string what = "read the reply of CreateToken";
  const auto object = parse_object(text, what);
  if (!object) return fail(object.error());
  const auto* seconds = object->if_contains("expiresIn");
  SsoToken token = std::move(old);
  token.access_token = text_of(*object, "accessToken");
  // RFC 6749, 6: where no new one comes, the old one stays good.
  if (auto refresh = text_of(*object, "refreshToken"); !refresh.empty())
    token.refresh_token = std::move(refresh);
  if (token.access_token.empty() || !is_credential_text(token.access_token) || seconds == nullptr ||
      !seconds->is_int64() || seconds->get_int64() <= 0 || seconds->get_int64() > k_longest_life)
    return fail(ErrorKind::unavailable, what, "its accessToken or expiresIn is missing or can't be read");
  token.expires = now + Seconds{seconds->get_int64()};
  return token;
}

Awaitable<Result<Credentials>> sso_credentials(Session& session, SsoSource source, ReadFile read) {
  const auto what = "GetRoleCredentials of the SSO role " + printable(source.role, 60);
  if (!is_account(source.account) || !is_region(source.region))
    co_return fail(ErrorKind::invalid_input, what,
                   "its sso_account_id isn't of 12 digits, or its sso_region is no region",
                   "aws configure sso --profile " + printable(source.profile, 60));
  auto token = co_await usable_token(session, source, read);
  if (!token) co_return fail(std::move(token).error());
  auto call = call_to(session, "sso", "portal.sso", what, source.region,
                      "/federation/credentials?role_name=" + net::percent_encode(source.role) +
                          "&account_id=" + source.account);
  if (!call) co_return fail(std::move(call).error());
  call->request.headers.push_back({"x-amz-sso_bearer_token", token->access_token});
  call->secret = token->access_token;
  auto response = co_await perform(session, std::move(*call));
  if (!response) {
    auto failure = std::move(response).error();
    if (failure.status == 401) {
      failure.error.cause = "the SSO token is no longer accepted";
      failure.error.hint = login_of(source);
    } else if (failure.status == 403) {
      failure.error.hint = "is the role assigned to you in account " + source.account + "?";
    }
    co_return fail(std::move(failure.error));
  }
  auto found = parse_sso_credentials(response->body, "SSO role " + source.role);
  if (!found) co_return fail(std::move(found).error().within(what));
  co_return found;
}

}  // namespace curfew::aws
