// The ways to end a machine from inside it. The implementation that works is in os/power/ and is linked into the
// program alone: tests link a stand-in, so no test can turn off the machine that it runs on.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace curfew::os {

class Power {
 public:
  virtual ~Power() = default;

  // Programs and their words, to be run with a time limit (os/command.hpp).
  [[nodiscard]] virtual std::vector<std::string> shutdown_now() const = 0;
  [[nodiscard]] virtual std::vector<std::string> shutdown_in(long minutes) const = 0;
  [[nodiscard]] virtual std::vector<std::string> cancel_shutdown() const = 0;
  // Without stopping services or unmounting.
  [[nodiscard]] virtual std::vector<std::string> force_off() const = 0;

  // Makes the kernel power the machine off at once, nothing synced but file systems: reboot(2), RB_POWER_OFF.
  // Returns only on failure.
  [[nodiscard]] virtual Status kernel_power_off() = 0;
  // The last resort: `o` to /proc/sysrq-trigger. Succeeds when it was written; the machine goes some moments later.
  [[nodiscard]] virtual Status sysrq_power_off() = 0;
};

}  // namespace curfew::os
