// Reads one region of one account.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "os/clock.hpp"
#include "pricing/price_cache.hpp"
#include "watch/filter.hpp"
#include "watch/machine.hpp"
#include "watch/reads.hpp"

namespace curfew::watch {

// What came of it. It's filled while it's being read, so that what is there when the time runs out isn't lost.
struct RegionFindings {
  std::deque<Machine> machines;
  std::optional<Error> error;  // the list of instances isn't whole
  std::vector<Note> notes;
  std::optional<Millis> skew;                 // the worst of clock_skew()
  std::set<std::string> missing_permissions;  // that made a cost worse
  bool unlisted_schedules = false;            // there's no permission to list them
};

// In one region.
inline constexpr std::size_t k_most_instances = 200'000;

struct RegionQuery {
  std::string region;
  Filter filter;
  WallTime at;  // what costs and ages are reckoned by
  Millis limit;
  std::function<void(std::size_t instances)> found = {};  // so many more; may be null
  std::size_t most = k_most_instances;                    // more are an error
};

// Instances first; what they cost, and their schedules, after. Without the permission for one of these the instances are
// shown with what is known, and so they are when the limit passes: while the list is read, that is the error; later, notes tell
// what isn't known, and only schedules that weren't read are `unread`. `out` must outlive the call.
[[nodiscard]] Awaitable<void> read_region(Reads& reads, RegionQuery query, const os::Clock& clock,
                                          pricing::PriceCache& prices, RegionFindings& out);

}  // namespace curfew::watch
