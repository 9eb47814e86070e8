// The chain of credentials.
#include "aws/core/credentials.hpp"

#include <array>

#include <boost/json/parse.hpp>

#include "base/text.hpp"
#include "net/encoding.hpp"

namespace curfew::aws {
namespace {

constexpr Seconds k_renew_before{600};  // botocore's mandatory refresh
constexpr Seconds k_pause_after_failure{30};
constexpr net::Limits k_container_limits{Millis{2'000}, Millis{2'000}, Millis{4'000}, 64U << 10U};
constexpr std::size_t k_longest_token = 16U << 10U;

// Goes into a header: no control characters; and what is longer is no credential.
bool is_clean(std::string_view text) {
  return text.size() <= k_longest_token &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

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

class Chain final : public CredentialsSource {
 public:
  explicit Chain(CredentialsParts parts) : parts_(std::move(parts)) {}

  Awaitable<Result<Credentials>> get() override {
    const auto now = parts_.clock.wall();
    const bool usable = kept_ && (!kept_->expires || now < *kept_->expires);
    const bool fresh = usable && (!kept_->expires || now + k_renew_before < *kept_->expires);
    // While one caller renews them, or just after that failed, the others go on with the old ones.
    if (fresh || (usable && parts_.clock.boot() < next_try_)) co_return *kept_;
    next_try_ = parts_.clock.boot() + k_pause_after_failure;
    auto fetched = co_await fetch();
    if (fetched) {
      kept_ = *fetched;
      ever_found_ = true;
      next_try_ = {};
      co_return *kept_;
    }
    if (kept_ && kept_->expires && parts_.clock.wall() < *kept_->expires) co_return *kept_;
    auto error = std::move(fetched).error();
    if (!ever_found_) error.code = k_no_credentials;
    co_return fail(std::move(error));
  }

  void forget() override {
    kept_.reset();
    next_try_ = {};
  }

 private:
  Awaitable<Result<Credentials>> fetch() {
    if (!parts_.explicit_profile) {
      auto own = credentials_from_environment(parts_.environment);
      if (!own) co_return fail(std::move(own).error());
      if (*own) co_return std::move(**own);
      if (!net::get(parts_.environment, "AWS_WEB_IDENTITY_TOKEN_FILE").empty())
        co_return not_supported("AWS_WEB_IDENTITY_TOKEN_FILE");
    }
    if (!parts_.profile) co_return fail(parts_.profile.error());
    if (!parts_.profile->needs.empty()) co_return not_supported(parts_.profile->needs);
    if (parts_.profile->keys) co_return *parts_.profile->keys;
    auto url = container_url(parts_.environment);
    if (!url) co_return fail(std::move(url).error());
    if (*url) co_return co_await from_container(std::move(**url));
    co_return co_await from_role();
  }

  tl::unexpected<Error> not_supported(const std::string& needs) const {
    return fail(ErrorKind::refused, "find AWS credentials", needs + " is not supported yet",
                "export keys instead: eval \"$(aws configure export-credentials --format env)\"");
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

  Awaitable<Result<Credentials>> from_role() {
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
  std::optional<Credentials> kept_;
  bool ever_found_ = false;
  BootTime next_try_{};
};

}  // namespace

Result<std::optional<Credentials>> credentials_from_environment(const net::Environment& environment) {
  Credentials found;
  found.access_key = net::get(environment, "AWS_ACCESS_KEY_ID");
  found.secret_key = net::get(environment, "AWS_SECRET_ACCESS_KEY");
  found.session_token = net::get(environment, "AWS_SESSION_TOKEN");
  if (found.session_token.empty()) found.session_token = net::get(environment, "AWS_SECURITY_TOKEN");
  found.source = "environment";
  if (found.access_key.empty()) return std::nullopt;  // as botocore: the secret alone is nothing
  if (found.secret_key.empty())
    return fail(ErrorKind::refused, "take AWS credentials from the environment",
                "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not");
  if (!is_clean(found.access_key) || !is_clean(found.secret_key) || !is_clean(found.session_token))
    return fail(ErrorKind::refused, "take AWS credentials from the environment",
                "one of the keys has a space or a character that no key has");
  return found;
}

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
  if (found.access_key.empty() || found.secret_key.empty() || !is_clean(found.access_key) ||
      !is_clean(found.secret_key) || !is_clean(found.session_token))
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
  return std::make_unique<Chain>(std::move(parts));
}

}  // namespace curfew::aws
