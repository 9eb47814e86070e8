// The metadata service's transport and what is read from it.
#include "aws/imds.hpp"

#include "aws/core/endpoints.hpp"
#include "base/text.hpp"
#include "net/encoding.hpp"

namespace curfew::aws {
namespace {

constexpr net::Limits k_limits{Millis{1'000}, Millis{1'000}, Millis{2'000}, 64U << 10U};
constexpr std::string_view k_token_seconds = "21600";  // the longest there is
constexpr Millis k_token_age = std::chrono::hours{5};
constexpr std::size_t k_longest_token = 1024;
constexpr std::size_t k_most_stores = 24;  // d2.8xlarge, d3en.12xlarge
constexpr std::size_t k_longest_device = 64;
constexpr std::size_t k_most_tags = 60;  // 50 of the user's, and AWS's own

class HttpImds final : public Imds {
 public:
  HttpImds(net::HttpClient& http, const os::Clock& clock, Result<net::Url> base, bool disabled)
      : http_(http), clock_(clock), base_(std::move(base)), disabled_(disabled) {}

  Awaitable<Result<std::optional<std::string>>> get(std::string path) override {
    const auto what = "ask the metadata service for " + path;
    if (disabled_) co_return fail(ErrorKind::refused, what, "AWS_EC2_METADATA_DISABLED is set");
    if (!base_) co_return fail(Error(base_.error()).within("use AWS_EC2_METADATA_SERVICE_ENDPOINT"));
    for (int attempt = 0;; ++attempt) {
      if (token_.empty() || clock_.boot() - fetched_ > k_token_age) {
        auto fetched = co_await fetch_token();
        if (!fetched) co_return fail(std::move(fetched).error().within(what));
      }
      net::Request request = request_to("GET", path);
      request.headers.push_back({"X-aws-ec2-metadata-token", token_});
      auto response = co_await http_.send(std::move(request), k_limits);
      if (!response) co_return fail(std::move(response).error().within(what));
      if (response->status == 200) co_return std::move(response->body);
      if (response->status == 404) co_return std::nullopt;
      if (response->status == 401 && attempt == 0) {
        token_.clear();
        continue;
      }
      const bool closed = response->status == 401 || response->status == 403;
      co_return fail(closed ? ErrorKind::refused : ErrorKind::unavailable, what,
                     "it answered " + std::to_string(response->status));
    }
  }

 private:
  net::Request request_to(const char* method, const std::string& path) const {
    net::Request request;
    request.method = method;
    request.url = *base_;
    if (request.url.target == "/") request.url.target.clear();
    request.url.target += "/latest/" + net::percent_encode(path, "/:@+=");
    request.direct = true;
    return request;
  }

  Awaitable<Status> fetch_token() {
    net::Request request = request_to("PUT", "api/token");
    request.headers.push_back({"X-aws-ec2-metadata-token-ttl-seconds", std::string(k_token_seconds)});
    auto response = co_await http_.send(std::move(request), k_limits);
    if (!response) co_return fail(std::move(response).error());
    const bool closed = response->status == 403;
    if (response->status != 200)
      co_return fail(closed ? ErrorKind::refused : ErrorKind::unavailable, "fetch a token",
                     "it answered " + std::to_string(response->status),
                     closed ? "the instance's metadata service is switched off" : "");
    const auto token = trimmed(response->body);
    const auto outside = [](char c) { return c <= ' ' || c > '~'; };
    if (token.empty() || token.size() > k_longest_token || std::any_of(token.begin(), token.end(), outside))
      co_return fail(ErrorKind::unavailable, "fetch a token", "what it sent is none");
    token_ = token;
    fetched_ = clock_.boot();
    co_return Status{};
  }

  net::HttpClient& http_;
  const os::Clock& clock_;
  Result<net::Url> base_;
  bool disabled_;
  std::string token_;
  BootTime fetched_{};
};

}  // namespace

std::unique_ptr<Imds> make_imds(net::HttpClient& http, const os::Clock& clock,
                                const net::Environment& environment) {
  auto text = net::get(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (text.empty()) {
    const bool ipv6 =
        net::equal_ignoring_case(net::get(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), "ipv6");
    text = ipv6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
  }
  auto base = net::parse_url(text);
  if (base && base->target.find('?') != std::string::npos)
    base = fail(ErrorKind::invalid_input, "read the URL", "it has a query");
  if (base)
    while (base->target.size() > 1 && base->target.ends_with('/')) base->target.pop_back();
  const bool disabled = net::equal_ignoring_case(net::get(environment, "AWS_EC2_METADATA_DISABLED"), "true");
  return std::make_unique<HttpImds>(http, clock, std::move(base), disabled);
}

Awaitable<Result<Identity>> read_identity(Imds& imds) {
  auto text = co_await imds.get("dynamic/instance-identity/document");
  if (!text) co_return fail(std::move(text).error());
  if (!*text)
    co_return fail(ErrorKind::not_found, "read the instance's identity", "the metadata service has none");
  co_return parse_identity(**text);
}

Awaitable<Result<std::optional<std::string>>> read_tag(Imds& imds, std::string key) {
  if (!is_tag_key(key))
    co_return fail(ErrorKind::invalid_input, "read the tag " + printable(key),
                   "no tag in the metadata is called so");
  auto value = co_await imds.get("meta-data/tags/instance/" + key);
  if (value && *value && !is_tag_value(**value))
    co_return fail(ErrorKind::invalid_input, "read the tag " + key, "its value is none that AWS allows");
  co_return value;
}

Awaitable<Result<std::optional<Tags>>> read_tags(Imds& imds) {
  auto list = co_await imds.get("meta-data/tags/instance");
  if (!list) co_return fail(std::move(list).error());
  if (!*list) co_return std::nullopt;
  Tags tags;
  std::size_t seen = 0;
  for (const auto line : split(**list, '\n')) {
    const std::string key(line);
    if (key.empty() || !is_tag_key(key)) continue;  // another's tag of an odd name must not hide ours
    if (++seen > k_most_tags)
      co_return fail(ErrorKind::invalid_input, "read the tags", "there are more than 60");
    auto value = co_await imds.get("meta-data/tags/instance/" + key);
    if (!value) co_return fail(std::move(value).error());
    if (*value && is_tag_value(**value)) tags.emplace(key, std::move(**value));
  }
  co_return tags;
}

Awaitable<Result<LifeCycle>> read_life_cycle(Imds& imds) {
  auto text = co_await imds.get("meta-data/instance-life-cycle");
  if (!text) co_return fail(std::move(text).error());
  const auto word = *text ? trimmed(**text) : std::string_view();
  if (word == "on-demand") co_return LifeCycle::on_demand;
  if (word == "spot") co_return LifeCycle::spot;
  co_return LifeCycle::other;
}

Awaitable<Result<std::optional<std::string>>> read_public_ipv4(Imds& imds) {
  auto text = co_await imds.get("meta-data/public-ipv4");
  if (!text) co_return fail(std::move(text).error());
  if (!*text) co_return std::nullopt;
  std::string address(trimmed(**text));
  if (!is_ipv4(address))
    co_return fail(ErrorKind::invalid_input, "read the public IPv4 address",
                   "it is \"" + printable(address, 40) + "\"");
  co_return address;
}

Awaitable<Result<std::vector<std::string>>> read_instance_stores(Imds& imds) {
  const std::string folder = "meta-data/block-device-mapping";
  std::vector<std::string> devices;
  auto list = co_await imds.get(folder);
  if (!list) co_return fail(std::move(list).error());
  if (!*list) co_return devices;
  for (const auto line : split(**list, '\n')) {
    const auto name = trimmed(line);
    constexpr std::string_view k_store = "ephemeral";
    if (!name.starts_with(k_store) || !parse_number(name.substr(k_store.size()))) continue;
    if (devices.size() == k_most_stores)
      co_return fail(ErrorKind::invalid_input, "read the block devices",
                     "there are more than 24 instance stores");
    auto device = co_await imds.get(folder + "/" + std::string(name));
    if (!device) co_return fail(std::move(device).error());
    const auto shown = *device ? trimmed(**device) : std::string_view();
    if (!shown.empty() && shown.size() <= k_longest_device) devices.emplace_back(shown);
  }
  co_return devices;
}

Awaitable<Result<std::optional<SpotAction>>> read_spot_action(Imds& imds) {
  auto text = co_await imds.get("meta-data/spot/instance-action");
  if (!text) co_return fail(std::move(text).error());
  if (!*text) co_return std::nullopt;
  auto action = parse_spot_action(**text);
  if (!action) co_return fail(std::move(action).error());
  co_return *action;
}

}  // namespace curfew::aws
