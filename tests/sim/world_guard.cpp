// The guard's process in the world: its supervisor, its deaths, and what its actions do.
#include <algorithm>
#include <utility>

#include "guard/policy_deadline.hpp"
#include "world.hpp"

namespace curfew::sim {

using namespace std::chrono_literals;
using guard::Stage;

namespace {

constexpr Millis k_restart{1s};           // RestartSec
constexpr Millis k_start_interval{600s};  // StartLimitIntervalSec
constexpr std::size_t k_start_burst = 5;  // StartLimitBurst
constexpr Millis k_tick{1s};
constexpr Millis k_slow_tick{15s};  // nothing but stop_at can happen: a real guard ticks oftener

std::string text_of(const guard::Action& action) {
  std::string text{name_of(action)};
  if (const auto* note = std::get_if<guard::Note>(&action)) text += ": " + note->text;
  if (const auto* publish = std::get_if<guard::Publish>(&action))
    text += " " + std::to_string(publish->exit_code);
  if (const auto* climb = std::get_if<guard::Climb>(&action)) text += " " + std::string(name_of(climb->rung));
  if (const auto* move = std::get_if<guard::MoveL0>(&action))
    text += " " + std::to_string(move->ahead.count()) + " ms";
  return text;
}

}  // namespace

// ---- life and death

void World::start_guard() {
  alive_ = true;
  hung_ = left_ = false;
  ++life_;
  ++truth_.guard_starts;
  starts_.push_back(schedule_.now());
  if (truth_.absent_since) truth_.absence += schedule_.now() - *truth_.absent_since;
  truth_.absent_since.reset();
  watcher_.guard_starts();
  live_ = disk_;
  trace("the guard starts, " + std::string(name_of(live_.stage)));
  // By the boot that the state was persisted in: a guard may have crashed in this one before it persisted anything.
  const bool same_boot = live_.times.boot_id == clocks().boot_id;
  if (!same_boot) {
    live_.times = job::rebased(live_.times, clocks(), left_before_);
    if (scenario_.rules.guards_machine) carry_times_over();
    truth_.wall_ahead_at_boot = std::max(truth_.wall_ahead_at_boot, wall_offset_);
    if (live_.stage < Stage::ending) arm_l0();  // else it goes by a wall clock that may be behind
  }
  if (truth_.guard_starts == 1) {
    arm_l0();
    expect_tick();
    return;
  }
  const auto life = life_;
  deliver(guard::Resumed{same_boot});
  if (!same_boot && life == life_ && live_.stage <= Stage::running) arm_l0();
  if (same_boot) {
    for (const auto& event : job_.found()) {
      if (life == life_) deliver(event);
    }
    if (truth_.stopping_hangs && life == life_) deliver(guard::MachineGoingDown{});
  }
  if (life == life_) tell_what_imds_knows();
}

void World::tell_what_imds_knows() {
  const auto life = life_;
  if (plan_is_known_) deliver(guard::PlanKnown{scenario_.plan_known});
  if (tag_is_known_ && life == life_) move_times();
  if (truth_.taken_at && life == life_)
    deliver(guard::SpotInterruption{BootTime{*truth_.taken_at - boot_start_}});
}

void World::end_guard(const std::string& how, bool may_restart) {
  if (!alive_) return;
  trace("the guard ends: " + how);
  alive_ = false;
  ++life_;
  ++save_;  // a save is done by the guard, and so is what runs before the end
  ++before_end_;
  if (!may_restart) {
    if (truth_.absent_since) truth_.absence += schedule_.now() - *truth_.absent_since;
    truth_.absent_since.reset();
    return;
  }
  if (!truth_.absent_since) truth_.absent_since = schedule_.now();
  if (!scenario_.l2 || truth_.pid1_crashed) {
    truth_.guard_gone_for_good = true;
    return;
  }
  schedule_.after(k_restart, [this, boot = boots_, life = life_] {
    if (boot != boots_ || life != life_ || truth_.pid1_crashed || truth_.machine_ended) return;
    const auto recent = std::count_if(starts_.begin(), starts_.end(), [this](Millis start) {
      return start > schedule_.now() - k_start_interval;
    });
    if (static_cast<std::size_t>(recent) < k_start_burst) return start_guard();
    truth_.guard_gone_for_good = true;
    trace("L2: started too often");
    const bool has_action = disk_.plan.ending != guard::Ending::none && !scenario_.rules.dry_run;
    if (has_action) schedule_.after(2s, [this] { end_machine("L2", true); });
  });
}

// ---- the supervisor

void World::send(const guard::Event& event) {
  schedule_.after(3ms, [this, event, life = life_] {
    if (life == life_ && alive_) deliver(event);
  });
}

void World::deliver(const guard::Event& event) {
  if (!alive_ || hung_ || !machine_up_) return;
  const auto life = life_;
  truth_.now = schedule_.now();
  const Stage before = live_.stage;
  guard::Step made = step_(live_, scenario_.rules, clocks(), event);
  watcher_.stepped(live_, event, made);
  coverage_.saw(event, made, scenario_.rules.guards_machine);
  if (!std::holds_alternative<guard::Tick>(event))
    trace(std::string(name_of(event)) + " in " + std::string(name_of(before)));

  const bool crashes = crash_ && !made.actions.empty();
  if (crashes && crash_ == FaultKind::guard_crashes_before_persist) {
    crash_.reset();
    return end_guard("crashed before it persisted", true);
  }
  const auto before_step = std::exchange(live_, std::move(made.state));
  persist(live_);
  hear(event, before);
  watcher_.recorded(before_step, event, live_);
  if (crashes && crash_ == FaultKind::guard_crashes_after_persist) {
    crash_.reset();
    return end_guard("crashed before it acted", true);
  }
  const std::size_t crash_at = crashes ? made.actions.size() / 2 : made.actions.size();
  for (std::size_t i = 0; i < made.actions.size(); ++i) {
    if (i == crash_at) {
      crash_.reset();
      return end_guard("crashed between two actions", true);
    }
    trace("  " + text_of(made.actions[i]));
    watcher_.acts(made.actions[i]);
    act(made.actions[i]);
    if (life != life_) return;
  }
  if (live_.stage != before) entered(live_.stage);
  expect_tick();
}

void World::persist(const guard::State& state) {
  disk_ = state;
  left_before_ = job::left_to(state.times.stop_at, clocks());
}

// What the guard has now heard of, and won't forget.
void World::hear(const guard::Event& event, Stage before) {
  const Millis now = schedule_.now();
  // Nobody waits for a process that only waited.
  const bool is_no_news = scenario_.rules.guards_machine && before < Stage::draining;
  if (std::holds_alternative<guard::JobEnded>(event) && !is_no_news) truth_.exit_heard = true;
  if (std::holds_alternative<guard::GpuBusy>(event)) truth_.gpu_was_busy = true;
  if (std::holds_alternative<guard::JobNotStarted>(event)) truth_.not_started_heard = true;
  // While the machine goes down, all are asked to stop, the front end too.
  const bool goes_down_anyway = scenario_.rules.guards_machine && truth_.went_down_first;
  if (const auto* stop = std::get_if<guard::StopAsked>(&event); stop != nullptr && before < Stage::killing) {
    if (!truth_.asked && !goes_down_anyway) truth_.asked = now;
    if (stop->at_once && !truth_.asked_at_once) truth_.asked_at_once = now;
  }
  if (std::holds_alternative<guard::MachineGoingDown>(event) && !truth_.going_down) {
    truth_.going_down = now;
    truth_.went_down_first = before < Stage::draining;
  }
  if (const auto* saved = std::get_if<guard::SaveEnded>(&event)) truth_.saved_heard = saved->all_saved;
  if (const auto* plan = std::get_if<guard::PlanKnown>(&event);
      plan != nullptr && before < Stage::ending && !live_.disarmed) {
    truth_.plan = plan->plan;
    arm_l0();
  }
  if (const auto* found = std::get_if<guard::ReasonFound>(&event);
      found != nullptr && before < Stage::draining && !truth_.reason) {
    truth_.reason = now;
    truth_.reason_cause = found->cause;
    if (live_.cause == guard::Cause::launch_unfinished) truth_.unfinished = now;
  }
  if (std::holds_alternative<guard::SpotInterruption>(event) && before < Stage::ending && !truth_.spot)
    truth_.spot = now;
  if (std::holds_alternative<guard::DisarmAsked>(event) && before < Stage::ending) {
    truth_.plan = {};
    if (truth_.stop_at && *truth_.stop_at <= now) truth_.limit_passed = truth_.stop_at;
    truth_.stop_at.reset();
    truth_.end_at.reset();
    truth_.disarmed = true;
  }
  const auto* const moved = std::get_if<guard::TimesMoved>(&event);
  if (moved != nullptr && moved->limit != guard::Cause::none && !live_.disarmed) truth_.limit = moved->limit;
  if (truth_.extending) {
    truth_.stop_at = true_time(*live_.times.stop_at);
    truth_.end_at = true_time(*live_.times.end_at);
    truth_.extended = true;
    arm_l0();
  } else if (moved != nullptr && moved->limit != guard::Cause::none && !live_.disarmed) {
    bring_times_forward();
    if (live_.times.stop_at) {
      const Millis until_end =
          *truth_.end_at - std::max(*truth_.stop_at, before < Stage::draining ? 0ms : now);
      if (until_end < Millis{scenario_.rules.limits.after_stop()}) truth_.is_squeezed = true;
    }
    if (before < Stage::ending) arm_l0();
  }
}

// To where the guard has them now, unless that's later.
void World::bring_times_forward() {
  const auto earlier = [now = schedule_.now()](std::optional<Millis>& was, Millis is) {
    is = std::max(is, now);  // what is said to be past counts from now
    if (!was || is < *was) was = is;
  };
  if (!live_.times.stop_at || !live_.times.end_at) return;
  earlier(truth_.stop_at, true_time(*live_.times.stop_at));
  earlier(truth_.end_at, true_time(*live_.times.end_at));
}

// Of a machine that goes on after a reboot. A wall clock that is behind hides for how long nobody counted, and no more.
void World::carry_times_over() {
  if (!live_.times.stop_at || !live_.times.end_at) return;
  const Millis uncounted = truth_.downtime + truth_.absence + k_slow_tick + 1s;
  for (auto& [was, instant] :
       {std::pair{&truth_.stop_at, &*live_.times.stop_at}, std::pair{&truth_.end_at, &*live_.times.end_at}}) {
    const Millis is = std::max(true_time(*instant), schedule_.now());
    const bool had_come = *was && **was <= down_at_;
    if (*was && (is < **was || (!had_come && is <= **was + uncounted))) *was = is;
  }
}

// As the supervisor does it, at the first look at the tag and at each change.
void World::move_times() {
  const WallTime tag = WallTime{1'795'500'000s} + tag_end_at_;
  const auto step = guard::heed_deadline(live_, scenario_.rules, clocks(), {format_utc(tag), {}});
  if (!step.times && !step.held) return;
  truth_.extending = guard::is_later(step, live_);
  deliver(guard::TimesMoved{step.times.value_or(live_.times),
                            step.times ? scenario_.tag_limit : guard::Cause::none, step.held});
  truth_.extending = false;
}

void World::expect_tick() {
  if (!alive_ || live_.stage == Stage::done) return;
  const Millis now = schedule_.now();
  Millis when = now + (live_.stage <= Stage::running ? k_slow_tick : k_tick);
  if (const auto bound = next_bound(live_, scenario_.rules)) {
    const Millis at = boot_start_ + bound->time_since_epoch();
    when = std::max(std::min(when, at + Millis{static_cast<std::int64_t>(tick_ % 20)}), now + 5ms);
  }
  schedule_.at(when, [this, number = ++tick_, life = life_] {
    if (number == tick_ && life == life_) deliver(guard::Tick{});
  });
}

// ---- actions

void World::act(const guard::Action& action) {
  if (std::holds_alternative<guard::SignalTree>(action)) job_.signal_tree();
  else if (std::holds_alternative<guard::KillTree>(action)) job_.kill_tree();
  else if (const auto* save = std::get_if<guard::StartSave>(&action)) start_save(save->until);
  else if (std::holds_alternative<guard::CancelSave>(action)) ++save_;
  else if (std::holds_alternative<guard::StartBeforeEnd>(action)) start_before_end();
  else if (std::holds_alternative<guard::CancelBeforeEnd>(action)) ++before_end_;
  else if (std::holds_alternative<guard::MarkEnded>(action)) marked_ = true;
  else if (const auto* climbed = std::get_if<guard::Climb>(&action)) climb(climbed->rung);
  else if (const auto* move = std::get_if<guard::MoveL0>(&action)) {
    if (scenario_.l0 && !truth_.pid1_crashed) set_l0(boot_clock() + move->ahead, clocks().wall + move->ahead);
  } else if (std::holds_alternative<guard::Disarm>(action)) {
    l0_.armed = false;
    disarmed_ = true;
  } else if (std::holds_alternative<guard::Leave>(action)) {
    left_ = true;
    end_guard("it leaves", false);
  }
}

void World::start_save(BootTime until) {
  ++truth_.saves_begun;
  if (scenario_.save.how == SaveModel::How::silent) return;
  (void)until;  // the policy cancels; this save doesn't look at the clock
  schedule_.after(scenario_.save.takes, [this, number = ++save_] {
    if (number != save_ || !machine_up_) return;
    const bool works = scenario_.save.how == SaveModel::How::works;
    truth_.is_saved = truth_.is_saved || works;
    deliver(guard::SaveEnded{works});
  });
}

void World::start_before_end() {
  if (scenario_.before_end.how == SaveModel::How::silent) return;
  schedule_.after(scenario_.before_end.takes, [this, number = ++before_end_] {
    if (number != before_end_ || !machine_up_) return;
    deliver(guard::BeforeEndEnded{scenario_.before_end.how == SaveModel::How::works});
  });
}

void World::climb(guard::Rung rung) {
  using How = RungModel::How;
  const RungModel& model = scenario_.rung(rung);
  const bool is_systemds = rung == guard::Rung::shutdown_command || rung == guard::Rung::systemctl_force;
  const bool fails =
      static_cast<int>(live_.rounds) < scenario_.failing_rounds || (is_systemds && truth_.pid1_crashed);
  const How how = fails ? How::refuses : model.how;
  if (how == How::silent) return;
  schedule_.after(model.answers_after, [this, rung, how, life = life_] {
    if (life == life_ && alive_) deliver(guard::RungEnded{rung, how != How::refuses});
  });
  if (how == How::refuses || how == How::lies) return;
  if (rung == guard::Rung::shutdown_command) stopping(how == How::stopping_hangs);
  if (how == How::stopping_hangs) return;
  schedule_.after(model.ends_after, [this, rung, boot = boots_] {
    if (boot == boots_) end_machine(std::string(name_of(rung)), false);
  });
}

}  // namespace curfew::sim
