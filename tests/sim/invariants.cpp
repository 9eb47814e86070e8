#include "invariants.hpp"

#include <algorithm>
#include <set>

namespace curfew::sim {
namespace {

using namespace std::chrono_literals;
using guard::Cause;
using guard::Ending;
using guard::JobResult;
using guard::Stage;

constexpr Millis k_slack{2s};  // the guard's loop is late, answers take their time
constexpr Millis k_l0_after_end{60s};
constexpr Millis k_l0_force{125s};  // L0's own shutdown may hang: by force after 120 s

[[noreturn]] void violated(int invariant, std::string text) { throw Violation{invariant, std::move(text)}; }

std::string seconds(Millis time) {
  std::string text = std::to_string(time.count() % 1000);
  return std::to_string(time.count() / 1000) + "." +
         std::string(3 - std::min<std::size_t>(text.size(), 3), '0') + text;
}

}  // namespace

void Watcher::stepped(const guard::State& before, const guard::Event& event, const guard::Step& made) {
  const auto* resumed = std::get_if<guard::Resumed>(&event);
  const bool is_new_boot = resumed != nullptr && !resumed->same_boot;
  if (made.state.stage < before.stage && !is_new_boot) violated(12, "a stage was left backwards");

  if (made.state.stage == Stage::holding && before.stage != Stage::holding) {
    if (!has_failed() || scenario_.rules.keep_on_failure == Seconds{0})
      violated(13, "held without a failure");
  }

  if (truth_.extending || std::holds_alternative<guard::DisarmAsked>(event)) return;
  const auto later = [](const std::optional<job::Instant>& was, const std::optional<job::Instant>& is) {
    return was && (!is || is->boot > was->boot || is->wall > was->wall);
  };
  if (later(before.times.stop_at, made.state.times.stop_at)) violated(4, "stop_at was moved later");
  if (later(before.times.end_at, made.state.times.end_at)) violated(4, "end_at was moved later");
}

void Watcher::acts(const guard::Action& action) {
  if (std::holds_alternative<guard::SignalTree>(action)) {
    check_signal();
    if (!first_signal_) first_signal_ = truth_.now;
  } else if (std::holds_alternative<guard::KillTree>(action)) {
    check_kill();
  } else if (std::holds_alternative<guard::StartSave>(action)) {
    check_save_begins();
  } else if (std::holds_alternative<guard::StartBeforeEnd>(action)) {
    check_before_end();
  } else if (std::holds_alternative<guard::SignalCommand>(action)) {
    check_early_signal();
  } else if (const auto* publish = std::get_if<guard::Publish>(&action)) {
    check_publish(publish->exit_code);
  } else if (std::holds_alternative<guard::MarkEnded>(action)) {
    is_marked_ = true;
  } else if (const auto* move = std::get_if<guard::MoveL0>(&action)) {
    check_move_l0(move->ahead);
  } else if (const auto* climb = std::get_if<guard::Climb>(&action)) {
    check_climb(climb->rung);
  } else if (std::holds_alternative<guard::Disarm>(action)) {
    if (must_end()) violated(9, "disarms the layers of a machine that is to end");
  } else if (std::holds_alternative<guard::Leave>(action)) {
    if (must_end() && !truth_.going_down) violated(9, "leaves a machine that is to end");
    if (!published_) violated(5, "leaves without having published a result");
    check_saved();
    check_before_end_was_run();
  }
}

// After the world has heard what the step heard.
void Watcher::recorded(const guard::State& before, const guard::Event& event,
                       const guard::State& after) const {
  if (truth_.gpu_was_busy && !after.gpu_was_busy) violated(15, "forgets that a GPU was busy");
  const auto* found = std::get_if<guard::ReasonFound>(&event);
  if (found != nullptr && found->cause == Cause::gpu_unused && truth_.gpu_was_busy &&
      before.cause == Cause::none)
    violated(3, "ends for GPUs that were never used, but one was");
  if (after.cause == before.cause) return;
  const std::string name{guard::name_of(after.cause)};
  if (before.cause == Cause::none) {
    if (!first_reason()) violated(3, "is over by " + name + ", but there's no reason");
    if (!has_come(after.cause)) violated(15, "records " + name + ", which has not come");
    return;
  }
  const auto* resumed = std::get_if<guard::Resumed>(&event);
  const bool is_anew = resumed != nullptr && !resumed->same_boot && scenario_.rules.guards_machine &&
                       before.cause == Cause::machine_going_down && after.cause == Cause::none;
  if (!is_anew) violated(15, "records " + name + " in place of " + std::string(guard::name_of(before.cause)));
}

bool Watcher::has_come(Cause cause) const {
  const bool has_job = !scenario_.rules.guards_machine;
  const auto passed = [this](const std::optional<Millis>& at) { return at && *at <= truth_.now; };
  switch (cause) {
    case Cause::none: return false;
    case Cause::job_ended: return has_job && truth_.job_ended;
    case Cause::job_not_started: return has_job && truth_.not_started;
    case Cause::job_lost: return has_job && truth_.job_lost;
    case Cause::rebooted: return has_job && truth_.rebooted;
    case Cause::time_limit:
    case Cause::cost_limit: return passed(truth_.stop_at) && truth_.limit == cause;
    case Cause::idle:
    case Cause::gpu_unused:
    case Cause::stalled:
    case Cause::work_done:
    case Cause::launch_unfinished: return truth_.reason && truth_.reason_cause == cause;
    case Cause::spot_interruption: return truth_.spot.has_value();
    case Cause::stop_asked: return truth_.asked.has_value();
    case Cause::machine_going_down: return truth_.going_down.has_value();
  }
  return false;
}

void Watcher::machine_boots(bool anew) {
  l0_due_.reset();
  first_kill_.reset();
  if (!anew) return;
  published_.reset();
  first_signal_.reset();
}

void Watcher::check_signal() const {
  if (!first_reason()) violated(3, "the job is signalled without a reason");
}

void Watcher::check_kill() {
  if (!first_reason()) violated(3, "the job is killed without a reason");
  if (!first_kill_) first_kill_ = truth_.now;
  const bool is_past_backstop = truth_.end_at && truth_.now >= *truth_.end_at + guard::k_backstop;
  if (truth_.asked_at_once || truth_.job_lost || is_past_backstop) return;
  if (!first_signal_) {
    // A guard that crashed in between may have signalled only on paper.
    if (truth_.guard_starts > 1) return;
    violated(7, "SIGKILL without a signal before");
  }
  Millis grace = scenario_.rules.limits.grace;
  if (const auto gone_by = must_be_gone_by())
    grace = std::min(grace, std::max(*gone_by - guard::k_spot_reserve - truth_.now, 0ms) / 3);
  if (truth_.now - *first_signal_ < grace - absence())
    violated(7, "SIGKILL " + seconds(truth_.now - *first_signal_) + " s after the first signal");
}

void Watcher::check_save_begins() const {
  if (!first_reason()) violated(3, "saving, but nothing has happened to the job");
  check_before_end_was_run();
  if (!truth_.is_tree_empty) return check_job_is_gone("saving");
  if (truth_.tree_empty_since && truth_.saves_begun == 0 &&
      truth_.now - std::max(*truth_.tree_empty_since, *first_reason()) >
          1s + Millis{scenario_.rules.limits.before_end} + absence() + truth_.downtime)
    violated(8,
             "saving begins " + seconds(truth_.now - *truth_.tree_empty_since) + " s after the job was gone");
}

void Watcher::check_job_is_gone(const std::string& what) const {
  if (truth_.is_tree_empty) return;
  // The process that waits makes nothing; without its parent, the guard's link kills it, and hears no more of it.
  if (scenario_.rules.guards_machine && truth_.job_lost) return;
  if (!first_kill_) violated(8, what + " begins while the job runs, and nobody has killed it");
  if (truth_.now - *first_kill_ < guard::k_kill_limit - absence())
    violated(8, what + " begins while the job runs, just after SIGKILL");
}

void Watcher::check_before_end() {
  if (!first_reason()) violated(14, "--before-end runs, but nothing has happened to the job");
  check_job_is_gone("--before-end");
  if (++before_ends_ > 1) violated(14, "--before-end runs again");
}

void Watcher::check_before_end_was_run() const {
  const bool has_no_job = !scenario_.rules.guards_machine && (!truth_.is_started || truth_.not_started_heard);
  const bool may_be_left_out = has_no_job || truth_.going_down || must_be_gone_by() || truth_.is_squeezed ||
                               truth_.reboots > 0 || truth_.guard_starts > 1;
  if (scenario_.rules.has_before_end && !may_be_left_out && before_ends_ == 0)
    violated(14, "--before-end was not run");
}

void Watcher::check_early_signal() {
  const auto& wanted = scenario_.rules.early_signal;
  if (!wanted || !truth_.stop_at || truth_.now + k_slack < *truth_.stop_at - Millis{wanted->ahead})
    violated(14, "the early signal comes too early");
  if (++early_signals_ > 1 && !truth_.extended) violated(14, "the early signal comes again");
}

void Watcher::is_taken() const {
  if (truth_.spot && !truth_.guard_gone_for_good && !truth_.going_down) check_saved();
}

bool Watcher::could_be_saved() const {
  const auto& limits = scenario_.rules.limits;
  const bool may_be_something = truth_.is_started || scenario_.rules.guards_machine;
  if (!scenario_.rules.has_saves || !may_be_something || scenario_.save.how != SaveModel::How::works)
    return false;
  if (truth_.is_squeezed) return false;
  const Millis lost = absence() + truth_.downtime + truth_.wall_ahead_at_boot + k_slack;
  const Millis needed = scenario_.save.takes * std::max(1, truth_.saves_begun + truth_.reboots);
  // Half of what EC2 leaves is the save's at least, but for the time that SIGKILL may take.
  if (truth_.taken_at) {
    const Millis left = *truth_.taken_at - guard::k_spot_reserve - truth_.spot.value_or(*truth_.taken_at);
    if (needed + lost + guard::k_kill_limit > left / 2) return false;
  }
  if (truth_.unfinished &&
      needed + lost + guard::k_kill_limit > (guard::k_unfinished_time - guard::k_spot_reserve) / 2)
    return false;
  return needed + lost <= Millis{limits.save};
}

void Watcher::check_saved() const {
  if (could_be_saved() && !truth_.is_saved) violated(2, "what could have been saved in time is not");
}

int Watcher::code_of_result() const {
  if (truth_.not_started_heard && !scenario_.rules.guards_machine) return *scenario_.job.start_failure;
  if (!truth_.exit || !truth_.exit_heard) return 125;
  if (truth_.exit->how == JobResult::How::signalled) return 128 + truth_.exit->number;
  if (truth_.exit->number == 0 && scenario_.rules.has_saves && !truth_.saved_heard) return 125;
  return truth_.exit->number;
}

// Which reason came first can't be told where several came while nobody looked; each of them is right then.
void Watcher::check_publish(int code) {
  if (published_in_life_) violated(5, "published twice");
  if (published_ && *published_ != code) violated(5, "published another code than before");
  const auto first = first_reason();
  if (!first) violated(3, "published without a reason");
  const Millis together = *first + 1s + absence() + truth_.downtime;
  std::set<int> right;
  auto by_the_result = reasons_of_the_job();
  by_the_result.insert(by_the_result.end(), {truth_.asked, truth_.going_down});
  for (const auto& reason : by_the_result) {
    if (reason && *reason <= together) right.insert(code_of_result());
  }
  if (truth_.stop_at && *truth_.stop_at <= std::min(together, truth_.now)) right.insert(124);
  if (truth_.limit_passed) right.insert(124);
  const bool may_be_something = truth_.is_started || scenario_.rules.guards_machine;
  const int well = scenario_.rules.has_saves && !truth_.saved_heard && may_be_something ? 125 : 0;
  if (truth_.spot && *truth_.spot <= together) right.insert(75);
  if (truth_.reason && *truth_.reason <= together) {
    const bool is_well =
        truth_.reason_cause == guard::Cause::work_done ||
        (scenario_.rules.no_command && truth_.reason_cause != guard::Cause::launch_unfinished);
    const int at_a_limit = truth_.reason_cause == guard::Cause::launch_unfinished ? 125 : 124;
    right.insert(is_well ? well : at_a_limit);
  }
  if (!published_ && !right.contains(code)) {
    std::string text = "published " + std::to_string(code) + ", but right is";
    for (const int one : right) text += " " + std::to_string(one);
    violated(5, text);
  }
  published_ = code;
  published_in_life_ = true;
}

// What bounds all that is still done for the job, other than its own limits.
std::optional<Millis> Watcher::must_be_gone_by() const {
  std::optional<Millis> first;
  if (truth_.spot) first = truth_.taken_at;
  if (!truth_.unfinished) return first;
  const Millis own = *truth_.unfinished + guard::k_unfinished_time;
  return first ? std::min(*first, own) : own;
}

void Watcher::check_climb(guard::Rung rung) {
  const std::string name{guard::name_of(rung)};
  if (truth_.unfinished && truth_.reboots == 0 && climbs_++ == 0) {
    const Millis late = truth_.now - *truth_.unfinished - guard::k_unfinished_time;
    if (late > k_slack + absence())
      violated(15, "a machine whose launch was never finished is ended " + seconds(late) + " s too late");
  }
  if (!must_end()) violated(6, name + " climbed, but the machine is to stay");
  if (truth_.going_down) violated(6, name + " climbed while the machine goes down by another's hand");
  if (!first_reason()) violated(3, name + " climbed without a reason");
  if (!published_) violated(5, name + " climbed before the result was published");
  if (!l0_due_) violated(10, name + " climbed before L0 was moved");
  if (truth_.plan.marks_ended && !is_marked_) violated(11, name + " climbed before the marker was written");
  check_saved();
}

void Watcher::check_move_l0(Millis ahead) {
  const Millis due = truth_.now + ahead;
  if (ahead > guard::k_l0_while_ending) violated(10, "L0 moved too far ahead");
  if (l0_due_ && truth_.now < *l0_due_ && due > *l0_due_ + 50ms) violated(10, "L0 put off");
  l0_due_ = due;
}

bool Watcher::must_end() const {
  const int code = scenario_.job.start_failure.value_or(0);
  const bool is_typing_error = !scenario_.rules.guards_machine && truth_.not_started_heard &&
                               scenario_.rules.on_terminal && (code == 126 || code == 127);
  return truth_.plan.ending != Ending::none && !scenario_.rules.dry_run && !is_typing_error;
}

std::vector<std::optional<Millis>> Watcher::reasons_of_the_job() const {
  if (scenario_.rules.guards_machine) return {};
  return {truth_.job_ended, truth_.job_lost, truth_.not_started, truth_.rebooted};
}

std::optional<Millis> Watcher::first_reason() const {
  std::optional<Millis> first;
  auto reasons = reasons_of_the_job();
  reasons.insert(reasons.end(), {truth_.asked, truth_.going_down, truth_.reason, truth_.spot,
                                 truth_.limit_passed, truth_.stop_at});
  for (const auto& reason : reasons) {
    if (reason && *reason <= truth_.now && (!first || *reason < *first)) first = reason;
  }
  return first;
}

bool Watcher::has_failed() const {
  if (scenario_.rules.guards_machine) return false;
  if (truth_.job_lost || truth_.not_started) return true;
  return truth_.exit && (truth_.exit->how != JobResult::How::exited || truth_.exit->number != 0);
}

Millis Watcher::absence() const {
  return truth_.absence + (truth_.absent_since ? truth_.now - *truth_.absent_since : 0ms);
}

// From the first rung to the end of the machine; empty: no rung will ever work, only L0.
std::optional<Millis> Watcher::ladder_time() const {
  const auto& ladder = truth_.plan.ladder;
  Millis time{0};
  Millis pause = guard::k_round_pause;
  for (int round = 0; round < scenario_.failing_rounds; ++round) {
    time += guard::k_rung_time * static_cast<std::int64_t>(ladder.size()) + pause;
    pause = std::min(pause * 2, guard::k_round_pause_most);
  }
  for (const auto rung : ladder) {
    time += guard::k_rung_time;
    using How = RungModel::How;
    const How how = scenario_.rung(rung).how;
    const bool needs_pid1 = rung == guard::Rung::shutdown_command || rung == guard::Rung::systemctl_force;
    if (needs_pid1 && truth_.pid1_crashed) continue;
    if (how == How::works || how == How::stopping_hangs) return time;
    if (how == How::slow && rung == guard::Rung::shutdown_command) return time + 100s;  // the guard leaves
  }
  return {};
}

// With E = end_at, or the first reason to stop + grace + save where that is earlier, and a guard that lives:
//   E + k_backstop + the ladder up to the first rung that works (30 s each, rounds in vain and their pauses before)
// where L0 works:
//   end_at + 60 s + k_l0_while_ending + 125 s, whatever the guard does
// Later by: 2 s of slack, every absence of the guard and 30 s for the rung it was at, every time that the machine is
// down, and for each reboot a new save and a new ladder.
std::optional<Millis> Watcher::bound() const {
  if (!must_end() || truth_.machine_ended) return {};
  const auto& limits = scenario_.rules.limits;
  const auto reason = first_reason();
  if (!reason) return {};
  Millis end = *reason + limits.after_stop();
  if (has_failed()) end += scenario_.rules.keep_on_failure;
  if (truth_.end_at) end = std::min(end, std::max(*truth_.end_at, *reason));

  std::optional<Millis> bound;
  const auto at_most = [&](Millis time) { bound = bound ? std::min(*bound, time) : time; };
  const Millis again = Millis{limits.save} + guard::k_kill_limit + k_slack;
  const auto ladder = ladder_time();
  if (ladder && !truth_.guard_gone_for_good && !truth_.stopping_hangs && !truth_.going_down) {
    at_most(end + guard::k_backstop + *ladder + absence() + guard::k_rung_time * (truth_.guard_starts - 1) +
            truth_.downtime + (again + *ladder) * truth_.reboots + k_slack);
  }
  const bool has_l0 = scenario_.l0 && !truth_.pid1_crashed && (truth_.end_at || l0_due_);
  if (has_l0 && !(truth_.l0_is_behind && truth_.guard_gone_for_good)) {
    const Millis armed =
        truth_.end_at ? *truth_.end_at + k_l0_after_end : end + guard::k_backstop + absence();
    at_most(armed + guard::k_l0_while_ending + k_l0_force + truth_.downtime +
            (again + guard::k_l0_while_ending + k_l0_force) * truth_.reboots + k_slack);
  }
  return bound;
}

void Watcher::time_passes() const {
  const auto latest = bound();
  if (latest && truth_.now > *latest)
    violated(
        1, "the machine still runs at " + seconds(truth_.now) + ", should have ended by " + seconds(*latest));
}

void Watcher::is_over() const {
  if (truth_.machine_ended) return;
  if (bound()) violated(1, "the machine runs for ever");
}

bool Watcher::is_beyond_us() const {
  return !truth_.machine_ended && must_end() && first_reason() && !bound();
}

}  // namespace curfew::sim
