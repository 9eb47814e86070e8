// The commands that look at launched jobs; as those in commands.hpp.
#pragma once

#include "cli/commands.hpp"

namespace curfew::cli {

[[nodiscard]] int ps_command(const Words& words, const World& world);
[[nodiscard]] int logs_command(const Words& words, const World& world);
// `curfew wait JOB`; by wait_command.
[[nodiscard]] int wait_for_job(const Words& words, const World& world);
[[nodiscard]] int result_command(const Words& words, const World& world);
[[nodiscard]] int ssh_command(const Words& words, const World& world);
[[nodiscard]] int retry_command(const Words& words, const World& world);

}  // namespace curfew::cli
