// Draws a scenario. Most runs have a fault or none, for a world in which everything fails hides what one fault does.
#include "scenario.hpp"

#include <algorithm>

#include "random.hpp"

namespace curfew::sim {
namespace {

using namespace std::chrono_literals;
using guard::Cause;
using guard::Ending;
using guard::JobResult;
using guard::Rung;
using guard::Stage;

constexpr WallTime k_start_wall{1'795'500'000s};

JobResult result_of(Random& random) {
  if (random.chance(55)) return {JobResult::How::exited, 0};
  if (random.chance(60)) return {JobResult::How::exited, static_cast<int>(random.between(1, 255))};
  return {JobResult::How::signalled, random.pick({6, 9, 11, 15})};
}

ProcessModel process_of(Random& random, Millis grace) {
  ProcessModel process;
  process.result = result_of(random);
  if (random.chance(75)) process.ends_after = random.between(100ms, 900s);
  const auto how = random.between(1, 10);
  if (how <= 5) process.ends_on_term = random.between(1ms, std::max<Millis>(grace, 2ms));
  else if (how <= 7) process.ends_on_term = grace + random.between(1ms, 30s);
  if (random.chance(15)) process.kills_missed = static_cast<int>(random.between(1, 8));
  process.stuck = random.chance(6);
  if (process.stuck) process.ends_after.reset(), process.ends_on_term.reset();
  return process;
}

JobModel job_of(Random& random, Millis grace) {
  JobModel job;
  if (random.chance(6)) job.start_failure = random.pick({125, 126, 127});
  job.start_delay = random.between(1ms, 500ms);
  job.command = process_of(random, grace);
  if (random.chance(30)) {
    for (auto left = random.between(1, 3); left > 0; --left)
      job.children.push_back(process_of(random, grace));
  }
  if (random.chance(15)) job.signals_lost = static_cast<int>(random.between(1, 2));
  return job;
}

// In place of a command: a process that waits to be told to end. Some other end of it means nothing.
JobModel waiter_of(Random& random) {
  JobModel job;
  if (random.chance(8)) job.start_failure = random.pick({125, 126, 127});
  job.start_delay = random.between(1ms, 500ms);
  job.command.result =
      random.pick<JobResult>({{JobResult::How::exited, 143}, {JobResult::How::signalled, 9}});
  if (random.chance(40)) job.command.ends_after = random.between(100ms, 900s);
  if (random.chance(90)) job.command.ends_on_term = random.between(1ms, 50ms);
  if (random.chance(15)) job.signals_lost = static_cast<int>(random.between(1, 2));
  return job;
}

SaveModel save_of(Random& random, Millis limit) {
  SaveModel save;
  const auto how = random.between(1, 10);
  save.takes = how <= 3 ? random.between(1ms, 2s) : random.between(1ms, std::max<Millis>(limit - 2s, 2ms));
  if (how == 8) save.takes = limit + random.between(1s, 600s);
  if (how == 9) save.how = SaveModel::How::fails;
  if (how == 10) save.how = SaveModel::How::silent;
  return save;
}

guard::EndingPlan plan_of(Random& random, bool may_be_none) {
  guard::EndingPlan plan;
  plan.ending =
      may_be_none && random.chance(12) ? Ending::none : random.pick({Ending::stop, Ending::terminate});
  if (plan.ending == Ending::none) return plan;
  for (const Rung rung : {Rung::shutdown_command, Rung::instance_api, Rung::systemctl_force,
                          Rung::kernel_power_off, Rung::sysrq}) {
    if (rung != Rung::instance_api || random.chance(80)) plan.ladder.push_back(rung);
  }
  plan.marks_ended = plan.ending == Ending::stop;
  return plan;
}

void draw_rungs(Random& random, Scenario& scenario) {
  using How = RungModel::How;
  const bool may_hang = scenario.l0 && !scenario.l0_shutdown_hangs;
  const bool all_work = random.chance(40);
  for (std::size_t i = 0; i < scenario.rungs.size(); ++i) {
    RungModel& rung = scenario.rungs[i];
    rung.answers_after = random.between(10ms, 5s);
    rung.ends_after = rung.answers_after + random.between(10ms, 20s);
    if (all_work) continue;
    rung.how = random.pick({How::works, How::slow, How::refuses, How::refuses, How::lies, How::silent});
    if (i == 0 && may_hang && random.chance(25)) rung.how = How::stopping_hangs;
    if (rung.how == How::slow) rung.ends_after = random.between(31s, 100s);
  }
  // The last one works in the end, unless all of it is left to L0.
  if (!scenario.l0 || random.chance(70)) scenario.rungs.back().how = How::works;
  scenario.rungs.back().ends_after = std::min<Millis>(scenario.rungs.back().ends_after, 25s);
  if (random.chance(20)) scenario.failing_rounds = static_cast<int>(random.between(1, 5));
}

Fault fault_of(Random& random, const Scenario& scenario) {
  using enum FaultKind;
  const bool limited = scenario.rules.limits.max_time || scenario.rules.limits.deadline;
  // Somebody restarts the guard, or L0 ends the machine without it.
  const bool guard_may_die = scenario.l2 || (scenario.l0 && limited);
  Fault fault;
  do {
    fault.kind = random.pick({guard_killed,
                              guard_hangs,
                              guard_crashes_before_persist,
                              guard_crashes_after_persist,
                              guard_crashes_between_actions,
                              shim_dies,
                              wall_jumps,
                              wall_jumps,
                              reboot,
                              machine_goes_down,
                              stop_asked,
                              stop_asked,
                              pid1_crashes,
                              reason_found,
                              reason_found,
                              spot_notice,
                              spot_notice,
                              disarm_asked,
                              extended,
                              gpu_busy,
                              tag_moved,
                              tag_moved});
  } while (kills_guard(fault.kind) && !guard_may_die);
  if (random.chance(55)) {
    fault.on_entry = random.pick({Stage::running, Stage::draining, Stage::killing, Stage::before_end,
                                  Stage::saving, Stage::holding, Stage::ending});
    fault.at = random.chance(50) ? random.between(0ms, 3s) : random.between(0ms, 60s);
  } else {
    fault.at = random.between(0ms, 900s);
  }
  fault.downtime = random.between(20s, 60s);
  fault.signal = random.pick({2, 15, 1, 10});
  fault.at_once = random.chance(20);
  if (fault.kind == wall_jumps || (fault.kind == reboot && random.chance(40)))
    fault.amount = random.between(1s, random.pick<Millis>({60s, 4h, 24h * 365 * 30})) * random.pick({-1, 1});
  if (fault.kind == reason_found)
    fault.cause = random.pick(
        {Cause::idle, Cause::gpu_unused, Cause::stalled, Cause::work_done, Cause::launch_unfinished});
  if (fault.kind == spot_notice) fault.amount = random.pick<Millis>({120s, 120s, 90s, 20s, 3s});
  if (fault.kind == extended) fault.amount = random.between(1s, 600s);
  if (fault.kind == tag_moved) fault.amount = random.between(-900s, 900s);
  if (fault.kind == machine_goes_down) {
    fault.amount = random.between(2s, 100s);
    fault.down = random.pick({Fault::Down::off, Fault::Down::off, Fault::Down::reboot});
    if (scenario.l0 && limited && random.chance(25)) fault.down = Fault::Down::hangs;
  }
  return fault;
}

// What the command line refuses together isn't drawn together: see check_without_command in cli/run_options.
void draw_work(Random& random, Scenario& scenario) {
  auto& rules = scenario.rules;
  rules.guards_machine = random.chance(15);
  rules.no_command = rules.guards_machine || random.chance(10);
  if (rules.no_command) rules.early_signal.reset();
  if (!rules.guards_machine) return;
  rules.keep_on_failure = Seconds{0};
  scenario.job = waiter_of(random);
}

void draw_faults(Random& random, Scenario& scenario) {
  const auto count = random.pick({0, 1, 1, 1, 2, 2, 3, 5});
  for (int i = 0; i < count; ++i) {
    scenario.faults.push_back(fault_of(random, scenario));
    const Fault& last = scenario.faults.back();
    if (last.kind == FaultKind::stop_asked && random.chance(40)) {  // asked twice
      Fault second = last;
      second.at += random.between(10ms, 5s);
      second.at_once = true;
      scenario.faults.push_back(second);
    }
  }
  if (scenario.rules.guards_machine && random.chance(60)) {  // it ends for a reason or for none
    Fault fault{.kind = FaultKind::reason_found, .on_entry = {}, .at = random.between(0ms, 1200s)};
    fault.cause =
        random.pick({Cause::idle, Cause::idle, Cause::stalled, Cause::work_done, Cause::gpu_unused});
    scenario.faults.push_back(fault);
  }
  if (scenario.rules.guards_machine && random.chance(20)) {  // `sudo reboot`
    Fault fault{.kind = FaultKind::machine_goes_down, .on_entry = {}, .at = random.between(0ms, 600s)};
    fault.down = Fault::Down::reboot;
    fault.amount = random.between(2s, 20s);
    fault.downtime = random.between(20s, 60s);
    scenario.faults.push_back(fault);
  }
  if (scenario.l2 && random.chance(4)) {  // a guard that crashes again and again
    Fault fault{.kind = FaultKind::guard_killed, .on_entry = {}, .at = random.between(0ms, 600s)};
    for (int i = 0; i < 8; ++i) {
      scenario.faults.push_back(fault);
      fault.at += random.between(1500ms, 60s);
    }
  }
}

}  // namespace

Scenario scenario_of(std::uint64_t seed, bool alone) {
  Random random{seed};
  Scenario scenario;
  scenario.seed = seed;
  scenario.l0 = !alone && random.chance(70);
  scenario.l2 = !alone && random.chance(70);
  scenario.l0_shutdown_hangs = random.chance(20);

  auto& rules = scenario.rules;
  if (random.chance(85)) rules.limits.max_time = Seconds{random.between(5, 900)};
  if (random.chance(15)) rules.limits.deadline = k_start_wall + random.between(-60s, 900s);
  rules.limits.grace = Seconds{random.pick<std::int64_t>({0, 1, 5, 10, 60, 120})};
  rules.has_saves = random.chance(80);
  if (rules.has_saves) rules.limits.save = Seconds{random.pick<std::int64_t>({5, 30, 120, 300})};
  rules.dry_run = random.chance(6);
  rules.on_terminal = random.chance(50);

  scenario.plan = plan_of(random, true);
  if (random.chance(40)) {
    scenario.plan_known_at = random.between(10ms, random.pick<Millis>({5s, 600s}));
    scenario.plan_known = plan_of(random, false);
  }
  if (random.chance(20)) {
    scenario.tag_known_at = random.between(10ms, random.pick<Millis>({5s, 600s}));
    scenario.tag_end_at = random.between(-60s, 1500s);
  }
  if ((rules.limits.max_time || rules.limits.deadline) && random.chance(25))
    scenario.limit = Cause::cost_limit;
  if (random.chance(25)) scenario.tag_limit = Cause::cost_limit;
  scenario.job = job_of(random, rules.limits.grace);
  rules.has_before_end = random.chance(25);
  if (rules.has_before_end) rules.limits.before_end = Seconds{random.pick<std::int64_t>({1, 10, 60})};
  scenario.before_end = save_of(random, rules.limits.before_end);
  if (random.chance(20)) rules.keep_on_failure = Seconds{random.pick<std::int64_t>({10, 300, 1800})};
  if (random.chance(25))
    rules.early_signal = guard::EarlySignal{10, Seconds{random.pick<std::int64_t>({1, 30, 300, 3600})}};
  draw_work(random, scenario);
  scenario.save = save_of(random, rules.limits.save);
  draw_rungs(random, scenario);
  draw_faults(random, scenario);
  return scenario;
}

bool kills_guard(FaultKind kind) {
  switch (kind) {
    case FaultKind::guard_killed:
    case FaultKind::guard_hangs:
    case FaultKind::guard_crashes_before_persist:
    case FaultKind::guard_crashes_after_persist:
    case FaultKind::guard_crashes_between_actions: return true;
    default: return false;
  }
}

std::string_view name_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::guard_killed: return "guard is killed";
    case FaultKind::guard_hangs: return "guard hangs";
    case FaultKind::guard_crashes_before_persist: return "guard will crash before it persists";
    case FaultKind::guard_crashes_after_persist: return "guard will crash after it persists";
    case FaultKind::guard_crashes_between_actions: return "guard will crash between two actions";
    case FaultKind::shim_dies: return "shim dies";
    case FaultKind::wall_jumps: return "wall clock jumps";
    case FaultKind::reboot: return "reboot";
    case FaultKind::machine_goes_down: return "machine goes down by another's hand";
    case FaultKind::stop_asked: return "stop is asked for";
    case FaultKind::pid1_crashes: return "PID 1 crashes";
    case FaultKind::reason_found: return "a probe finds a reason";
    case FaultKind::spot_notice: return "spot interruption notice";
    case FaultKind::disarm_asked: return "disarmed by hand";
    case FaultKind::extended: return "extended";
    case FaultKind::gpu_busy: return "a GPU is seen to be busy";
    case FaultKind::tag_moved: return "the tag curfew:deadline is moved";
  }
  return "?";
}

}  // namespace curfew::sim
