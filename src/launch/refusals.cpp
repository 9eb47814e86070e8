// "Error codes for the Amazon EC2 API", sorted by what another question could change.
#include "launch/refusals.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/text.hpp"

namespace curfew::launch {
namespace {

constexpr std::size_t k_most_listed = 6;
constexpr std::size_t k_longest_code = 60;

}  // namespace

Refused meaning_of(const Error& error, const Pool& pool) {
  if (is_quota_code(error.code, pool.spot)) return Refused::quota;
  // Of the other market, so it isn't about this pool at all.
  if (is_quota_code(error.code, !pool.spot)) return Refused::all;
  if (error.code == "Unsupported") return Refused::never_there;
  // A zone that the default VPC has no subnet in; the code differs (MissingInput, InvalidInput), the words don't.
  if (!pool.zone.empty() && error.kind != ErrorKind::refused &&
      error.cause.find("No default subnet for availability zone") != std::string::npos)
    return Refused::never_there;
  return aws::is_no_capacity(error.code) ? Refused::for_now : Refused::all;
}

bool shares_quota(const Pool& refused, const Pool& other) {
  if (refused.spot != other.spot || refused.region != other.region || other.type.vcpus < refused.type.vcpus)
    return false;
  const auto* const quota = quota_of(refused.type.name, refused.spot);
  return quota == nullptr ? refused.type.name == other.type.name
                          : quota == quota_of(other.type.name, other.spot);
}

bool may_change(const std::vector<Tried>& tried) {
  return std::any_of(tried.begin(), tried.end(),
                     [](const Tried& one) { return one.refused == Refused::for_now; });
}

std::string summary(const std::vector<Tried>& tried) {
  std::string text;
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : "; ") + more; };
  if (tried.size() <= k_most_listed) {
    for (const auto& one : tried) add(name_of(one.pool) + ": " + printable(one.code, k_longest_code));
    return text;
  }
  std::map<std::string, std::size_t> counts;
  for (const auto& one : tried) ++counts[one.code];
  for (const auto& [code, count] : counts)
    add(fmt::format("{} of {} pools: {}", count, tried.size(), printable(code, k_longest_code)));
  return text;
}

std::string quota_fix(const Pool& pool, const std::vector<QuotaState>& quotas) {
  const auto* const quota = quota_of(pool.type.name, pool.spot);
  if (quota == nullptr) return "ask for a larger quota of such instances in the console of Service Quotas";
  QuotaState state{quota, pool.region, {}, {}, {}};
  for (const auto& one : quotas)
    if (one.quota == quota && one.region == pool.region) state = one;
  return "ask for more: " + increase_command(state, pool.type.vcpus);
}

Error nothing_to_be_had(const std::vector<Tried>& tried, const std::vector<QuotaState>& quotas) {
  const auto over = std::find_if(tried.begin(), tried.end(),
                                 [](const Tried& one) { return one.refused == Refused::quota; });
  const bool is_quota = over != tried.end() && !may_change(tried);
  Error error{
      ErrorKind::unavailable,
      "launch",
      std::string(is_quota ? "the quota is used up" : "there is no capacity") + " (" + summary(tried) +
          "); nothing was made",
      "try other types (--instance-type A,B), another --zone or --region, --spot-then-on-demand, or wait "
      "for it (--wait-capacity 2h)",
      {}};
  if (over != tried.end())
    error.hint = quota_fix(over->pool, quotas) + (is_quota ? "" : "; or " + error.hint);
  return error;
}

}  // namespace curfew::launch
