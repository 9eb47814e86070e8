// STS's Query protocol: a form is posted, XML comes back.
#include "aws/core/sts_credentials.hpp"

#include <algorithm>
#include <array>

#include "aws/core/call.hpp"
#include "aws/core/kept_credentials.hpp"
#include "aws/core/xml.hpp"
#include "base/text.hpp"
#include "net/encoding.hpp"

namespace curfew::aws {
namespace {

constexpr net::Limits k_limits{Millis{5'000}, Millis{10'000}, Millis{10'000}, 256U << 10U};
constexpr Millis k_total{30'000};
constexpr std::size_t k_longest_arn = 2048;  // the API reference: RoleArn, RoleSessionName, ExternalId
constexpr std::size_t k_longest_name = 64;
constexpr std::size_t k_longest_external_id = 1224;
constexpr std::size_t k_longest_token = 20'000;             // WebIdentityToken
constexpr std::string_view k_token_characters = "-._~+/=";  // JWT's and Base64's
constexpr std::string_view k_version = "2011-06-15";

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_made_of(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter_or_digit(c) || others.find(c) != std::string_view::npos;
  });
}

struct FirstRegion {
  std::string_view partition;
  std::string_view region;
};
constexpr std::array<FirstRegion, 7> k_first_regions{{{"aws-cn", "cn-north-1"},
                                                      {"aws-us-gov", "us-gov-west-1"},
                                                      {"aws-eusc", "eusc-de-east-1"},
                                                      {"aws-iso", "us-iso-east-1"},
                                                      {"aws-iso-b", "us-isob-east-1"},
                                                      {"aws-iso-e", "eu-isoe-west-1"},
                                                      {"aws-iso-f", "us-isof-south-1"}}};

// The regions that once had no STS of their own in clients (botocore: LEGACY_GLOBAL_STS_REGIONS).
constexpr std::array<std::string_view, 16> k_global_regions{
    "ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "aws-global", "ca-central-1",
    "eu-central-1",   "eu-north-1", "eu-west-1",      "eu-west-2",      "eu-west-3",  "sa-east-1",
    "us-east-1",      "us-east-2",  "us-west-1",      "us-west-2"};

bool wants_global_endpoint(const Session& session, std::string_view region) {
  auto said = net::get(session.environment, "AWS_STS_REGIONAL_ENDPOINTS");
  if (said.empty() && session.profile) said = session.profile->sts_regional_endpoints;
  return net::equal_ignoring_case(said, "legacy") &&
         std::find(k_global_regions.begin(), k_global_regions.end(), region) != k_global_regions.end();
}

void add(std::string& form, std::string_view name, std::string_view value) {
  if (!value.empty()) form += "&" + std::string(name) + "=" + net::percent_encode(value);
}

// The call without what proves who asks; an error where the role can't be one.
Result<Call> role_call(const Session& session, std::string_view action, const RoleRequest& role) {
  Call call;
  call.what = std::string(action) + " " + printable(role.role_arn, 200);
  if (auto good = check_role(role); !good) return fail(std::move(good).error().within(call.what));
  auto region = role.region.empty() ? session.known_region() : role.region;
  if (region.empty()) region = sts_region_for(role.role_arn);
  auto endpoint = session.endpoint("sts", region);
  if (!endpoint) return fail(std::move(endpoint).error().within(call.what));
  if (!endpoint->custom && wants_global_endpoint(session, region)) {
    endpoint->url.host = "sts.amazonaws.com";
    region = "us-east-1";
  }
  call.service = "sts";
  call.region = std::move(region);
  call.limits = k_limits;
  call.total = k_total;
  call.xml = true;
  call.request.method = "POST";
  call.request.url = std::move(endpoint->url);
  call.request.headers.push_back({"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"});
  std::string form = "Action=" + std::string(action) + "&Version=" + std::string(k_version);
  add(form, "RoleArn", role.role_arn);
  add(form, "RoleSessionName",
      role.session_name.empty()
          ? "curfew-" +
                std::to_string(std::chrono::floor<Seconds>(session.clock.wall()).time_since_epoch().count())
          : role.session_name);
  add(form, "ExternalId", role.external_id);
  if (role.duration) add(form, "DurationSeconds", std::to_string(role.duration->count()));
  call.request.body = std::move(form);
  return call;
}

Awaitable<Result<Credentials>> perform_role_call(Session& session, std::string action, std::string role_arn,
                                                 Call call) {
  const auto what = call.what;
  auto response = co_await perform(session, std::move(call));
  if (!response) co_return fail(std::move(response).error().error);
  auto found = parse_role_credentials(response->body, action, "role " + role_arn);
  if (!found) co_return fail(std::move(found).error().within(what));
  co_return found;
}

}  // namespace

Status check_role(const RoleRequest& role) {
  const auto refuse = [](std::string what, std::string why, std::string hint) {
    return fail(ErrorKind::invalid_input, "use the " + std::move(what), std::move(why), std::move(hint));
  };
  const auto parts = split(role.role_arn, ':');
  const bool whole =
      parts.size() == 6 && parts[0] == "arn" && parts[1].starts_with("aws") && is_made_of(parts[1], "-") &&
      parts[2] == "iam" && parts[3].empty() && parts[4].size() == 12 && parse_number(parts[4]) &&
      parts[5].starts_with("role/") && parts[5].size() > 5 && role.role_arn.size() <= k_longest_arn &&
      std::all_of(role.role_arn.begin(), role.role_arn.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!whole)
    return refuse("role \"" + printable(role.role_arn, 120) + "\"", "that is no role's ARN",
                  "it looks like arn:aws:iam::123456789012:role/NAME");
  const auto& name = role.session_name;
  if (!name.empty() && (name.size() < 2 || name.size() > k_longest_name || !is_made_of(name, "_+=,.@-")))
    return refuse("role_session_name \"" + printable(name, 80) + "\"", "STS takes no such name",
                  "2 to 64 letters, digits, and _+=,.@-");
  const auto& id = role.external_id;
  if (!id.empty() && (id.size() < 2 || id.size() > k_longest_external_id || !is_made_of(id, "_+=,.@:/\\-")))
    return refuse("external_id of " + role.role_arn, "STS takes no such id",
                  "2 to 1224 letters, digits, and _+=,.@:/-");
  return {};
}

std::string sts_region_for(std::string_view role_arn) {
  const auto parts = split(role_arn, ':');
  for (const auto& entry : k_first_regions)
    if (parts.size() > 1 && parts[1] == entry.partition) return std::string(entry.region);
  return "us-east-1";
}

Result<Credentials> parse_role_credentials(std::string_view xml, std::string_view action,
                                           std::string source) {
  const auto document = Xml::parse(xml, std::string(action) + "Response");
  if (!document) return fail(document.error());
  const auto node = document->root().child((std::string(action) + "Result").c_str()).child("Credentials");
  Credentials found;
  found.access_key = child_text(node, "AccessKeyId");
  found.secret_key = child_text(node, "SecretAccessKey");
  found.session_token = child_text(node, "SessionToken");
  found.source = std::move(source);
  const auto refuse = [](std::string why) {
    return fail(ErrorKind::unavailable, "read the credentials in STS's reply", std::move(why));
  };
  for (const auto* text : {&found.access_key, &found.secret_key, &found.session_token})
    if (text->empty() || !is_credential_text(*text))
      return refuse("a key is missing or has a character that no key has");
  const auto expires = parse_utc(child_text(node, "Expiration"));
  if (!expires) return refuse("their Expiration is missing or can't be read");
  found.expires = *expires;
  return found;
}

Awaitable<Result<Credentials>> assume_role(Session& session, RoleRequest role) {
  const std::string action = "AssumeRole";
  auto call = role_call(session, action, role);
  if (!call) co_return fail(std::move(call).error());
  co_return co_await perform_role_call(session, action, std::move(role.role_arn), std::move(*call));
}

Awaitable<Result<Credentials>> assume_role_with_web_identity(Session& session, RoleRequest role,
                                                             std::string token) {
  const std::string action = "AssumeRoleWithWebIdentity";
  auto call = role_call(session, action, role);
  if (!call) co_return fail(std::move(call).error());
  if (token.size() < 4 || token.size() > k_longest_token || !is_made_of(token, k_token_characters))
    co_return fail(ErrorKind::invalid_input, call->what,
                   "the token is empty, too long, or has a character that no token has");
  std::get<std::string>(call->request.body) += "&WebIdentityToken=" + net::percent_encode(token);
  call->anonymous = true;
  call->secret = std::move(token);
  co_return co_await perform_role_call(session, action, std::move(role.role_arn), std::move(*call));
}

std::unique_ptr<CredentialsSource> make_assumed_role(Session& session, RoleRequest role) {
  return make_kept_credentials(session.clock,
                               [&session, role = std::move(role)] { return assume_role(session, role); });
}

std::unique_ptr<Session> make_session_as(const Session& like,
                                         std::unique_ptr<CredentialsSource> credentials) {
  const ReadFile nothing = [](const std::string& path) -> Result<std::string> {
    return fail(ErrorKind::not_found, "read " + path, "no file is read for this");
  };
  auto session = std::make_unique<Session>(like.http, like.clock, like.environment,
                                           SessionOptions{{}, like.known_region()}, nothing);
  session->profile = like.profile;
  session->credentials = std::move(credentials);
  session->random = like.random;
  session->sleep = like.sleep;
  session->note = like.note;
  session->skew = like.skew;
  return session;
}

}  // namespace curfew::aws
