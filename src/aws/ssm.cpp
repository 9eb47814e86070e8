// GetParameter: JSON, version 1.1.
#include "aws/ssm.hpp"

#include <algorithm>

#include <boost/json/serialize.hpp>

#include "aws/core/call.hpp"
#include "base/text.hpp"
#include "os/json.hpp"

namespace curfew::aws {
namespace {

constexpr net::Limits k_limits{Millis{5'000}, Millis{10'000}, Millis{15'000}, 64U << 10U};
constexpr Millis k_total{30'000};
constexpr std::size_t k_longest_name = 1'011;    // SSM's own limit
constexpr std::size_t k_longest_value = 4'096;   // of a standard parameter
constexpr std::size_t k_longest_secret = 8'192;  // of an advanced one

class JsonSsm final : public Ssm {
 public:
  JsonSsm(Session& session, std::string region) : session_(session), region_(std::move(region)) {}

  Awaitable<Result<std::string>> parameter(std::string name) override {
    return get(std::move(name), Wanted::text);
  }

  Awaitable<Result<std::string>> secret(std::string name) override {
    return get(std::move(name), Wanted::secret);
  }

 private:
  Awaitable<Result<std::string>> get(std::string name, Wanted wanted) {
    const auto what = "GetParameter " + printable(name) + " in " + region_;
    if (!is_parameter_name(name))
      co_return fail(ErrorKind::invalid_input, what, "that is no parameter's name");
    auto endpoint = session_.endpoint("ssm", region_);
    if (!endpoint) co_return fail(std::move(endpoint).error().within(what));
    Call call;
    call.what = what;
    call.service = "ssm";
    call.region = region_;
    call.limits = k_limits;
    call.total = k_total;
    call.request.method = "POST";
    call.request.url = std::move(endpoint->url);
    call.request.headers.push_back({"Content-Type", "application/x-amz-json-1.1"});
    call.request.headers.push_back({"X-Amz-Target", "AmazonSSM.GetParameter"});
    boost::json::object body;
    body["Name"] = name;
    if (wanted == Wanted::secret) body["WithDecryption"] = true;
    call.request.body = boost::json::serialize(body);
    auto response = co_await perform(session_, std::move(call));
    if (!response) co_return fail(std::move(response).error().error);
    auto value = parse_parameter(response->body, wanted);
    if (!value) co_return fail(std::move(value).error().within(what));
    co_return value;
  }

  Session& session_;
  std::string region_;
};

}  // namespace

bool is_parameter_name(std::string_view text) {
  return !text.empty() && text.size() <= k_longest_name && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '.' || c == '-' || c == '_';
  });
}

Result<std::string> parse_parameter(std::string_view json, Wanted wanted) {
  os::JsonReader reply(json, "the reply");
  os::JsonReader parameter(reply.object("Parameter"), "the parameter");
  const auto type = parameter.text("Type");
  auto value = parameter.text("Value");
  for (const auto* reader : {&reply, &parameter}) {
    if (reader->status()) continue;
    Error error = reader->status().error();
    error.kind = ErrorKind::unavailable;
    return fail(std::move(error));
  }
  const bool is_right = type == "String" || (wanted == Wanted::secret && type == "SecureString");
  if (!is_right)
    return fail(ErrorKind::invalid_input, "read the parameter",
                "it is a " + printable(type, 40) + ", not a String");
  if (value.size() > (wanted == Wanted::secret ? k_longest_secret : k_longest_value))
    return fail(ErrorKind::unavailable, "read the parameter", "its value is longer than any");
  return value;
}

Awaitable<Result<std::string>> read_secret(Session& session, std::string name) {
  auto asking = session.region();
  auto region = co_await std::move(asking);
  if (!region) co_return fail(std::move(region.error()).within("read ssm:" + name));
  const auto ssm = make_ssm(session, std::move(*region));
  auto reading = ssm->secret(std::move(name));
  co_return co_await std::move(reading);
}

std::unique_ptr<Ssm> make_ssm(Session& session, std::string region) {
  return std::make_unique<JsonSsm>(session, std::move(region));
}

}  // namespace curfew::aws
