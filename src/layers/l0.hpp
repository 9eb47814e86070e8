// L0: an on-disk systemd timer that ends the machine when nothing else has; without systemd `shutdown -h +N`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "job/times.hpp"
#include "layers/units.hpp"
#include "os/clock.hpp"
#include "os/power.hpp"

namespace curfew::layers {

// How long after end_at L0 comes, so that a save of full length survives it.
inline constexpr Seconds k_l0_after_end{60};
// How long our own shutdown may take before L0 goes on with the harsher ways.
inline constexpr Seconds k_l0_while_ending{120};

// What `curfew l0` reads to see whether it's time: l0.json in the state folder.
struct L0Record {
  job::Instant at;
  std::string boot_id;
  bool marks_ended = false;
  std::string machine = {};  // os::machine_id() where it was armed; empty: not known
  bool every_boot = false;   // installed: it's for each boot to come as well
};
[[nodiscard]] std::string to_json(const L0Record& record);
[[nodiscard]] Result<L0Record> l0_record_from_json(std::string_view text);

// Time left until L0 may act: by boot time within the same boot, by wall time after another; zero or less: now. Pure.
[[nodiscard]] Millis left_to_l0(const L0Record& record, const job::Now& now);

// What was read back of it.
struct L0Reading {
  bool armed = false;
  std::optional<WallTime> next;  // when it fires next
  std::string text;              // for people: what it is, or why it isn't there
};

class L0 {
 public:
  // `power` must outlive it.
  L0(Places places, bool systemd, const os::Power& power)
      : places_(std::move(places)), systemd_(systemd), power_(power) {}

  // Writes the units, enables and starts them. Fine to call again.
  [[nodiscard]] Status arm(const L0Record& record, const job::Now& now) const;
  // To another time.
  [[nodiscard]] Status move(const L0Record& record, const job::Now& now) const { return arm(record, now); }
  // To k_l0_while_ending from now, quickly: a second timer, written by arm(), is started beside the first.
  [[nodiscard]] Status move_for_ending(bool marks_ended, const job::Now& now) const;
  [[nodiscard]] L0Reading verify() const;
  [[nodiscard]] Status disarm() const;
  // Only what is on disk, where systemctl can't be asked: after a boot nothing is there.
  [[nodiscard]] Status remove_files() const;

 private:
  Places places_;
  bool systemd_;
  const os::Power& power_;
};

// The service of L0 (`curfew l0`): exits 0 where it isn't time yet, having re-armed; else ends the machine, by
// `shutdown -h now`, after 120 s by force. Returns non-zero only where every way failed.
[[nodiscard]] int run_l0(const Places& places, const os::Clock& clock, os::Power& power);

}  // namespace curfew::layers
