// GetServiceQuota and GetAWSDefaultServiceQuota: JSON, version 1.1.
#include "aws/service_quotas.hpp"

#include <algorithm>
#include <cmath>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "aws/core/call.hpp"
#include "base/text.hpp"
#include "os/json.hpp"

namespace curfew::aws {
namespace {

constexpr net::Limits k_limits{Millis{5'000}, Millis{10'000}, Millis{10'000}, 64U << 10U};
constexpr Millis k_total{15'000};  // of each of the two calls
constexpr std::size_t k_longest_code = 40;
constexpr double k_most = 1e12;

class JsonServiceQuotas final : public ServiceQuotas {
 public:
  JsonServiceQuotas(Session& session, std::string region) : session_(session), region_(std::move(region)) {}

  Awaitable<Result<std::uint64_t>> ec2_quota(std::string code) override {
    auto asking = get("GetServiceQuota", code);
    auto given = co_await std::move(asking);
    // Where the account has never been given another, there may be the default alone.
    const bool is_default = !given && given.error().code == "NoSuchResourceException";
    if (!is_default) co_return given;
    auto asking_default = get("GetAWSDefaultServiceQuota", code);
    auto usual = co_await std::move(asking_default);
    if (!usual && usual.error().code == "NoSuchResourceException") usual.error().kind = ErrorKind::not_found;
    co_return usual;
  }

 private:
  Awaitable<Result<std::uint64_t>> get(std::string action, std::string code) {
    const auto what = action + " " + printable(code, k_longest_code) + " in " + region_;
    if (!is_quota_code(code)) co_return fail(ErrorKind::invalid_input, what, "that is no quota's code");
    auto endpoint = session_.endpoint("servicequotas", region_);
    if (!endpoint) co_return fail(std::move(endpoint).error().within(what));
    Call call;
    call.what = what;
    call.service = "servicequotas";
    call.region = region_;
    call.limits = k_limits;
    call.total = k_total;
    call.request.method = "POST";
    call.request.url = std::move(endpoint->url);
    call.request.headers.push_back({"Content-Type", "application/x-amz-json-1.1"});
    call.request.headers.push_back({"X-Amz-Target", "ServiceQuotasV20190624." + action});
    call.request.body =
        boost::json::serialize(boost::json::object{{"ServiceCode", "ec2"}, {"QuotaCode", code}});
    auto response = co_await perform(session_, std::move(call));
    if (!response) co_return fail(std::move(response).error().error);
    auto value = parse_quota(response->body, code);
    if (!value) co_return fail(std::move(value).error().within(what));
    co_return value;
  }

  Session& session_;
  std::string region_;
};

}  // namespace

bool is_quota_code(std::string_view text) {
  return text.starts_with("L-") && text.size() > 2 && text.size() <= k_longest_code &&
         std::all_of(text.begin() + 2, text.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

Result<std::uint64_t> parse_quota(std::string_view json, std::string_view code) {
  const auto refuse = [](std::string why) {
    return fail(ErrorKind::unavailable, "read the quota", std::move(why));
  };
  os::JsonReader reply(json, "the reply");
  auto object = reply.object("Quota");
  if (!reply.status()) return refuse(reply.status().error().text());
  os::JsonReader quota(object, "the quota");
  const auto told = quota.text("QuotaCode");
  if (!quota.status()) return refuse(quota.status().error().text());
  if (told != code) return refuse("it is of another: " + printable(told, k_longest_code));
  const auto* const value = object.if_contains("Value");
  double number = -1;  // AWS writes 8.0
  if (value != nullptr && value->is_number()) number = value->to_number<double>();
  if (!std::isfinite(number) || number < 0 || number > k_most)
    return refuse("its value is no number of units");
  return static_cast<std::uint64_t>(number);
}

std::unique_ptr<ServiceQuotas> make_service_quotas(Session& session, std::string region) {
  return std::make_unique<JsonServiceQuotas>(session, std::move(region));
}

}  // namespace curfew::aws
