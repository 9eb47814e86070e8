// Reads what runs: all regions of all accounts at once, on one thread, within a limit. Whatever goes wrong in one region
// holds up no other, and is in the report: there's never a smaller count without a word.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "os/clock.hpp"
#include "pricing/price_cache.hpp"
#include "watch/filter.hpp"
#include "watch/machine.hpp"
#include "watch/reads.hpp"
#include "watch/region.hpp"

namespace curfew::watch {

struct CollectPlan {
  std::vector<std::string> only;    // regions; none: all that are enabled
  std::vector<std::string> except;  // regions
  Filter filter;
  Thresholds thresholds;
  bool allow_denied = false;       // a region that an explicit deny keeps from us is none that failed
  std::string home = "us-east-1";  // the region that tells which are enabled
  Millis limit{120'000};           // for all of it; see limit_of_one()
  std::size_t most_instances = k_most_instances;  // of a region
};

struct Progress {
  std::size_t regions_read = 0;  // or given up
  std::size_t regions = 0;       // as far as is known
  std::size_t instances = 0;
};

struct AccountReads {
  Reads* reads;      // must outlive the collecting
  std::string role;  // the ARN that is assumed for it; empty: the caller's own
  std::string id;    // twelve digits, where the caller knows it already
  // Its enabled regions, where the caller has just asked for them.
  std::optional<std::vector<std::string>> enabled = {};
};

// Those that the account may use: a test server also tells others.
[[nodiscard]] std::vector<std::string> enabled_regions(const std::vector<aws::ListedRegion>& regions);

// Of one region from when it begins, or of an account's list of regions, so that what one that's dead leaves of `total` is
// enough to tell so. Beyond `total` none goes on.
[[nodiscard]] Millis limit_of_one(Millis total);

// `prices` is looked into, and what is learnt is put there. `progress` is called whenever there's some; may be null.
[[nodiscard]] Awaitable<Report> collect(std::vector<AccountReads> accounts, CollectPlan plan,
                                        const os::Clock& clock, pricing::PriceCache& prices,
                                        std::function<void(const Progress&)> progress);

}  // namespace curfew::watch
