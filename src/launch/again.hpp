// What a launch is told that goes on with the job of an earlier one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/times.hpp"
#include "launch/stages.hpp"

namespace curfew::launch {

// Where the earlier one ran: asked last of its kind this time.
struct LastPool {
  std::string region;
  std::string zone;
  std::string type;
};

struct Again {
  std::int64_t attempt = 2;
  std::string retry_of;               // the launch before
  WallTime last_made{};               // of that one, as it was when this was decided
  WallTime latest_stop{};             // of the first launch; never later
  std::optional<PackedCode> workdir;  // as it was packed then
  std::vector<Data> restore;          // what was saved
  std::optional<LastPool> last_pool;
};

}  // namespace curfew::launch
