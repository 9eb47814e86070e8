// Whether an instance needs attention, and why. Pure: the one place that decides, for showing, notifying and the exit
// code alike. Whether it may be ended is in enforcement.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "watch/machine.hpp"

namespace curfew::watch {

enum class Severity : std::uint8_t { ok, warning, critical };
[[nodiscard]] std::string_view name_of(Severity severity);  // "OK", "WARNING", "CRITICAL"

// Why, worst first.
enum class Cause : std::uint8_t {
  past_deadline,       // critical: past its own deadline
  past_crit,           // critical: running for longer than --crit
  past_crit_cost,      // critical: has cost more than --crit-cost
  past_warn,           // warning
  past_warn_cost,      // warning
  malformed_deadline,  // warning: it has a deadline that nothing can act on
  unguarded,           // warning: a GPU type without a deadline
  no_schedule,         // warning: a deadline, but no schedule that ends it then
  malformed_keep       // warning: to be kept until nobody knows when
};
// "past_deadline"; stable, for machines.
[[nodiscard]] std::string_view name_of(Cause cause);
[[nodiscard]] Severity severity_of(Cause cause);

struct Assessment {
  Severity severity = Severity::ok;
  std::vector<Cause> causes = {};  // of each pair warn/crit the worse one only
  bool kept = false;               // alarmed about nothing, by its tag; the causes are empty then
  [[nodiscard]] bool needs_attention() const { return severity != Severity::ok; }
};

// Only what runs is assessed: EC2 charges for nothing else of an instance. Reaching a threshold isn't passing it. The
// cost is all that is known of it since the last start, volumes and addresses included (so_far_of() in amount.hpp); one
// that is "at most" counts as what it says.
[[nodiscard]] Assessment assess(const Machine& machine, const Thresholds& thresholds, WallTime now);

// The report's thresholds with the machine's own tags before them.
[[nodiscard]] Thresholds thresholds_for(const Machine& machine, const Thresholds& thresholds);

// For people, a phrase without a full stop: "running for 72h, more than 6h". Fit to be shown.
[[nodiscard]] std::string describe(Cause cause, const Machine& machine, const Thresholds& thresholds,
                                   WallTime now);
// All of them, joined by "; ".
[[nodiscard]] std::string describe(const Assessment& assessment, const Machine& machine,
                                   const Thresholds& thresholds, WallTime now);

// Whether the tag curfew:keep holds at `now`.
[[nodiscard]] bool is_kept(const Machine& machine, WallTime now);

}  // namespace curfew::watch
