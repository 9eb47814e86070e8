// The machine, its layers and the faults. The guard's process is in world_guard.cpp.
#include "world.hpp"

#include <algorithm>
#include <cstdio>

namespace curfew::sim {

using namespace std::chrono_literals;
using guard::Stage;

namespace {
constexpr WallTime k_start_wall{1'795'500'000s};
constexpr Millis k_first_boot{-75s};  // the machine was up for a while before the guard started
constexpr Millis k_l0_after_end{60s};
constexpr Millis k_longest{24h};  // of true time, for runs that nothing ends
}  // namespace

World::World(const Scenario& scenario, StepFunction step, Coverage& coverage, bool verbose)
    : scenario_(scenario),
      step_(std::move(step)),
      coverage_(coverage),
      verbose_(verbose),
      watcher_(scenario, truth_),
      job_(schedule_, scenario.job, [this](const guard::Event& event) { job_reports(event); }),
      boot_start_(k_first_boot),
      stages_seen_(static_cast<std::size_t>(Stage::done) + 1),
      tag_end_at_(scenario.tag_end_at) {
  disk_.plan = scenario.plan;
  disk_.times = job::times_from(scenario.rules.limits, clocks());
  disk_.limit = truth_.limit = scenario.limit;
  truth_.plan = scenario.plan;
  if (disk_.times.stop_at) {
    truth_.stop_at = true_time(*disk_.times.stop_at);
    truth_.end_at = true_time(*disk_.times.end_at);
  }
}

void World::run() {
  persist(disk_);
  start_guard();
  job_.start();
  for (const auto& fault : scenario_.faults) {
    if (!fault.on_entry) schedule_.at(fault.at, [this, &fault] { happens(fault); });
  }
  if (scenario_.plan_known_at) {
    schedule_.at(*scenario_.plan_known_at, [this] {
      plan_is_known_ = true;
      if (alive_) deliver(guard::PlanKnown{scenario_.plan_known});
    });
  }
  if (scenario_.tag_known_at) {
    schedule_.at(*scenario_.tag_known_at, [this] {
      tag_is_known_ = true;
      if (alive_) move_times();
    });
  }
  while (!schedule_.is_empty() && !truth_.machine_ended && schedule_.now() < k_longest) {
    schedule_.run_next();
    truth_.now = schedule_.now();
    watcher_.time_passes();
    if (left_ && disarmed_ && !alive_) break;
  }
  truth_.now = schedule_.now();
  watcher_.is_over();
}

job::Now World::clocks() const {
  return {k_start_wall + schedule_.now() + wall_offset_, boot_clock(), "boot-" + std::to_string(boots_)};
}

// ---- the job

void World::job_reports(const guard::Event& event) {
  const Millis now = schedule_.now();
  truth_.is_started = truth_.is_started || job_.is_started();
  truth_.is_tree_empty = job_.is_tree_empty();
  const auto note = [now](std::optional<Millis>& when) {
    if (!when) when = now;
  };
  if (std::holds_alternative<guard::JobNotStarted>(event)) note(truth_.not_started);
  if (std::holds_alternative<guard::JobEnded>(event)) note(truth_.job_ended);
  if (std::holds_alternative<guard::JobLost>(event)) note(truth_.job_lost);
  if (std::holds_alternative<guard::TreeGone>(event)) note(truth_.tree_empty_since);
  truth_.exit = job_.exit();
  send(event);
}

// ---- L0

// As for times and plan: at end_at + 60 s where the machine is to end at all.
void World::arm_l0() {
  if (!scenario_.l0 || truth_.pid1_crashed) return;
  const bool is_wanted =
      live_.plan.ending != guard::Ending::none && !scenario_.rules.dry_run && live_.times.end_at;
  if (!is_wanted) {
    l0_.armed = false;
    return;
  }
  set_l0(live_.times.end_at->boot + k_l0_after_end, live_.times.end_at->wall + k_l0_after_end);
}

// Within the boot in which it was set the boot clock counts, in another one the wall clock.
void World::set_l0(std::optional<BootTime> due, WallTime due_wall) {
  l0_.armed = true;
  l0_.due = due;
  l0_.due_wall = due_wall;
  const Millis when = due ? boot_start_ + due->time_since_epoch() : due_wall - k_start_wall - wall_offset_;
  schedule_.at(when, [this, number = ++l0_.number] {
    if (number == l0_.number) fire_l0();
  });
}

void World::fire_l0() {
  if (!l0_.armed || !machine_up_ || truth_.pid1_crashed) return;
  trace("L0 fires");
  stopping(true);  // it carries on by force itself
  schedule_.after(scenario_.l0_shutdown_hangs ? 121s : 3s, [this, boot = boots_] {
    if (boot == boots_ && !truth_.pid1_crashed) end_machine("L0", true);
  });
}

// ---- the machine

void World::end_machine(const std::string& by, bool by_other) {
  if (!machine_up_ || truth_.machine_ended) return;
  trace("the machine has ended, by " + by);
  truth_.machine_ended = true;
  truth_.ended_by_other = by_other;
  machine_up_ = false;
}

// systemd is stopping: the guard gets its SIGTERM.
void World::stopping(bool hangs) {
  if (hangs) truth_.stopping_hangs = true;
  schedule_.after(200ms, [this, boot = boots_] {
    if (boot == boots_ && alive_) deliver(guard::MachineGoingDown{});
  });
}

void World::reboot(Millis downtime, Millis wall_error) {
  if (!machine_up_ || truth_.machine_ended) return;
  trace("reboot, down for " + std::to_string(downtime.count()) + " ms, wall clock off by " +
        std::to_string(wall_error.count()) + " ms");
  end_guard("it went with the machine", false);
  machine_up_ = false;
  down_at_ = schedule_.now();
  ++boots_;
  ++truth_.reboots;
  job_.vanish();
  truth_.is_tree_empty = true;
  truth_.tree_empty_since.reset();
  schedule_.after(downtime, [this, downtime, wall_error] {
    if (truth_.machine_ended) return;
    machine_up_ = true;
    // The guard leaves a machine that goes down, however long that takes; PID 1 takes the layers with it.
    Millis unattended = downtime;
    for (const auto& since : {truth_.going_down, pid1_crashed_at_}) {
      if (since) unattended = std::max(unattended, schedule_.now() - *since);
    }
    truth_.downtime += unattended;
    pid1_crashed_at_.reset();
    boot_start_ = schedule_.now() - 5s;
    wall_offset_ += wall_error;
    truth_.l0_is_behind = truth_.l0_is_behind || wall_offset_ < 0ms;
    truth_.pid1_crashed = false;
    truth_.stopping_hangs = false;
    truth_.going_down.reset();
    truth_.guard_gone_for_good = false;
    if (!truth_.rebooted) truth_.rebooted = schedule_.now();
    hung_ = false;
    starts_.clear();
    // Nothing was to end it when it went down: what was done on the way is void.
    const bool anew = scenario_.rules.guards_machine && truth_.went_down_first;
    if (anew) {
      truth_.is_saved = truth_.saved_heard = truth_.exit_heard = truth_.went_down_first = false;
      truth_.saves_begun = 0;
      truth_.asked_at_once.reset();
    }
    watcher_.machine_boots(anew);
    trace("booted");
    if (marked_) {  // the owner started it again, as far as can be known: all layers off
      truth_.plan.ending = guard::Ending::none;
      disarmed_ = left_ = true;
      return;
    }
    if (l0_.armed) set_l0({}, l0_.due_wall);
    if (disarmed_) truth_.guard_gone_for_good = true;
    else start_guard();
  });
}

// ---- faults

void World::entered(Stage stage) {
  const auto index = static_cast<std::size_t>(stage);
  if (stages_seen_[index]) return;
  stages_seen_[index] = true;
  for (const auto& fault : scenario_.faults) {
    if (fault.on_entry == stage) schedule_.after(fault.at, [this, &fault] { happens(fault); });
  }
}

void World::happens(const Fault& fault) {
  if (!machine_up_ || truth_.machine_ended) return;
  trace("fault: " + std::string(name_of(fault.kind)));
  coverage_.saw(fault.kind);
  switch (fault.kind) {
    case FaultKind::guard_killed: return end_guard("killed", true);
    case FaultKind::guard_hangs:
      if (!alive_ || hung_) return;
      hung_ = true;
      truth_.absent_since = schedule_.now();
      if (!scenario_.l2 || truth_.pid1_crashed) truth_.guard_gone_for_good = true;
      schedule_.after(30s, [this, life = life_] {
        if (life == life_ && scenario_.l2 && !truth_.pid1_crashed) end_guard("killed by the watchdog", true);
      });
      return;
    case FaultKind::guard_crashes_before_persist:
    case FaultKind::guard_crashes_after_persist:
    case FaultKind::guard_crashes_between_actions: crash_ = fault.kind; return;
    case FaultKind::shim_dies: return job_.lose_shim();
    case FaultKind::wall_jumps:
      wall_offset_ += fault.amount;
      if (l0_.armed && !l0_.due) {
        set_l0({}, l0_.due_wall);
        truth_.l0_is_behind = truth_.l0_is_behind || wall_offset_ < 0ms;
      }
      return;
    case FaultKind::reboot: return reboot(fault.downtime, fault.amount);
    case FaultKind::machine_goes_down: return goes_down(fault);
    case FaultKind::stop_asked:
      if (alive_) deliver(guard::StopAsked{fault.signal, fault.at_once});
      return;
    case FaultKind::pid1_crashes:
      truth_.pid1_crashed = true;
      if (!pid1_crashed_at_) pid1_crashed_at_ = schedule_.now();
      if (hung_ || (!alive_ && !left_)) truth_.guard_gone_for_good = true;
      return;
    // A probe that looks while no guard is there finds nothing.
    case FaultKind::reason_found:
      // It begins with what the state says of the GPUs.
      if (fault.cause == guard::Cause::gpu_unused && live_.gpu_was_busy) return;
      if (alive_) deliver(guard::ReasonFound{fault.cause, "found by a probe"});
      return;
    case FaultKind::gpu_busy:
      if (alive_) deliver(guard::GpuBusy{});
      return;
    case FaultKind::spot_notice: return spot_notice(fault.amount);
    case FaultKind::disarm_asked:
      if (alive_) deliver(guard::DisarmAsked{});
      return;
    case FaultKind::extended: return extend(fault.amount);
    case FaultKind::tag_moved:
      tag_end_at_ += fault.amount;
      if (alive_ && tag_is_known_) move_times();
      return;
  }
}

void World::spot_notice(Millis ahead) {
  if (truth_.taken_at) return;
  truth_.taken_at = schedule_.now() + ahead;
  schedule_.at(*truth_.taken_at, [this] {
    if (!machine_up_ || truth_.machine_ended) return;
    watcher_.is_taken();
    end_machine("EC2, which takes it back", true);
  });
  if (alive_) deliver(guard::SpotInterruption{boot_clock() + ahead});
}

// As the control socket does it: only what still runs.
void World::extend(Millis by) {
  if (!alive_ || live_.stage > Stage::running || !live_.times.stop_at || live_.disarmed) return;
  auto times = live_.times;
  for (auto* at : {&*times.stop_at, &*times.end_at}) at->wall += by, at->boot += by;
  truth_.extending = true;
  deliver(guard::TimesMoved{times, guard::Cause::none});
  truth_.extending = false;
}

void World::goes_down(const Fault& fault) {
  if (truth_.pid1_crashed) return;
  stopping(fault.down == Fault::Down::hangs);
  if (fault.down == Fault::Down::hangs) return;
  schedule_.after(fault.amount, [this, &fault, boot = boots_] {
    if (boot != boots_) return;
    if (fault.down == Fault::Down::off) end_machine("another's hand", true);
    else reboot(fault.downtime, 0ms);
  });
}

void World::trace(const std::string& text) const {
  if (!verbose_) return;
  std::printf("%10.3f boot %9.3f  %s\n", static_cast<double>(schedule_.now().count()) / 1000,
              static_cast<double>(boot_clock().time_since_epoch().count()) / 1000, text.c_str());
}

}  // namespace curfew::sim
