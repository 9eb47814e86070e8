// The commands that set up an account, check it and take away what was made; as those in commands.hpp.
#pragma once

#include "cli/commands.hpp"

namespace curfew::cli {

[[nodiscard]] int setup_billing_command(const Words& words, const World& world);  // by setup_command
[[nodiscard]] int teardown_command(const Words& words, const World& world);
[[nodiscard]] int doctor_command(const Words& words, const World& world);

}  // namespace curfew::cli
