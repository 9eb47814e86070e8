// The two clocks, behind an interface that a test can replace.
#pragma once

#include <string>

#include "base/times.hpp"

namespace curfew::os {

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual WallTime wall() const = 0;
  [[nodiscard]] virtual BootTime boot() const = 0;
};

// CLOCK_REALTIME and CLOCK_BOOTTIME.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] WallTime wall() const override;
  [[nodiscard]] BootTime boot() const override;
};

// /proc/sys/kernel/random/boot_id; empty where it can't be read (then every start counts as the same boot).
[[nodiscard]] std::string boot_id();

}  // namespace curfew::os
