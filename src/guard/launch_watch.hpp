// Ends a machine whose `curfew launch` died before it had made the schedule that ends it from outside (L3).
//
// The launch tags the instance with curfew:launch in the RunInstances call itself, and with curfew:schedule=armed once the
// schedule is there (none: the user did without). Five minutes after the boot one without the other means that nobody
// will finish what was begun.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "guard/async.hpp"

namespace curfew::guard {

inline constexpr const char* k_launch_tag = "curfew:launch";
inline constexpr const char* k_schedule_tag = "curfew:schedule";
// After the boot. A launch takes seconds, but its calls are repeated for minutes where AWS is slow.
inline constexpr Millis k_launch_patience{300'000};

enum class LaunchState : std::uint8_t {
  not_launched,  // by curfew
  finished,      // the schedule is there, or the user did without
  unfinished
};
// By the instance's tags. A value of curfew:schedule that isn't known is no proof of a schedule. Pure.
[[nodiscard]] LaunchState launch_state(const std::map<std::string, std::string>& tags);

class LaunchWatch {
 public:
  using Tags = std::optional<std::map<std::string, std::string>>;  // nothing: they aren't in the metadata

  struct World {
    std::function<Awaitable<Result<Tags>>()> tags;           // as IMDS says now
    std::function<Millis()> since_boot;                      // for how long the machine is up
    std::function<bool()> goes_on;                           // false: nothing is looked for any more
    std::function<void(const std::string& why)> unfinished;  // called once
    Millis patience = k_launch_patience;
    Millis look_every{10'000};
  };

  explicit LaunchWatch(World world) : world_(std::move(world)) {}

  // Returns once it's known how the launch went. What IMDS doesn't tell is unknown, and looked for again. What `world`
  // refers to outlives it.
  [[nodiscard]] Awaitable<void> run();

 private:
  World world_;
};

// For how long the machine has been up: since PID 1 began, which in a container is later than the boot.
[[nodiscard]] std::optional<Millis> first_process_ran_for(BootTime now);

}  // namespace curfew::guard
