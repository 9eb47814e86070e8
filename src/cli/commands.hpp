// The commands. Each takes the words after its name and returns the exit code; what it needs of the outside is handed in
// by main.
#pragma once

#include <string>
#include <vector>

#include "os/clock.hpp"
#include "os/power.hpp"

namespace curfew::cli {

using Words = std::vector<std::string>;

inline constexpr int k_exit_failed =
    125;  // curfew's own failure, bad usage included: as timeout(1) and env(1) do

struct World {
  const os::Clock& clock;
  os::Power& power;
};

[[nodiscard]] int run_command(const Words& words, const World& world);
[[nodiscard]] int launch_command(const Words& words, const World& world);
[[nodiscard]] int config_command(const Words& words, const World& world);
[[nodiscard]] int check_command(const Words& words, const World& world);
[[nodiscard]] int setup_command(const Words& words, const World& world);
[[nodiscard]] int status_command(const Words& words, const World& world);
[[nodiscard]] int extend_command(const Words& words, const World& world);
[[nodiscard]] int stop_command(const Words& words, const World& world);
[[nodiscard]] int disarm_command(const Words& words, const World& world);
[[nodiscard]] int install_command(const Words& words, const World& world);
[[nodiscard]] int uninstall_command(const Words& words, const World& world);

// Not for people: roles that curfew starts itself.
[[nodiscard]] int guard_command(const Words& words, const World& world);
[[nodiscard]] int shim_command(const Words& words, const World& world);
[[nodiscard]] int before_end_command(const Words& words, const World& world);
[[nodiscard]] int wait_command(const Words& words, const World& world);
[[nodiscard]] int boot_command(const Words& words, const World& world);
[[nodiscard]] int l0_command(const Words& words, const World& world);
[[nodiscard]] int start_as_root_command(const Words& words, const World& world);
[[nodiscard]] int run_job_command(const Words& words, const World& world);
[[nodiscard]] int run_stages_command(const Words& words, const World& world);

}  // namespace curfew::cli
