// What the guard decides. Pure: step(state, event) -> (state, actions). No clock, no I/O, no globals, so that every run
// can be replayed and simulated; the supervisor does what it says.
//
//   arming -> running -> draining -> killing -> before_end -> saving -> holding -> ending -> done
//
// Killing, before_end, saving and holding are passed through only where there is something to do. A stage is never left
// backwards, but for a new boot that finds the machine still there. Arming and running are bound by stop_at, every
// later stage by a time of its own, all of them together by end_at + k_backstop: then the first rung
// is climbed, whatever hangs. Where rung n (from 1) is the first that works, the machine has ended by
// end_at + k_backstop + n * k_rung_time; where none does, L0 fires k_l0_while_ending after the first. A guard that is
// dead for a while is late by as much, and L0 doesn't wait for it: end_at + 60 s.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/times.hpp"
#include "job/times.hpp"

namespace curfew::guard {

enum class Stage : std::uint8_t {
  arming,
  running,
  draining,
  killing,
  before_end,  // --before-end runs; what it makes is saved
  saving,
  holding,  // --keep-on-failure: results are saved, the machine waits to be looked at
  ending,
  done
};

// Why the job is over. The first cause stays.
enum class Cause : std::uint8_t {
  none,
  job_ended,           // by itself, well or not
  job_not_started,     // not found, not executable, or the shim failed
  job_lost,            // its parent died: how it ended can't be known
  time_limit,          // stop_at
  cost_limit,          // stop_at, brought forward by --max-cost
  idle,                // --idle-gpu, or nobody at work on a machine that is guarded without a command
  gpu_unused,          // --gpu-start
  stalled,             // --stall
  work_done,           // --done-file, --done-pattern
  spot_interruption,   // EC2 takes the instance back
  stop_asked,          // a signal to the front end or the guard, or the control socket
  machine_going_down,  // by another's hand
  rebooted,            // found after a boot: the job died with the old one
  launch_unfinished,   // `curfew launch` died before it could make the schedule that ends this machine
};

// What the machine shall become.
enum class Ending : std::uint8_t { none, stop, terminate };

// The ways to end it, least harsh first (the design's ladder).
enum class Rung : std::uint8_t { shutdown_command, instance_api, systemctl_force, kernel_power_off, sysrq };

struct EndingPlan {
  Ending ending = Ending::none;
  std::vector<Rung> ladder;  // in the order to try; empty only where ending is none
  bool marks_ended = false;  // write the marker that a later boot of a stopped machine reads
};

struct JobResult {
  enum class How : std::uint8_t { exited, signalled, unknown };
  How how = How::unknown;
  int number = 0;  // exit code or signal
};

// --signal USR1@10m.
struct EarlySignal {
  int signal = 0;
  Seconds ahead{0};  // of stop_at
};

// What doesn't change while the job runs.
struct Rules {
  job::Limits limits;
  bool has_saves = false;
  bool dry_run = false;
  bool on_terminal = false;  // a person sits there: a command that can't be started then ends nothing
  bool has_before_end = false;
  bool no_command = false;      // the job is curfew's own and only waits: that it's idle is what it waits for
  bool guards_machine = false;  // and nothing else: it can be guarded without its job as well
  Seconds keep_on_failure{0};   // zero: not asked for
  std::optional<EarlySignal> early_signal;
};

// ---- events

struct JobStarted {};
struct JobNotStarted {
  int code = 125;  // 125, 126 or 127
};
struct JobEnded {  // the command itself; what it left behind may live on until TreeGone
  JobResult result;
};
struct JobLost {};   // the shim died
struct TreeGone {};  // no process of the job's tree is left; always comes after JobEnded or JobLost
// Time passes: every five seconds while the job runs, every second later, and at each bound.
struct Tick {};
struct StopAsked {
  int signal = 15;       // what the job is sent first
  bool at_once = false;  // no (more) grace
};
struct MachineGoingDown {};  // systemd is stopping, by whatever hand
struct TimesMoved {
  job::Times times;
  Cause limit = Cause::none;          // what stop_at stands for from now on; none: as before
  std::optional<WallTime> held = {};  // by the tag curfew:deadline, which was heeded; empty: as before
};
// A probe has found a reason: idle, gpu_unused, stalled, work_done, launch_unfinished.
struct ReasonFound {
  Cause cause{};
  std::string why;  // for people, one line
};
// A GPU was busy: remembered, so that no later guard takes it for one that never was.
struct GpuBusy {};
// An interruption notice: the instance is taken away then.
struct SpotInterruption {
  BootTime at{};
};
struct BeforeEndEnded {
  bool well = false;
};
// By `curfew disarm`: the job goes on and is saved, but nothing ends the machine any more.
struct DisarmAsked {};
struct PlanKnown {  // IMDS has answered: replaces the plan made without it; ignored once `ending`
  EndingPlan plan;
};
struct SaveEnded {
  bool all_saved = false;
};
struct RungEnded {  // accepted: the machine should go down within the rung's time
  Rung rung{};
  bool accepted = false;
};
// A new guard has read this state: what was under way is asked for again. After another boot the job is gone.
struct Resumed {
  bool same_boot = true;
};

using Event = std::variant<JobStarted, JobNotStarted, JobEnded, JobLost, TreeGone, Tick, StopAsked,
                           MachineGoingDown, TimesMoved, PlanKnown, SaveEnded, RungEnded, Resumed,
                           ReasonFound, GpuBusy, SpotInterruption, BeforeEndEnded, DisarmAsked>;

// ---- actions

struct SignalTree {  // then SIGCONT, for stopped processes hear nothing else
  int signal = 15;
};
struct KillTree {};
// To the command's own process, not to what it started: most programs die of a signal they don't expect.
struct SignalCommand {
  int signal = 10;
};
struct StartBeforeEnd {
  BootTime until{};  // killed then
};
struct CancelBeforeEnd {};
struct StartSave {
  BootTime until{};  // given up then
};
struct CancelSave {};
// The result for whoever waits at the front end. Comes once, before anything that ends the machine; a resumed guard,
// which can't know whether it was heard, repeats it with the same code.
struct Publish {
  int exit_code = 0;
};
struct MarkEnded {};
// Never puts off an L0 that was moved here before and hasn't fired, so a ladder in vain can't hold it up.
struct MoveL0 {
  Millis ahead{};
};
struct Climb {
  Rung rung{};
};
struct Disarm {};  // every layer off: the machine is to stay
struct Leave {};   // the guard is done and must not be restarted
struct Note {
  enum class Level : std::uint8_t { info, warning, error };
  Level level = Level::info;
  std::string text;
};

// For --notify. Nothing waits for it.
struct Announce {
  enum class What : std::uint8_t { started, stop_is_near, interrupted, kept, disarmed, ended };
  What what = What::started;
  std::string text;
};

using Action = std::variant<SignalTree, KillTree, StartSave, CancelSave, Publish, MarkEnded, MoveL0, Climb,
                            Disarm, Leave, Note, SignalCommand, StartBeforeEnd, CancelBeforeEnd, Announce>;

// ---- the machine

inline constexpr Millis k_kill_limit{5'000};  // after SIGKILL: who isn't gone then is stuck in the kernel
inline constexpr Millis k_backstop =
    2 * k_kill_limit;                         // after end_at: the ladder, without what is still under way
inline constexpr Millis k_rung_time{30'000};  // for each rung, then the next
inline constexpr Millis k_l0_while_ending{
    120'000};  // L0 carries the last rungs if our own shutdown takes the guard
inline constexpr Millis k_round_pause{30'000};  // after a whole ladder in vain, doubled each round
inline constexpr Millis k_round_pause_most{300'000};
inline constexpr Millis k_warn_ahead{600'000};  // of stop_at, where there is more than that
inline constexpr Millis k_spot_reserve{5'000};  // before the instance is taken away: to end it ourselves
// From the finding that the launch wasn't finished until the machine is to be gone, saved results included: with the
// five minutes before that it's six after the boot.
inline constexpr Millis k_unfinished_time{55'000};

struct State {
  Stage stage = Stage::arming;
  Cause cause = Cause::none;
  job::Times times;
  EndingPlan plan;
  bool going_down = false;  // by another's hand: no ladder
  bool tree_gone = false;
  std::optional<JobResult> result;   // once the command has ended or was lost
  std::optional<int> start_failure;  // 125, 126, 127
  std::optional<bool> all_saved;     // once saving is over; empty: nothing to save, or not yet
  std::optional<int> published;      // the exit code given to the front end
  int signal = 15;                   // what the job was asked to stop with
  WallTime stage_since{};
  BootTime stage_until{};         // the bound of draining, killing, saving, a rung or a pause between rounds
  std::size_t rung = 0;           // index into plan.ladder
  bool pausing = false;           // between two rounds of the ladder
  std::uint32_t rounds = 0;       // ladders climbed in vain
  std::optional<BootTime> l0_at;  // when L0 fires, once it was moved here
  Cause limit = Cause::time_limit;  // what stop_at stands for
  std::string reason;               // why the job is over, for people, where the cause alone doesn't say it
  bool gpu_was_busy = false;
  bool early_signal_sent = false;
  bool told_of_wait = false;  // for what the command left behind; forgotten with the guard
  bool warned = false;        // of stop_at
  bool disarmed = false;      // by hand
  // The tag curfew:deadline as it was heeded last: a move of it is a move from there.
  std::optional<WallTime> held;
  // By EC2, as its notice said; or by ourselves, where the launch was never finished: what is left is shared out alike.
  std::optional<BootTime> taken_at;
};

struct Step {
  State state;
  std::vector<Action> actions;
};

// Total: any event in any stage is taken; one that has no meaning there changes nothing.
[[nodiscard]] Step step(State state, const Rules& rules, const job::Now& now, const Event& event);

// When the next Tick matters at the latest (the stage's bound, stop_at or end_at); empty: only events do.
[[nodiscard]] std::optional<BootTime> next_bound(const State& state, const Rules& rules);

// What the front end exits with: the command's own code, 128+n, 124 at a limit (time, cost, idle, stalled, GPU unused),
// 75 on a spot interruption, 125 where it can't be known, where the launch was never finished, or where results were not
// saved and it would have been 0,
// 126/127. Where the work was done, or without a command the machine idle, 0.
[[nodiscard]] int exit_code(const State& state, const Rules& rules);

[[nodiscard]] std::string_view name_of(Stage stage);
[[nodiscard]] std::string_view name_of(Cause cause);
[[nodiscard]] std::string_view name_of(Ending ending);
[[nodiscard]] std::string_view name_of(Rung rung);

}  // namespace curfew::guard
