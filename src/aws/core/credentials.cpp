// The chain of credentials.
#include "aws/core/credentials.hpp"

#include <algorithm>
#include <array>

#include <boost/json/parse.hpp>

#include "aws/core/kept_credentials.hpp"
#include "aws/core/sso.hpp"
#include "aws/core/sts_credentials.hpp"
#include "aws/session.hpp"
#include "base/text.hpp"
#include "net/encoding.hpp"

namespace curfew::aws {
namespace {

constexpr net::Limits k_container_limits{Millis{2'000}, Millis{2'000}, Millis{4'000}, 64U << 10U};
constexpr std::size_t k_longest_token = 16U << 10U;

std::string text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

bool is_role_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("+=,.@_-").find(c) != std::string_view::npos;
  });
}

class Chain {
 public:
  explicit Chain(CredentialsParts parts) : parts_(std::move(parts)) {}

  Awaitable<Result<Credentials>> fetch() {
    auto plan = plan_credentials(parts_.profile, parts_.explicit_profile, parts_.environment);
    if (!plan) co_return fail(std::move(plan).error());
    auto found = co_await from(plan->base);
    for (auto& step : plan->roles) {
      if (!found) break;
      // The last one's profile is the plan's own, which is named below.
      const auto whose =
          &step == &plan->roles.back()
              ? std::string()
              : "take the role of profile " + printable(step.profile, 60) + " (" + printable(step.file) + ")";
      found = co_await with_role(std::move(*found), std::move(step.role));
      if (!found && !whose.empty()) found = fail(std::move(found).error().within(whose));
    }
    if (!found && !plan->profile.empty())
      co_return fail(std::move(found).error().within("find AWS credentials by " + plan->profile));
    co_return found;
  }

 private:
  Awaitable<Result<Credentials>> from(const decltype(CredentialPlan::base)& base) {
    if (const auto* keys = std::get_if<Credentials>(&base)) co_return *keys;
    if (const auto* process = std::get_if<ProcessSource>(&base))
      co_return co_await run_credential_process(*process, parts_.environment, parts_.run_as);
    if (const auto* sso = std::get_if<SsoSource>(&base)) {
      const auto session = session_with(nullptr);
      co_return co_await sso_credentials(*session, *sso, parts_.read);
    }
    if (const auto* web = std::get_if<WebIdentitySource>(&base)) co_return co_await from_web_identity(*web);
    const auto own = std::get<OwnSource>(base);
    if (own == OwnSource::instance) co_return co_await from_instance();
    auto url = container_url(parts_.environment);
    if (!url) co_return fail(std::move(url).error());
    if (*url) co_return co_await from_container(std::move(**url));
    if (own == OwnSource::container)
      co_return fail(ErrorKind::refused, "ask the container's credential service",
                     "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor _FULL_URI is set");
    co_return co_await from_instance();
  }

  Awaitable<Result<Credentials>> from_web_identity(WebIdentitySource source) {
    auto text = parts_.read(source.token_file);  // each time: it's replaced while we run
    if (!text) co_return fail(std::move(text).error().within("read the web identity token"));
    std::string token(trimmed(*text));
    const auto session = session_with(nullptr);
    co_return co_await assume_role_with_web_identity(*session, std::move(source.role), std::move(token));
  }

  Awaitable<Result<Credentials>> with_role(Credentials base, RoleRequest role) {
    const auto session = session_with(make_fixed_credentials(std::move(base)));
    co_return co_await assume_role(*session, std::move(role));
  }

  // For the calls that lead to credentials: the same settings, other keys, and nothing of the chain.
  [[nodiscard]] std::unique_ptr<Session> session_with(std::unique_ptr<CredentialsSource> credentials) const {
    const ReadFile nothing = [](const std::string& path) -> Result<std::string> {
      return fail(ErrorKind::not_found, "read " + path, "no file is read for this");
    };
    auto session = std::make_unique<Session>(parts_.http, parts_.clock, parts_.environment,
                                             SessionOptions{{}, parts_.region}, nothing);
    session->profile = parts_.profile;
    session->credentials = std::move(credentials);
    session->note = parts_.note;
    return session;
  }

  Awaitable<Result<Credentials>> from_container(net::Url url) {
    const auto* const what = "ask the container's credential service";
    net::Request request;
    request.url = std::move(url);
    request.direct = request.url.scheme == "http";
    auto token = net::get(parts_.environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (const auto file = net::get(parts_.environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        !file.empty()) {
      auto text = parts_.read(file);  // each time: it's replaced while we run
      if (!text) co_return fail(std::move(text).error().within(what));
      token = trimmed(*text);
    }
    // "Basic …" and "Bearer …" have a space.
    if (token.find_first_of("\r\n") != std::string::npos || token.size() > k_longest_token)
      co_return fail(ErrorKind::invalid_input, what,
                     "its authorization token has a line break or is too long");
    if (!token.empty()) request.headers.push_back({"Authorization", token});
    auto response = co_await parts_.http.send(std::move(request), k_container_limits);
    if (!response) co_return fail(std::move(response).error().within(what));
    if (response->status != 200)
      co_return fail(response->status >= 500 ? ErrorKind::unavailable : ErrorKind::refused, what,
                     "it answered " + std::to_string(response->status));
    co_return parse_credentials_document(response->body, "container");
  }

  Awaitable<Result<Credentials>> from_instance() {
    auto names = co_await parts_.imds.get("meta-data/iam/security-credentials/");
    if (!names) {
      auto error = std::move(names).error();
      error.hint = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or give the instance a role";
      co_return fail(std::move(error).within("find AWS credentials"));
    }
    const auto text = *names ? trimmed(**names) : std::string_view();
    const std::string name(trimmed(text.substr(0, text.find('\n'))));
    if (name.empty())
      co_return fail(ErrorKind::refused, "find AWS credentials",
                     "the instance has no role and there are none elsewhere",
                     "attach an instance profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    if (!is_role_name(name))
      co_return fail(ErrorKind::invalid_input, "find AWS credentials",
                     "the metadata service names no role's name");
    auto document = co_await parts_.imds.get("meta-data/iam/security-credentials/" + name);
    if (!document) co_return fail(std::move(document).error().within("find AWS credentials"));
    if (!*document) co_return fail(ErrorKind::refused, "find AWS credentials", "role " + name + " has none");
    co_return parse_credentials_document(**document, "instance role " + name);
  }

  CredentialsParts parts_;
};

}  // namespace

Result<Credentials> parse_credentials_document(std::string_view json, std::string source) {
  const auto what = "read the credentials of the " + source;
  boost::json::error_code failed;
  boost::json::parse_options options;
  options.max_depth = 4;
  const auto value = boost::json::parse({json.data(), json.size()}, failed, {}, options);
  if (failed || !value.is_object()) return fail(ErrorKind::unavailable, what, "it is no JSON object");
  const auto& object = value.get_object();
  if (const auto code = text_of(object, "Code"); !code.empty() && code != "Success")
    return fail(ErrorKind::refused, what, "the service says " + printable(code, 60));
  Credentials found;
  found.access_key = text_of(object, "AccessKeyId");
  found.secret_key = text_of(object, "SecretAccessKey");
  found.session_token = text_of(object, "Token");
  found.source = std::move(source);
  if (found.access_key.empty() || found.secret_key.empty() || !is_credential_text(found.access_key) ||
      !is_credential_text(found.secret_key) || !is_credential_text(found.session_token))
    return fail(ErrorKind::unavailable, what, "a key is missing or has a character that no key has");
  if (const auto text = text_of(object, "Expiration"); !text.empty()) {
    const auto expires = parse_utc(text);
    if (!expires) return fail(ErrorKind::unavailable, what, "its Expiration can't be read");
    found.expires = *expires;
  }
  return found;
}

Result<std::optional<net::Url>> container_url(const net::Environment& environment) {
  if (const auto relative = net::get(environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
      !relative.empty()) {
    auto url =
        net::parse_url("http://169.254.170.2" + (relative.starts_with('/') ? relative : "/" + relative));
    if (!url) return fail(std::move(url).error().within("use AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"));
    return std::move(*url);
  }
  const auto full = net::get(environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (full.empty()) return std::nullopt;
  auto url = net::parse_url(full);
  if (!url) return fail(std::move(url).error().within("use AWS_CONTAINER_CREDENTIALS_FULL_URI"));
  static constexpr std::array<std::string_view, 5> k_hosts{"localhost", "::1", "169.254.170.2",
                                                           "169.254.170.23", "fd00:ec2::23"};
  const bool loopback =
      url->host.starts_with("127.") && url->host.find_first_not_of("0123456789.") == std::string::npos;
  if (url->scheme == "http" && !loopback &&
      std::find(k_hosts.begin(), k_hosts.end(), url->host) == k_hosts.end())
    return fail(ErrorKind::refused, "use AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "plain http to " + url->host + " would show the credentials to the network", "use https");
  return std::move(*url);
}

std::unique_ptr<CredentialsSource> make_credentials(CredentialsParts parts) {
  const auto& clock = parts.clock;
  const auto chain = std::make_shared<Chain>(std::move(parts));
  return make_kept_credentials(clock, [chain] { return chain->fetch(); });
}

}  // namespace curfew::aws
