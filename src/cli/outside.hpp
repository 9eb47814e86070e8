// `curfew guard ID...` and `curfew extend ID|JOB... TIME`: the end of instances, put on them or moved from outside.
#pragma once

#include "cli/commands.hpp"
#include "cli/outside_options.hpp"

namespace curfew::cli {

// Shows, asks, makes, reads back. The exit code.
[[nodiscard]] int guard_instances(const Words& words, const World& world);
// `options` name at least one instance or job.
[[nodiscard]] int extend_instances(const ExtendOptions& options, const World& world);

}  // namespace curfew::cli
