// The real thing: see os/power.hpp.
#pragma once

#include "os/power.hpp"

namespace curfew::os {

class SystemPower final : public Power {
 public:
  [[nodiscard]] Status kernel_power_off() override;
  [[nodiscard]] Status sysrq_power_off() override;
};

}  // namespace curfew::os
