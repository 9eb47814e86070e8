// `curfew stop ID|JOB...`. Without any `curfew stop` is control_commands.cpp's.
#pragma once

#include "cli/commands.hpp"
#include "cli/stop_options.hpp"

namespace curfew::cli {

// `options` name at least one id or name. Asks, ends and waits; returns the exit code.
[[nodiscard]] int stop_instances(const StopOptions& options, const World& world);

}  // namespace curfew::cli
