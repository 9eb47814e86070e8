// The quotas that bound how many vCPUs run at once: one for each group of families and each market, in each region; and
// what they mean for a launch. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace curfew::launch {

struct Quota {
  std::string_view code;      // "L-DB2E81BA", of the service ec2
  std::string_view families;  // "G and VT"
  bool spot = false;
};

// The one that bounds instances of that type; null: none that is known here.
[[nodiscard]] const Quota* quota_of(std::string_view instance_type, bool spot);

// What is known of one in a region.
struct QuotaState {
  const Quota* quota = nullptr;
  std::string region;
  std::optional<std::uint64_t> limit;  // vCPUs; empty: not known
  std::optional<std::uint64_t> used;   // by what runs now; empty: not known
  std::string why_unknown;             // where one of them isn't; other people's text: printable() first
};

enum class QuotaVerdict { fits, too_small, unknown };
// For one more instance of so many vCPUs. A limit that is too small by itself needs no count of what runs.
[[nodiscard]] QuotaVerdict judge(const QuotaState& state, std::uint64_t vcpus);

// "G and VT, spot, us-east-1: 8 of 64 vCPUs run (L-3819A6DF)"; safe to show.
[[nodiscard]] std::string describe(const QuotaState& state);
// The command that asks AWS for room for so many vCPUs more, always for more than there is.
[[nodiscard]] std::string increase_command(const QuotaState& state, std::uint64_t vcpus);
// "the quota of G and VT instances, spot, in us-east-1 is 0 vCPUs: g5.xlarge needs 4"; the command is its hint.
[[nodiscard]] Error too_small(const QuotaState& state, std::string_view instance_type, std::uint64_t vcpus);

// Whether RunInstances refused for a quota, on instances bought that way: what it says of the other market means nothing.
[[nodiscard]] bool is_quota_code(std::string_view code, bool spot);

}  // namespace curfew::launch
