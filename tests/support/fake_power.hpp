// Ways to end a machine that end none: programs that only succeed or fail, and calls that are counted.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "os/power.hpp"

namespace curfew::test {

class FakePower final : public os::Power {
 public:
  std::vector<std::string> shutdown = {"false"};
  std::vector<std::string> force = {"false"};
  std::atomic<int> kernel_calls{0};
  std::atomic<int> sysrq_calls{0};

  [[nodiscard]] std::vector<std::string> shutdown_now() const override { return shutdown; }
  [[nodiscard]] std::vector<std::string> shutdown_in(long) const override { return {"true"}; }
  [[nodiscard]] std::vector<std::string> cancel_shutdown() const override { return {"true"}; }
  [[nodiscard]] std::vector<std::string> force_off() const override { return force; }
  [[nodiscard]] Status kernel_power_off() override {
    ++kernel_calls;
    return fail(ErrorKind::refused, "power off", "this is a test");
  }
  [[nodiscard]] Status sysrq_power_off() override {
    ++sysrq_calls;
    return fail(ErrorKind::refused, "sysrq", "this is a test");
  }
};

}  // namespace curfew::test
