// What a seed decides: the rules, how the job, the saves and the rungs behave, and which faults come when.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "guard/policy.hpp"

namespace curfew::sim {

// A process of the job.
struct ProcessModel {
  std::optional<Millis> ends_after;    // by itself, after the job's start; empty: never
  std::optional<Millis> ends_on_term;  // after the first signal it's sent; empty: ignores it
  int kills_missed = 0;                // forks race with the first SIGKILLs
  bool stuck = false;                  // in the kernel (state D): not even SIGKILL
  guard::JobResult result{guard::JobResult::How::exited, 0};
};

struct JobModel {
  std::optional<int> start_failure;
  Millis start_delay{100};
  ProcessModel command;
  std::vector<ProcessModel> children;  // double-forked, live on when the command has ended
  int signals_lost = 0;                // of the first SignalTree actions
};

struct SaveModel {
  enum class How : std::uint8_t { works, fails, silent } how = How::works;
  Millis takes{1000};
};

struct RungModel {
  enum class How : std::uint8_t {
    works,           // accepted, and the machine is gone within the rung's time
    slow,            // accepted, gone after it
    refuses,         // says so
    lies,            // accepted, and nothing happens
    silent,          // no answer, nothing happens
    stopping_hangs,  // systemd is stopping, and hangs
  } how = How::works;
  Millis answers_after{100};
  Millis ends_after{2000};
};

enum class FaultKind : std::uint8_t {
  guard_killed,
  guard_hangs,
  guard_crashes_before_persist,
  guard_crashes_after_persist,
  guard_crashes_between_actions,
  shim_dies,
  wall_jumps,
  reboot,
  machine_goes_down,
  stop_asked,
  pid1_crashes,
  reason_found,  // by a probe
  spot_notice,   // and EC2 takes the instance `amount` later
  disarm_asked,
  extended,   // by `amount`
  gpu_busy,   // seen by a probe
  tag_moved,  // curfew:deadline, by `amount`
};

struct Fault {
  FaultKind kind{};
  std::optional<guard::Stage> on_entry;  // `at` counts from there, else from the start
  Millis at{0};
  Millis amount{0};                         // of a wall jump; after a reboot: how wrong the wall clock is
  Millis downtime{0};                       // of a reboot
  int signal = 15;                          // of a request to stop
  guard::Cause cause = guard::Cause::none;  // that a probe has found
  bool at_once = false;
  enum class Down : std::uint8_t { off, reboot, hangs } down = Down::off;
};

struct Scenario {
  std::uint64_t seed = 0;
  guard::Rules rules;
  guard::EndingPlan plan;
  std::optional<Millis> plan_known_at;
  guard::EndingPlan plan_known;
  std::optional<Millis> tag_known_at;                 // IMDS shows curfew:deadline
  Millis tag_end_at{0};                               // after the start, until it's moved
  guard::Cause limit = guard::Cause::time_limit;      // what stop_at stands for: the earlier of time and cost
  guard::Cause tag_limit = guard::Cause::time_limit;  // what it stands for once it was brought forward
  JobModel job;
  SaveModel before_end;  // the command of --before-end ends as a save does
  SaveModel save;
  std::array<RungModel, 5> rungs;
  int failing_rounds = 0;  // in which every rung refuses
  bool l0 = true;
  bool l0_shutdown_hangs = false;  // then by force, after 120 s
  bool l2 = true;
  std::vector<Fault> faults;

  [[nodiscard]] const RungModel& rung(guard::Rung rung) const {
    return rungs[static_cast<std::size_t>(rung)];
  }
};

// `alone`: without L0 and L2, and so without the deaths that they are there for.
[[nodiscard]] Scenario scenario_of(std::uint64_t seed, bool alone);

[[nodiscard]] std::string_view name_of(FaultKind kind);  // "?": there is none
[[nodiscard]] bool kills_guard(FaultKind kind);

}  // namespace curfew::sim
