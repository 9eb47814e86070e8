// Looks rarely whether EC2 has planned something for this instance, and says it once.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "guard/async.hpp"
#include "guard/cloud.hpp"

namespace curfew::guard {

// "EC2 will reboot this instance, not before 2026-11-30T09:00:43Z (system-reboot, instance-event-0d59937288b749b32)".
[[nodiscard]] std::string describe(const Maintenance& maintenance);

class MaintenanceWatch {
 public:
  struct World {
    std::function<Awaitable<Result<std::vector<Maintenance>>>()> ask;
    std::function<bool()> goes_on;                 // false: nothing is looked for any more
    std::function<void(const std::string&)> warn;  // a line for people
    Millis look_every{300'000};                    // such events are announced days ahead, as a rule
  };

  explicit MaintenanceWatch(World world) : world_(std::move(world)) {}

  // What `world` refers to outlives it.
  [[nodiscard]] Awaitable<void> run();

 private:
  World world_;
  std::set<std::pair<std::string, WallTime>> said_;  // one that is moved to another time is news
  bool silent_ = false;
};

}  // namespace curfew::guard
