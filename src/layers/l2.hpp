// L2: systemd supervises the guard, restarts it, and powers the machine off where it can't be kept running.
#pragma once

#include <string>

#include "base/result.hpp"
#include "layers/units.hpp"

namespace curfew::layers {

struct L2Reading {
  bool armed = false;
  std::string text;
};

class L2 {
 public:
  explicit L2(Places places) : places_(std::move(places)) {}

  // Copies `program` into place, writes and enables the units of guard and job, and starts both. Returns once systemd
  // has taken the start, not once the job runs.
  [[nodiscard]] Status arm(const std::string& program, const GuardUnit& unit) const;
  // Only what is on disk.
  [[nodiscard]] Status write_files(const GuardUnit& unit) const;
  [[nodiscard]] L2Reading verify() const;
  // The guard is restarted as before, but nothing powers the machine off any more, and it doesn't come up with the next
  // boot.
  [[nodiscard]] Status keep_without_power_off(Seconds stop_limit) const;
  // Removes the units; what runs of them goes on. The guard calls it on itself when the machine is to stay.
  [[nodiscard]] Status disarm() const;
  // Only what is on disk, where systemctl can't be asked.
  [[nodiscard]] Status remove_files() const;

 private:
  Places places_;
};

// Puts a copy of `program` where the units expect it; the old one is replaced by rename, so that it may be running.
[[nodiscard]] Status install_program(const std::string& program, const std::string& to);

}  // namespace curfew::layers
