// Whether an instance needs attention, and why; and whether it may be ended for being past its own deadline. Pure: the
// one place that decides, for showing, notifying, the exit code and ending alike.
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

// Only what runs is assessed: EC2 charges for nothing else of an instance. Reaching a threshold isn't passing it. An unknown
// cost passes no threshold (it's shown as unknown); one that is "at most" counts as what it says. The cost that is measured
// is all of it since the last start, volumes and addresses included: see so_far_of() in totals.hpp.
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

// Why `--enforce` ends an instance or leaves it alone.
enum class Enforcement : std::uint8_t {
  end,                      // past its own deadline, and nothing speaks against it
  not_due,                  // its deadline is ahead
  no_deadline,              // it has none
  not_running,              // stopped, or going already
  malformed_deadline,       // what it says isn't a time
  no_job,                   // past it, but not launched under curfew: no tag curfew:job
  launched_after_deadline,  // started again after it: somebody wants it
  kept,                     // its tag curfew:keep holds, or can't be read
  in_group,                 // an Auto Scaling group would replace it
  is_protected,             // DisableApiTermination
  deadline_moved,           // between the reading and the ending
  started_again,            // between the reading and the ending
  became_another            // another id, account or region was read again: a mistake somewhere
};
[[nodiscard]] std::string_view name_of(Enforcement enforcement);
// For people: "kept by its tag curfew:keep until 2026-12-02T00:00:00Z: demo".
[[nodiscard]] std::string describe(Enforcement enforcement, const Machine& machine);
// Whether there was a reason to end it that something spoke against, so that it's worth a line under NOT TOUCHED.
[[nodiscard]] bool is_left_alone(Enforcement enforcement);

// Needs a tag curfew:job, a well-formed deadline in the past, and a launch before it.
[[nodiscard]] Enforcement enforceable(const Machine& machine, WallTime now);
// The same of what was read again right before ending it; whatever has changed since it was `seen` speaks against it.
[[nodiscard]] Enforcement still_enforceable(const Machine& seen, const Machine& again, WallTime now);

}  // namespace curfew::watch
