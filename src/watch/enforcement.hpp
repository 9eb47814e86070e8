// Whether an instance may be ended for being past its own deadline. Pure; the reasons why not are many on purpose.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "watch/machine.hpp"

namespace curfew::watch {

// Why `--enforce` ends an instance or leaves it alone.
enum class Enforcement : std::uint8_t {
  end,                      // past its own deadline, and nothing speaks against it
  not_due,                  // its deadline is ahead
  no_deadline,              // it has none
  not_running,              // stopped, or going already
  malformed_deadline,       // what it says isn't a time
  no_job,                   // past it, but not launched under curfew: no tag curfew:job
  launched_after_deadline,  // started again after it: somebody wants it
  kept,                     // its tag curfew:keep holds, or can't be read
  in_group,                 // an Auto Scaling group would replace it
  managed,                  // by another AWS service, by which alone it can be ended
  is_protected,             // DisableApiTermination
  protection_unknown,  // not to be asked; StopInstances, which it's for, doesn't heed protection by itself
  then_unclear,        // its tag curfew:then says neither stop nor terminate
  deadline_moved,      // between the reading and the ending
  started_again,       // between the reading and the ending
  became_another       // another id, account or region was read again: a mistake somewhere
};
[[nodiscard]] std::string_view name_of(Enforcement enforcement);
// For people: "kept by its tag curfew:keep until 2026-12-02T00:00:00Z: demo".
[[nodiscard]] std::string describe(Enforcement enforcement, const Machine& machine);
// Whether there was a reason to end it that something spoke against, so that it's worth a line under NOT TOUCHED.
[[nodiscard]] bool is_left_alone(Enforcement enforcement);

// Needs a tag curfew:job, a well-formed deadline in the past, and a launch before it.
[[nodiscard]] Enforcement enforceable(const Machine& machine, WallTime now);
// The same of what was read again right before ending it, its protection too where that may be asked; whatever has changed
// since it was `seen` speaks against it.
[[nodiscard]] Enforcement still_enforceable(const Machine& seen, const Machine& again, WallTime now);

}  // namespace curfew::watch
