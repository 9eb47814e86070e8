// The ways to end a machine from inside it. The implementation that works is in os/power/ and is linked into the
// program alone: tests link a stand-in, so no test can turn off the machine that it runs on.
#pragma once

#include "base/result.hpp"

namespace curfew::os {

class Power {
 public:
  virtual ~Power() = default;

  // Makes the kernel power the machine off at once, nothing synced but file systems: reboot(2), RB_POWER_OFF.
  // Returns only on failure.
  [[nodiscard]] virtual Status kernel_power_off() = 0;
  // The last resort: `o` to /proc/sysrq-trigger. Succeeds when it was written; the machine goes some moments later.
  [[nodiscard]] virtual Status sysrq_power_off() = 0;
};

}  // namespace curfew::os
