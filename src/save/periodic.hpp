// When a job's results are saved while it runs (--save-every), and what is to be said of how that goes. Pure: times come
// in, all on the boot clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/times.hpp"

namespace curfew::save {

// The last good save is too old after so many periods.
inline constexpr int k_stale_periods = 3;

enum class Outcome : std::uint8_t {
  good,    // Summary::all_saved()
  failed,  // something that should be in S3 isn't
  cut,     // ended by curfew itself, for the save at the end: says nothing about S3
};

struct Alert {
  enum class Kind : std::uint8_t {
    failing,  // a save failed, and the one before it, if any, had not
    stale,    // the last good one is too old, whatever the reason: failing, hanging, slow
    well,     // a good one after either
  };
  Kind kind = Kind::well;
  std::string text;  // for log and notification: what is wrong, since when, why; printable
};

// One job's periodic saves; a value. A period goes from the end of one save to the beginning of the next, the first from
// the start; whatever the outcome, so S3 is neither hammered nor forgotten. Each trouble is said once, and its end once.
class Periodic {
 public:
  // `every` is more than zero.
  Periodic(Millis every, BootTime start) : every_(every), due_(start + every), good_end_(start) {}

  // When the next save begins; nothing while one runs.
  [[nodiscard]] std::optional<BootTime> next() const;
  [[nodiscard]] bool due(BootTime now) const { return !began_ && now >= due_; }
  [[nodiscard]] bool running() const { return began_.has_value(); }

  // A save begins, due or not (a spot rebalance, an order). Not while one runs.
  void begin(BootTime now) { began_ = now; }
  // It ended. `reason` is why it failed, one line, e.g. of lines(summary); not looked at otherwise.
  [[nodiscard]] std::optional<Alert> end(BootTime now, Outcome outcome, std::string_view reason = {});
  // To be asked every few seconds: has the last good save become too old?
  [[nodiscard]] std::optional<Alert> look(BootTime now);
  // When look() will have something to say, if no save is good until then; nothing where it has said it.
  [[nodiscard]] std::optional<BootTime> stale_at() const;

  // How long ago the last good save ended; nothing where none has been good yet.
  [[nodiscard]] std::optional<Millis> age(BootTime now) const;
  // Something is wrong now.
  [[nodiscard]] bool in_trouble() const { return failing_ || stale_; }
  // Something was wrong at some time: for the report and the exit code at the end.
  [[nodiscard]] std::uint64_t failures() const { return failures_; }

 private:
  // A save that takes longer than it is to wait for the next isn't old for that alone.
  [[nodiscard]] BootTime too_old_at() const { return good_end_ + k_stale_periods * every_ + good_took_; }

  Millis every_;
  BootTime due_;
  std::optional<BootTime> began_;
  BootTime good_end_;  // the start, before there was a good one
  Millis good_took_{0};
  bool any_good_ = false;
  bool failing_ = false;
  bool stale_ = false;
  std::uint64_t failures_ = 0;
};

}  // namespace curfew::save
