// A clock that stands still until it's moved.
#pragma once

#include "os/clock.hpp"

namespace curfew::test {

class FakeClock final : public os::Clock {
 public:
  WallTime now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + std::chrono::hours{18}};
  BootTime since_boot{Millis{1'000'000}};

  void advance(Millis by) {
    now += by;
    since_boot += by;
  }
  [[nodiscard]] WallTime wall() const override { return now; }
  [[nodiscard]] BootTime boot() const override { return since_boot; }
};

}  // namespace curfew::test
