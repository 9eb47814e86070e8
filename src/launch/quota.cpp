// AWS: "Amazon EC2 instance type quotas", and the list of Service Quotas.
#include "launch/quota.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/text.hpp"

namespace curfew::launch {
namespace {

constexpr std::size_t k_longest_reason = 200;

struct Group {
  std::string_view families;
  // What stands before a type's first digit or dash; for spot P instances with that digit.
  std::string_view prefixes;
  std::string_view on_demand;  // empty: none is known
  std::string_view spot;
};

constexpr std::array<Group, 12> k_groups{{
    {"standard (A, C, D, H, I, M, R, T, Z)", "a c d h i im is m r t z", "L-1216C47A", "L-34B43A08"},
    {"G and VT", "g gr vt", "L-DB2E81BA", "L-3819A6DF"},
    {"P4, P3 and P2", "p2 p3 p4", "", "L-7212CCBC"},
    {"P5", "p5", "", "L-C4BD4855"},
    {"P", "p", "L-417A185B", ""},
    {"F", "f", "L-74FC7D96", "L-88CF9481"},
    {"X", "x", "L-7295265B", "L-E3A00192"},
    {"Inf", "inf", "L-1945791B", "L-B5D1601B"},
    {"Trn", "trn", "L-2C3B7624", "L-6B0D517C"},
    {"DL", "dl", "L-6E869C2A", "L-85EED4F7"},
    {"HPC", "hpc", "L-F7808C92", ""},
    {"High Memory", "u", "L-43DA4232", ""},
}};

template <bool Spot>
constexpr auto quotas_of_market() {
  std::array<Quota, k_groups.size()> quotas{};
  for (std::size_t i = 0; i < k_groups.size(); ++i)
    quotas[i] = {Spot ? k_groups[i].spot : k_groups[i].on_demand, k_groups[i].families, Spot};
  return quotas;
}
constexpr auto k_on_demand_quotas = quotas_of_market<false>();
constexpr auto k_spot_quotas = quotas_of_market<true>();

bool has_word(std::string_view words, std::string_view word) {
  const auto list = split(words, ' ');
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string name_of(const Quota& quota) {
  return std::string(quota.families) + (quota.spot ? ", spot" : ", on demand");
}

}  // namespace

const Quota* quota_of(std::string_view instance_type, bool spot) {
  const auto letters =
      std::min(instance_type.find_first_not_of("abcdefghijklmnopqrstuvwxyz"), instance_type.size());
  if (letters == instance_type.size()) return nullptr;
  const auto& quotas = spot ? k_spot_quotas : k_on_demand_quotas;
  for (std::size_t i = 0; i < quotas.size(); ++i) {
    const auto& words = k_groups[i].prefixes;
    const bool is_of_it = has_word(words, instance_type.substr(0, letters)) ||
                          has_word(words, instance_type.substr(0, letters + 1));
    if (is_of_it && !quotas[i].code.empty()) return &quotas[i];
  }
  return nullptr;
}

QuotaVerdict judge(const QuotaState& state, std::uint64_t vcpus) {
  if (!state.limit) return QuotaVerdict::unknown;
  if (*state.limit < vcpus) return QuotaVerdict::too_small;
  if (!state.used) return QuotaVerdict::unknown;
  // What runs may be more than the limit, where that was lowered.
  return *state.used > *state.limit - vcpus ? QuotaVerdict::too_small : QuotaVerdict::fits;
}

std::string describe(const QuotaState& state) {
  std::string text = name_of(*state.quota) + ", " + state.region + ": ";
  if (!state.limit) text += "unknown";
  else if (!state.used) text += fmt::format("{} vCPUs, how many run isn't known", *state.limit);
  else text += fmt::format("{} of {} vCPUs run", *state.used, *state.limit);
  text += fmt::format(" ({})", state.quota->code);
  if (!state.limit || !state.used) text += ": " + printable(state.why_unknown, k_longest_reason);
  return text;
}

std::string increase_command(const QuotaState& state, std::uint64_t vcpus) {
  const auto limit = state.limit.value_or(0);
  auto wanted = state.used.value_or(limit) + vcpus;
  // EC2 may count more than what runs, as it refused.
  if (wanted <= limit) wanted = limit + vcpus;
  return fmt::format(
      "aws service-quotas request-service-quota-increase --service-code ec2 --quota-code {} --desired-value "
      "{} "
      "--region {}",
      state.quota->code, wanted, state.region);
}

Error too_small(const QuotaState& state, std::string_view instance_type, std::uint64_t vcpus) {
  const auto limit = state.limit.value_or(0);
  std::string cause = fmt::format("is {} vCPUs", limit);
  if (limit > 0 && state.used.value_or(0) > 0) cause += fmt::format(", {} of which run", *state.used);
  return {ErrorKind::refused,
          fmt::format("the quota of {} instances in {}", name_of(*state.quota), state.region),
          fmt::format("{}: {} needs {}", cause, instance_type, vcpus),
          "ask for more: " + increase_command(state, vcpus),
          {}};
}

bool is_quota_code(std::string_view code, bool spot) {
  if (spot) return code == "MaxSpotInstanceCountExceeded";
  return code == "VcpuLimitExceeded" || code == "InstanceLimitExceeded";
}

}  // namespace curfew::launch
