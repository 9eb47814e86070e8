// The real thing: see os/power.hpp.
#pragma once

#include "os/power.hpp"

namespace curfew::os {

class SystemPower final : public Power {
 public:
  [[nodiscard]] std::vector<std::string> shutdown_now() const override;
  [[nodiscard]] std::vector<std::string> shutdown_in(long minutes) const override;
  [[nodiscard]] std::vector<std::string> cancel_shutdown() const override;
  [[nodiscard]] std::vector<std::string> force_off() const override;
  [[nodiscard]] Status kernel_power_off() override;
  [[nodiscard]] Status sysrq_power_off() override;
};

}  // namespace curfew::os
