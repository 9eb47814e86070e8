// Launches, for the commands that do so: `curfew launch` and `curfew retry`.
#pragma once

#include <optional>
#include <string>

#include "cli/commands.hpp"
#include "cli/jobs_options.hpp"
#include "cli/launch_options.hpp"

namespace curfew::cli {

// What was launched, and where it is to be looked for.
struct Launched {
  JobsPlace place;
  std::string id;
};

// The exit code of `curfew launch`; `launched` is set where there's an instance.
[[nodiscard]] int launch_with(const LaunchOptions& options, const World& world,
                              std::optional<Launched>& launched);

// Follows a launch to its end, and launches it again up to so many times where EC2 takes its instance back or it is lost. The
// exit code of the last one.
[[nodiscard]] int follow_through(Launched launched, std::uint64_t retries, const World& world);

}  // namespace curfew::cli
