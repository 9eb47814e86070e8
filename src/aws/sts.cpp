// GetCallerIdentity.
#include "aws/sts.hpp"

#include <algorithm>

#include "aws/core/query.hpp"
#include "aws/core/xml.hpp"
#include "aws/reply_fields.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

constexpr net::Limits k_limits{Millis{5'000}, Millis{10'000}, Millis{15'000}, 64U << 10U};
constexpr Millis k_total{30'000};
constexpr std::size_t k_longest_arn = 2'048;
constexpr const char* k_action = "GetCallerIdentity";

bool is_arn(std::string_view text) {
  return text.starts_with("arn:") && text.size() <= k_longest_arn &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

class QuerySts final : public Sts {
 public:
  QuerySts(Session& session, std::string region) : session_(session), region_(std::move(region)) {}

  Awaitable<Result<CallerIdentity>> caller_identity() override {
    Query query{k_action, "sts", region_, "2011-06-15", k_action, {}};
    auto call = call_of(session_, std::move(query), k_limits, k_total);
    if (!call) co_return fail(std::move(call).error());
    CallerIdentity identity;
    call->read = [&identity](net::Response& response) -> Status {
      auto read = parse_caller_identity(response.body);
      if (!read) return fail(std::move(read).error());
      identity = std::move(*read);
      return {};
    };
    auto response = co_await perform(session_, std::move(*call));
    if (!response) co_return fail(std::move(response).error().error);
    identity.answered = parse_http_date(response->header("Date"));
    co_return std::move(identity);
  }

 private:
  Session& session_;
  std::string region_;
};

}  // namespace

std::optional<std::string> account_of_role(std::string_view arn) {
  const auto parts = split(arn, ':');
  if (!is_arn(arn) || parts.size() != 6 || !parts[1].starts_with("aws") || parts[2] != "iam" ||
      !parts[3].empty() || !is_account(parts[4]) || !parts[5].starts_with("role/") || parts[5].ends_with('/'))
    return {};
  return std::string(parts[4]);
}

Result<CallerIdentity> parse_caller_identity(std::string_view text) {
  const auto xml = Xml::parse(text, "GetCallerIdentityResponse");
  if (!xml) return fail(xml.error());
  const auto result = xml->root().child("GetCallerIdentityResult");
  CallerIdentity identity;
  identity.account = child_text(result, "Account");
  if (!is_account(identity.account)) return odd("Account", identity.account);
  identity.arn = child_text(result, "Arn");
  if (!is_arn(identity.arn)) return odd("Arn", identity.arn);
  return identity;
}

std::unique_ptr<Sts> make_sts(Session& session, std::string region) {
  return std::make_unique<QuerySts>(session, std::move(region));
}

}  // namespace curfew::aws
