// What must hold in every run, checked against what has truly happened and not against what the guard believes.
//
//  1  the machine has ended by the bound (see Watcher::bound), where it's to end
//  2  nothing that could be saved in time is lost: it's saved before the first rung
//  3  nothing is signalled, killed or ended without a reason; a jump of the wall clock is none, nor is, on a machine
//     that is guarded without a command, a reboot or whatever becomes of the process that waits in its place
//  4  stop_at and end_at never move later
//  5  the result is published with the right code, once in a guard's life, and before any rung
//  6  no rung where nothing is to be ended, in a dry run, or when the machine goes down by another's hand
//  7  no SIGKILL before the grace period is over, unless asked, or the job was lost, or the backstop pulled
//  8  no save while the job still runs, but for what SIGKILL doesn't end; and no needless wait before it
//  9  the guard leaves, or disarms the layers, only where that is meant
// 10  L0 carries the last rungs: moved before the first one and never put off
// 11  the marker that a later boot reads is written before the first rung
// 12  no stage is left backwards within a boot
// 13  the machine is held only after a failure, where that was asked for
// 14  --before-end runs once, after the job and before the save; the early signal comes once, and not too early
// 15  the cause on record is one that has come, and stays; that a GPU was busy is never forgotten
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scenario.hpp"

namespace curfew::sim {

struct Violation {
  int invariant = 0;
  std::string text;
};

// True time, from the start. The world writes it, the watcher reads it.
struct Truth {
  Millis now{0};
  bool machine_ended = false;
  bool ended_by_other = false;  // L0, L2 or another's hand, not a rung

  std::optional<Millis> stop_at, end_at;
  bool is_squeezed = false;  // IMDS gave a time that leaves less than grace and saving
  guard::EndingPlan plan;    // as the guard was last told

  bool is_started = false;  // the job
  bool is_tree_empty = true;
  std::optional<Millis> tree_empty_since;  // and the command's end known
  std::optional<guard::JobResult> exit;
  bool exit_heard = false;
  bool not_started_heard = false;

  // When each reason to stop came; what the job did is none where the machine is guarded without one.
  std::optional<Millis> job_ended, job_lost, not_started, asked, asked_at_once, going_down, rebooted, reason,
      limit_passed, spot;
  guard::Cause reason_cause = guard::Cause::none;
  guard::Cause limit = guard::Cause::time_limit;  // what stop_at stands for
  std::optional<Millis> taken_at;                 // by EC2
  std::optional<Millis> unfinished;               // the guard has acted on a launch that was never finished
  bool went_down_first = false;                   // by another's hand, before there was a reason
  bool gpu_was_busy = false;                      // and the guard has heard of it
  bool disarmed = false;
  bool extending = false;  // at this moment
  bool extended = false;

  int guard_starts = 0;
  bool guard_gone_for_good = false;
  Millis absence{0};  // of the guard while the machine was up
  std::optional<Millis> absent_since;
  int reboots = 0;
  Millis downtime{0};
  Millis wall_ahead_at_boot{0};  // how much time a wall clock set forward has taken, over a reboot
  bool l0_is_behind = false;     // after a reboot it goes by a wall clock that was set back
  bool pid1_crashed = false;
  bool stopping_hangs = false;
  int saves_begun = 0;
  bool is_saved = false;
  bool saved_heard = false;
};

class Watcher {
 public:
  Watcher(const Scenario& scenario, const Truth& truth) : scenario_(scenario), truth_(truth) {}

  void stepped(const guard::State& before, const guard::Event& event, const guard::Step& made);
  void acts(const guard::Action& action);
  void recorded(const guard::State& before, const guard::Event& event, const guard::State& after) const;
  void guard_starts() { published_in_life_ = false; }
  void machine_boots(bool anew);  // as if nothing had been: nothing is left of the boot before
  void is_taken() const;          // by EC2, now
  void time_passes() const;       // after every event of the world
  void is_over() const;           // nothing will happen any more
  // The machine should have ended, but nobody was left to do it: the guard, L0 and L2 are all dead. L3's part.
  [[nodiscard]] bool is_beyond_us() const;

  // When the machine must have ended at the latest; empty: nobody is left to end it, or it's to stay.
  [[nodiscard]] std::optional<Millis> bound() const;

 private:
  void check_signal() const;
  void check_kill();
  void check_save_begins() const;
  void check_before_end();
  void check_before_end_was_run() const;
  void check_early_signal();
  void check_job_is_gone(const std::string& what) const;
  void check_saved() const;
  void check_publish(int code);
  void check_climb(guard::Rung rung);
  void check_move_l0(Millis ahead);

  [[nodiscard]] bool must_end() const;
  [[nodiscard]] bool has_failed() const;
  [[nodiscard]] bool has_come(guard::Cause cause) const;
  [[nodiscard]] std::vector<std::optional<Millis>> reasons_of_the_job() const;
  [[nodiscard]] std::optional<Millis> first_reason() const;
  [[nodiscard]] std::optional<Millis> must_be_gone_by() const;
  [[nodiscard]] bool could_be_saved() const;
  [[nodiscard]] Millis absence() const;
  [[nodiscard]] std::optional<Millis> ladder_time() const;
  [[nodiscard]] int code_of_result() const;

  const Scenario& scenario_;
  const Truth& truth_;
  std::optional<Millis> first_signal_, first_kill_;
  std::optional<int> published_;
  bool published_in_life_ = false;
  bool is_marked_ = false;
  int before_ends_ = 0, early_signals_ = 0, climbs_ = 0;
  std::optional<Millis> l0_due_;  // as moved in this boot
};

}  // namespace curfew::sim
