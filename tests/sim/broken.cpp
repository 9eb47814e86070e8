#include "broken.hpp"

#include <algorithm>

namespace curfew::sim {
namespace {

using namespace std::chrono_literals;
using guard::Action;
using guard::Event;
using guard::Rules;
using guard::Stage;
using guard::State;
using guard::Step;
using job::Now;

// The true policy without some of its actions.
template <class Dropped>
Step without(State state, const Rules& rules, const Now& now, const Event& event) {
  Step made = guard::step(std::move(state), rules, now, event);
  std::erase_if(made.actions, [](const Action& action) { return std::holds_alternative<Dropped>(action); });
  return made;
}

Step ignores_stop_at(State state, const Rules& rules, const Now& now, const Event& event) {
  if (!std::holds_alternative<guard::Tick>(event) || state.stage > Stage::running)
    return guard::step(std::move(state), rules, now, event);
  return {std::move(state), {}};
}

Step ends_by_the_wall_clock(State state, const Rules& rules, const Now& now, const Event& event) {
  Now by_wall = now;
  if (std::holds_alternative<guard::Tick>(event) && state.times.stop_at)
    by_wall.boot = state.times.stop_at->boot + (now.wall - state.times.stop_at->wall);
  return guard::step(std::move(state), rules, by_wall, event);
}

Step publishes_twice(State state, const Rules& rules, const Now& now, const Event& event) {
  Step made = guard::step(std::move(state), rules, now, event);
  const bool publishes = std::any_of(made.actions.begin(), made.actions.end(), [](const Action& action) {
    return std::holds_alternative<guard::Publish>(action);
  });
  if (publishes) made.actions.emplace_back(guard::Publish{*made.state.published});
  return made;
}

Step publishes_last(State state, const Rules& rules, const Now& now, const Event& event) {
  Step made = guard::step(std::move(state), rules, now, event);
  std::stable_partition(made.actions.begin(), made.actions.end(),
                        [](const Action& action) { return !std::holds_alternative<guard::Publish>(action); });
  return made;
}

Step publishes_the_jobs_code_at_the_limit(State state, const Rules& rules, const Now& now,
                                          const Event& event) {
  Step made = guard::step(std::move(state), rules, now, event);
  for (auto& action : made.actions) {
    auto* publish = std::get_if<guard::Publish>(&action);
    if (publish != nullptr && publish->exit_code == 124) publish->exit_code = 0;
  }
  return made;
}

Step calls_a_lost_save_a_success(State state, const Rules& rules, const Now& now, const Event& event) {
  if (std::holds_alternative<guard::SaveEnded>(event))
    return guard::step(std::move(state), rules, now, guard::SaveEnded{true});
  return guard::step(std::move(state), rules, now, event);
}

Step kills_without_grace(State state, const Rules& rules, const Now& now, const Event& event) {
  Rules hasty = rules;
  hasty.limits.grace = rules.limits.grace / 2;
  return guard::step(std::move(state), hasty, now, event);
}

Step never_kills_who_ignores_sigterm(State state, const Rules& rules, const Now& now, const Event& event) {
  if (state.stage == Stage::draining && std::holds_alternative<guard::Tick>(event))
    return {std::move(state), {}};
  return guard::step(std::move(state), rules, now, event);
}

Step saves_while_the_job_runs(State state, const Rules& rules, const Now& now, const Event& event) {
  if (std::holds_alternative<guard::JobEnded>(event)) state.tree_gone = true;
  return guard::step(std::move(state), rules, now, event);
}

Step forgets_what_was_under_way(State state, const Rules& rules, const Now& now, const Event& event) {
  const auto* resumed = std::get_if<guard::Resumed>(&event);
  if (resumed != nullptr && resumed->same_boot) return {std::move(state), {}};
  return guard::step(std::move(state), rules, now, event);
}

Step does_not_notice_a_reboot(State state, const Rules& rules, const Now& now, const Event& event) {
  if (std::holds_alternative<guard::Resumed>(event))
    return guard::step(std::move(state), rules, now, guard::Resumed{true});
  return guard::step(std::move(state), rules, now, event);
}

Step gives_itself_an_hour_after_a_crash(State state, const Rules& rules, const Now& now, const Event& event) {
  Step made = guard::step(std::move(state), rules, now, event);
  if (std::holds_alternative<guard::Resumed>(event) && made.state.times.end_at) {
    made.state.times.end_at->boot += 1h;
    made.state.times.end_at->wall += 1h;
  }
  return made;
}

Step gives_up_after_one_ladder(State state, const Rules& rules, const Now& now, const Event& event) {
  Step made = guard::step(std::move(state), rules, now, event);
  if (made.state.pausing) made.actions.emplace_back(guard::Leave{}), made.state.stage = Stage::done;
  return made;
}

Step waits_for_the_first_rung_for_ever(State state, const Rules& rules, const Now& now, const Event& event) {
  if (state.stage == Stage::ending && std::holds_alternative<guard::Tick>(event))
    return {std::move(state), {}};
  return guard::step(std::move(state), rules, now, event);
}

Step climbs_when_the_machine_goes_down(State state, const Rules& rules, const Now& now, const Event& event) {
  state.going_down = false;
  return guard::step(std::move(state), rules, now, event);
}

Step climbs_in_a_dry_run(State state, const Rules& rules, const Now& now, const Event& event) {
  Rules real = rules;
  real.dry_run = false;
  return guard::step(std::move(state), real, now, event);
}

Step ends_for_a_typing_error(State state, const Rules& rules, const Now& now, const Event& event) {
  Rules batch = rules;
  batch.on_terminal = false;
  return guard::step(std::move(state), batch, now, event);
}

Step puts_l0_off_each_round(State state, const Rules& rules, const Now& now, const Event& event) {
  if (state.pausing) state.l0_at.reset();
  return guard::step(std::move(state), rules, now, event);
}

Step does_not_hear_that_the_tree_is_gone(State state, const Rules& rules, const Now& now,
                                         const Event& event) {
  if (std::holds_alternative<guard::TreeGone>(event)) return {std::move(state), {}};
  return guard::step(std::move(state), rules, now, event);
}

Step disarms_what_it_ends(State state, const Rules& rules, const Now& now, const Event& event) {
  Step made = guard::step(std::move(state), rules, now, event);
  if (made.state.stage == Stage::ending) made.actions.emplace_back(std::in_place_type<guard::Disarm>);
  return made;
}

Step starts_over_when_it_resumes(State state, const Rules& rules, const Now& now, const Event& event) {
  if (std::holds_alternative<guard::Resumed>(event) && state.stage == Stage::draining)
    state.stage = Stage::running;
  Step made = guard::step(state, rules, now, event);
  if (std::holds_alternative<guard::Resumed>(event) && state.stage == Stage::running)
    made.state.stage = Stage::arming;
  return made;
}

// The true policy, deaf to an event.
template <class Unheard>
Step deaf_to(State state, const Rules& rules, const Now& now, const Event& event) {
  if (std::holds_alternative<Unheard>(event)) return {std::move(state), {}};
  return guard::step(std::move(state), rules, now, event);
}

// The true policy, without the bound of a stage.
template <Stage stage>
Step stays_in(State state, const Rules& rules, const Now& now, const Event& event) {
  if (state.stage == stage && std::holds_alternative<guard::Tick>(event)) return {std::move(state), {}};
  return guard::step(std::move(state), rules, now, event);
}

Step holds_after_success(State state, const Rules& rules, const Now& now, const Event& event) {
  const Stage before = state.stage;
  Step made = guard::step(std::move(state), rules, now, event);
  const bool is_success = made.state.result && made.state.result->number == 0;
  if (before == Stage::saving && made.state.stage == Stage::ending && is_success)
    made.state.stage = Stage::holding;
  return made;
}

Step never_runs_before_end(State state, const Rules& rules, const Now& now, const Event& event) {
  Rules without = rules;
  without.has_before_end = false;
  return guard::step(std::move(state), without, now, event);
}

Step runs_before_end_again(State state, const Rules& rules, const Now& now, const Event& event) {
  const bool resumes = std::holds_alternative<guard::Resumed>(event) && state.stage == Stage::before_end;
  Step made = guard::step(std::move(state), rules, now, event);
  if (resumes) made.actions.emplace(made.actions.begin(), guard::StartBeforeEnd{});
  return made;
}

Step signals_too_early(State state, const Rules& rules, const Now& now, const Event& event) {
  Rules hasty = rules;
  if (hasty.early_signal) hasty.early_signal->ahead = hasty.early_signal->ahead * 2 + 60s;
  return guard::step(std::move(state), hasty, now, event);
}

Step gives_a_taken_spot_its_whole_grace(State state, const Rules& rules, const Now& now, const Event& event) {
  Step made = guard::step(std::move(state), rules, now, event);
  if (std::holds_alternative<guard::SpotInterruption>(event) && made.state.stage == Stage::draining)
    made.state.stage_until = now.boot + rules.limits.grace;
  return made;
}

// Its own process for a job of the user's.
Step ends_when_nobody_waits(State state, const Rules& rules, const Now& now, const Event& event) {
  Rules job = rules;
  if (state.stage <= Stage::running) job.guards_machine = false;
  return guard::step(std::move(state), std::holds_alternative<guard::Resumed>(event) ? rules : job, now,
                     event);
}

template <Stage first, Stage last>
Step ends_for_a_reboot(State state, const Rules& rules, const Now& now, const Event& event) {
  Rules job = rules;
  if (std::holds_alternative<guard::Resumed>(event) && state.stage >= first && state.stage <= last)
    job.guards_machine = false;
  return guard::step(std::move(state), job, now, event);
}

// It waits for a process to end that isn't there any more.
Step never_ends_without_who_waits(State state, const Rules& rules, const Now& now, const Event& event) {
  const bool is_alone = rules.guards_machine && state.tree_gone && state.stage <= Stage::running;
  if (is_alone && !std::holds_alternative<guard::Resumed>(event)) return {std::move(state), {}};
  return guard::step(std::move(state), rules, now, event);
}

Step gives_grace_to_nobody(State state, const Rules& rules, const Now& now, const Event& event) {
  Rules job = rules;
  if (!std::holds_alternative<guard::Resumed>(event) && state.tree_gone) job.guards_machine = false;
  return guard::step(std::move(state), job, now, event);
}

Step keeps_the_code_of_an_earlier_boot(State state, const Rules& rules, const Now& now, const Event& event) {
  const auto published = state.published;
  Step made = guard::step(std::move(state), rules, now, event);
  if (std::holds_alternative<guard::Resumed>(event)) made.state.published = published;
  return made;
}

Step calls_an_idle_machine_a_limit(State state, const Rules& rules, const Now& now, const Event& event) {
  Rules job = rules;
  job.no_command = false;
  return guard::step(std::move(state), job, now, event);
}

Step calls_cost_time(State state, const Rules& rules, const Now& now, const Event& event) {
  state.limit = guard::Cause::time_limit;
  return guard::step(std::move(state), rules, now, event);
}

Step does_not_hear_what_a_limit_stands_for(State state, const Rules& rules, const Now& now,
                                           const Event& event) {
  const auto* moved = std::get_if<guard::TimesMoved>(&event);
  if (moved == nullptr) return guard::step(std::move(state), rules, now, event);
  return guard::step(std::move(state), rules, now, guard::TimesMoved{moved->times, guard::Cause::none});
}

Step takes_its_time_with_an_unfinished_launch(State state, const Rules& rules, const Now& now,
                                              const Event& event) {
  const bool had_notice = state.taken_at.has_value();
  Step made = guard::step(std::move(state), rules, now, event);
  const auto* const found = std::get_if<guard::ReasonFound>(&event);
  if (found != nullptr && found->cause == guard::Cause::launch_unfinished && !had_notice)
    made.state.taken_at.reset();
  return made;
}

Step blames_the_last_cause(State state, const Rules& rules, const Now& now, const Event& event) {
  Step made = guard::step(std::move(state), rules, now, event);
  if (std::holds_alternative<guard::StopAsked>(event)) made.state.cause = guard::Cause::stop_asked;
  return made;
}

}  // namespace

std::vector<Broken> broken_policies() {
  return {
      {"never saves", 2, without<guard::StartSave>},
      {"never kills", 8, without<guard::KillTree>},
      {"never signals", 7, without<guard::SignalTree>},
      {"never climbs", 1, without<guard::Climb>},
      {"never publishes", 5, without<guard::Publish>},
      {"never marks", 11, without<guard::MarkEnded>},
      {"never moves L0", 10, without<guard::MoveL0>},
      {"ignores stop_at", 1, ignores_stop_at},
      {"ends by the wall clock", 3, ends_by_the_wall_clock},
      {"publishes twice", 5, publishes_twice},
      {"publishes last", 5, publishes_last},
      {"publishes the job's code at the limit", 5, publishes_the_jobs_code_at_the_limit},
      {"calls a lost save a success", 5, calls_a_lost_save_a_success},
      {"kills without grace", 7, kills_without_grace},
      {"never kills who ignores SIGTERM", 2, never_kills_who_ignores_sigterm},
      {"saves while the job runs", 8, saves_while_the_job_runs},
      {"forgets what was under way", 2, forgets_what_was_under_way},
      {"does not notice a reboot", 1, does_not_notice_a_reboot},
      {"gives itself an hour after a crash", 4, gives_itself_an_hour_after_a_crash},
      {"gives up after one ladder", 9, gives_up_after_one_ladder},
      {"waits for the first rung for ever", 1, waits_for_the_first_rung_for_ever},
      {"climbs when the machine goes down", 6, climbs_when_the_machine_goes_down},
      {"climbs in a dry run", 6, climbs_in_a_dry_run},
      {"ends for a typing error", 6, ends_for_a_typing_error},
      {"puts L0 off each round", 10, puts_l0_off_each_round},
      {"does not hear that the tree is gone", 8, does_not_hear_that_the_tree_is_gone},
      {"disarms what it ends", 9, disarms_what_it_ends},
      {"starts over when it resumes", 12, starts_over_when_it_resumes},
      {"saves for ever", 1, stays_in<Stage::saving>},
      {"holds for ever", 1, stays_in<Stage::holding>},
      {"lets --before-end run for ever", 1, stays_in<Stage::before_end>},
      {"holds after a success", 13, holds_after_success},
      {"never runs --before-end", 14, never_runs_before_end},
      {"runs --before-end again", 14, runs_before_end_again},
      {"signals too early", 14, signals_too_early},
      {"takes no probe's word", 1, deaf_to<guard::ReasonFound>},
      {"takes no notice of a spot interruption", 2, deaf_to<guard::SpotInterruption>},
      {"gives a taken spot its whole grace", 2, gives_a_taken_spot_its_whole_grace},
      {"does not let itself be disarmed", 6, deaf_to<guard::DisarmAsked>},
      {"ends when nobody waits", 3, ends_when_nobody_waits},
      {"ends for a sudden reboot", 3, ends_for_a_reboot<Stage::arming, Stage::running>},
      {"ends for an orderly reboot", 3, ends_for_a_reboot<Stage::done, Stage::done>},
      {"ends for a reboot on the way down", 3, ends_for_a_reboot<Stage::draining, Stage::saving>},
      {"never ends without who waits", 1, never_ends_without_who_waits},
      {"gives grace to nobody", 8, gives_grace_to_nobody},
      {"keeps the code of an earlier boot", 5, keeps_the_code_of_an_earlier_boot},
      {"calls an idle machine a limit", 5, calls_an_idle_machine_a_limit},
      {"calls cost time", 15, calls_cost_time},
      {"does not hear what a limit stands for", 15, does_not_hear_what_a_limit_stands_for},
      {"blames the last cause", 15, blames_the_last_cause},
      {"takes its time with an unfinished launch", 15, takes_its_time_with_an_unfinished_launch},
      {"forgets that a GPU was busy", 15, deaf_to<guard::GpuBusy>},
  };
}

}  // namespace curfew::sim
