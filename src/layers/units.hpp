// The systemd units of curfew as text. Pure; systemd.unit(5), systemd.timer(5), systemd.service(5).
#pragma once

#include <string>

#include "base/times.hpp"

namespace curfew::layers {

inline constexpr const char* k_l0_timer = "curfew-l0.timer";
inline constexpr const char* k_l0_ending_timer = "curfew-l0-ending.timer";
inline constexpr const char* k_l0_service = "curfew-l0.service";
inline constexpr const char* k_guard_service = "curfew.service";
inline constexpr const char* k_job_service = "curfew-job.service";
inline constexpr const char* k_boot_service = "curfew-boot.service";

// Where curfew lives on the machine; all absolute.
struct Places {
  std::string program = "/var/lib/curfew/bin/curfew";
  std::string state = "/var/lib/curfew";
  std::string run = "/run/curfew";
  std::string units = "/etc/systemd/system";             // survive a reboot
  std::string runtime_units = "/run/systemd/system";     // don't
  std::string timer_stamps = "/var/lib/systemd/timers";  // where systemd notes when a timer has fired

  [[nodiscard]] std::string ended_marker() const { return state + "/ended"; }
  // The request of `curfew install`.
  [[nodiscard]] std::string installed() const { return state + "/installed.json"; }
  [[nodiscard]] std::string armed_marker() const { return run + "/armed"; }
};

// Fires at `at` by the wall clock or `remaining` after it's started, whichever comes first.
[[nodiscard]] std::string l0_timer_unit(WallTime at, Seconds remaining);
// Fires `limit` after each boot, or after it's started anew, with nothing else alive: for an installed curfew. A calendar
// time, or one that was missed, would end a machine that its owner has just started.
[[nodiscard]] std::string l0_boot_timer_unit(Seconds limit);
// Started just before a rung of our own: L0 then comes `ahead` later, if the machine is still there.
[[nodiscard]] std::string l0_ending_timer_unit(Seconds ahead);
[[nodiscard]] std::string l0_service_unit(const Places& places);

struct GuardUnit {
  bool powers_off =
      true;  // after five failed starts in ten minutes; false where ending is none or in a dry run
  Seconds stop_limit{180};  // grace and saving, when the machine is shut down by another's hand
  bool enabled = true;      // comes up with the next boot; false where k_boot_service starts it
};
[[nodiscard]] std::string guard_unit(const Places& places, const GuardUnit& unit);
[[nodiscard]] std::string job_unit(const Places& places);
// Begins the guard anew at each boot.
[[nodiscard]] std::string boot_unit(const Places& places);

}  // namespace curfew::layers
