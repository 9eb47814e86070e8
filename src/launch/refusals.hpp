// What it means that RunInstances refuses a pool. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "launch/pools.hpp"
#include "launch/quota.hpp"

namespace curfew::launch {

enum class Refused : std::uint8_t {
  all,          // it isn't about the pool: no other will do
  for_now,      // no capacity, or a price that is too low: another pool, or the same one later
  never_there,  // the pool can't be had, now or later: another one
  quota,        // another family, size or market
};
[[nodiscard]] Refused meaning_of(const Error& error, const Pool& pool);

// Whether a quota that has refused one would refuse the other too.
[[nodiscard]] bool shares_quota(const Pool& refused, const Pool& other);

// A pool that was asked and refused.
struct Tried {
  Pool pool;
  Refused refused = Refused::for_now;
  std::string code;  // EC2's own
};
// Whether asking all of them again may give another answer.
[[nodiscard]] bool may_change(const std::vector<Tried>& tried);
// "g5.xlarge, spot in us-east-1a: InsufficientInstanceCapacity"; of many how many there are of each code. Safe to show.
[[nodiscard]] std::string summary(const std::vector<Tried>& tried);

// That no pool has given an instance. `quotas`: what was known of them before.
[[nodiscard]] Error nothing_to_be_had(const std::vector<Tried>& tried, const std::vector<QuotaState>& quotas);
// What to do about a quota that has refused this pool.
[[nodiscard]] std::string quota_fix(const Pool& pool, const std::vector<QuotaState>& quotas);

}  // namespace curfew::launch
