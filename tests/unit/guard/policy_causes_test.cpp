// The causes that come from outside the job, and the stages that only some ends pass through.
#include <gtest/gtest.h>

#include "guard/policy.hpp"
#include "unit/guard/policy_guard.hpp"

namespace curfew::guard {
namespace {

const JobEnded k_success{{JobResult::How::exited, 0}};
const JobEnded k_failure{{JobResult::How::exited, 3}};
const std::string k_end = "l0 2m, shutdown_command";

TEST(PolicyCauses, what_a_probe_finds_ends_the_job_and_decides_the_code) {
  struct Case {
    Cause cause;
    bool no_command;
    bool all_saved;
    int code;
  };
  for (const auto& c : {Case{Cause::idle, false, true, 124}, Case{Cause::idle, true, true, 0},
                        Case{Cause::idle, true, false, 125}, Case{Cause::gpu_unused, false, true, 124},
                        Case{Cause::stalled, false, false, 124}, Case{Cause::work_done, false, true, 0},
                        Case{Cause::work_done, false, false, 125}}) {
    Guard guard;
    guard.rules.no_command = c.no_command;
    guard.in(Stage::running);
    EXPECT_EQ(guard.takes(ReasonFound{c.cause, "why it ends"}), "signal 15");
    EXPECT_NE(guard.notes.find("why it ends"), std::string::npos);
    EXPECT_EQ(guard.takes(ReasonFound{Cause::stalled, "another"}), "") << "the first cause stays";
    guard.takes(JobEnded{{JobResult::How::signalled, 15}});
    guard.takes(TreeGone{});
    EXPECT_EQ(guard.takes(SaveEnded{c.all_saved}), "publish " + std::to_string(c.code) + ", " + k_end)
        << name_of(c.cause);
    EXPECT_EQ(guard.state.cause, c.cause);
    EXPECT_NE(guard.announced.find("why it ends"), std::string::npos);
  }
}

TEST(PolicyCauses, a_launch_that_was_never_finished_ends_within_a_minute) {
  Guard guard;
  guard.rules.has_before_end = true;
  guard.rules.limits.before_end = 120s;
  guard.in(Stage::running);
  guard.set_clock(300s);
  EXPECT_EQ(guard.takes(ReasonFound{Cause::launch_unfinished, "no schedule"}), "signal 15");
  // 50 s, shared out: a third to the job's own ending, a sixth of what is left to --before-end, the rest to the save.
  EXPECT_EQ(guard.ticks_at(316s), "");
  EXPECT_EQ(guard.ticks_at(317s), "kill");
  EXPECT_EQ(guard.takes(JobEnded{{JobResult::How::signalled, 9}}), "");
  EXPECT_EQ(guard.takes(TreeGone{}), "before-end 5m22s");
  EXPECT_EQ(guard.takes(BeforeEndEnded{true}), "save 5m50s");
  EXPECT_EQ(guard.takes(SpotInterruption{k_start_boot + 420s}), "") << "EC2 would come later";
  EXPECT_EQ(guard.ticks_at(350s), "cancel save, publish 125, " + k_end);
  EXPECT_EQ(guard.state.cause, Cause::launch_unfinished);
  EXPECT_NE(guard.announced.find("no schedule"), std::string::npos);
}

TEST(PolicyCauses, a_probe_is_not_heard_once_the_job_is_ending) {
  for (const auto stage : {Stage::draining, Stage::killing, Stage::saving, Stage::ending}) {
    Guard guard;
    guard.in(stage);
    EXPECT_EQ(guard.takes(ReasonFound{Cause::idle, "idle"}), "");
    EXPECT_EQ(guard.state.cause, Cause::stop_asked);
  }
}

TEST(PolicyCauses, a_machine_is_guarded_without_the_process_that_waits_in_place_of_a_command) {
  struct Case {
    const char* name;
    std::vector<Event> events;
  };
  const Case cases[] = {{"not started", {JobNotStarted{127}}},
                        {"killed", {JobStarted{}, JobEnded{{JobResult::How::signalled, 9}}, TreeGone{}}},
                        {"its parent died", {JobStarted{}, JobLost{}, TreeGone{}}},
                        {"its parent died before it was there", {JobLost{}, TreeGone{}}},
                        {"a reboot", {JobStarted{}, Resumed{false}}},
                        {"a reboot before it was there", {Resumed{false}}}};
  for (const auto& c : cases) {
    Guard guard;
    guard.rules.no_command = guard.rules.guards_machine = true;
    for (const auto& event : c.events) EXPECT_EQ(guard.takes(event), "") << c.name;
    EXPECT_EQ(guard.state.stage, Stage::running) << c.name;
    EXPECT_EQ(guard.ticks_at(1000s), "") << c.name;
    EXPECT_EQ(guard.takes(ReasonFound{Cause::idle, "idle"}), "signal 15, save 21m40s") << c.name;
    EXPECT_EQ(guard.takes(SaveEnded{true}), "publish 0, " + k_end) << c.name;
  }
  // Told to end before it was there.
  Guard guard;
  guard.rules.no_command = guard.rules.guards_machine = true;
  guard.takes(StopAsked{15, false});
  EXPECT_EQ(guard.takes(JobNotStarted{127}), "save 5m");
  // A process that runs already is another matter: it has ended.
  Guard watching;
  watching.rules.no_command = true;
  watching.takes(JobStarted{});
  EXPECT_EQ(watching.takes(JobEnded{{JobResult::How::exited, 0}}), "signal 15");
}

TEST(PolicyCauses, a_reboot_on_the_way_to_no_end_is_none_of_a_machine_guarded_without_a_command) {
  struct Case {
    const char* name;
    std::vector<Event> events;
  };
  const JobEnded by_signal{{JobResult::How::exited, 143}};
  const Case ways_down[] = {
      {"at once", {}},
      {"while it waits for the process", {MachineGoingDown{}}},
      {"while it kills the process", {MachineGoingDown{}, StopAsked{15, true}}},
      {"while it saves", {MachineGoingDown{}, by_signal, TreeGone{}}},
      {"once all is saved", {MachineGoingDown{}, by_signal, TreeGone{}, SaveEnded{true}}}};
  for (const auto& c : ways_down) {
    Guard guard;
    guard.rules.no_command = guard.rules.guards_machine = true;
    guard.in(Stage::running);
    for (const auto& event : c.events) guard.takes(event);
    EXPECT_EQ(guard.takes(Resumed{false}), "") << c.name;
    EXPECT_EQ(guard.state.stage, Stage::running) << c.name;
    EXPECT_EQ(guard.state.cause, Cause::none) << c.name;
    // What came since is saved, and the code is of what comes now.
    EXPECT_EQ(guard.ticks_at(3600s), "signal 15, save 1h5m") << c.name;
    EXPECT_EQ(guard.takes(SaveEnded{true}), "publish 124, " + k_end) << c.name;
  }
  const Case reasons[] = {
      {"idle", {ReasonFound{Cause::idle, "idle"}, MachineGoingDown{}}},
      {"asked", {StopAsked{15, false}, MachineGoingDown{}}},
      {"a spot interruption", {SpotInterruption{k_start_boot + 120s}, MachineGoingDown{}}}};
  for (const auto& c : reasons) {
    Guard guard;
    guard.rules.no_command = guard.rules.guards_machine = true;
    guard.in(Stage::running);
    for (const auto& event : c.events) guard.takes(event);
    EXPECT_EQ(guard.takes(Resumed{false}), "save 5m") << c.name;
  }
  // As a rule no guard comes any more where nothing is to end, for its layers were given back; one may have died first.
  Guard dry;
  dry.rules.no_command = dry.rules.guards_machine = dry.rules.dry_run = true;
  dry.in(Stage::running);
  for (const auto& event : ways_down[4].events) dry.takes(event);
  EXPECT_EQ(dry.takes(Resumed{false}), "");
  EXPECT_EQ(dry.state.stage, Stage::running);
}

TEST(PolicyCauses, a_cost_limit_is_a_stop_at_with_another_name) {
  Guard guard;
  guard.in(Stage::running);
  auto times = job::brought_forward(guard.state.times, guard.rules.limits, k_start_wall + 1000s, guard.now);
  EXPECT_EQ(guard.takes(TimesMoved{times, Cause::cost_limit}), "");
  EXPECT_EQ(guard.ticks_at(1000s - 360s - 1s), "");
  EXPECT_EQ(guard.ticks_at(1000s - 360s), "signal 15");
  EXPECT_EQ(guard.state.cause, Cause::cost_limit);
  EXPECT_NE(guard.notes.find("cost limit"), std::string::npos);
  EXPECT_EQ(exit_code(guard.state, guard.rules), 124);
}

TEST(PolicyCauses, a_spot_interruption_shares_out_what_is_left) {
  Guard guard;
  guard.in(Stage::running);
  guard.set_clock(100s);
  // 120 s less the reserve of 5: a third is grace.
  EXPECT_EQ(guard.takes(SpotInterruption{k_start_boot + 220s}), "signal 15");
  EXPECT_NE(guard.announced.find("2m"), std::string::npos);
  EXPECT_EQ(guard.ticks_at(138s), "");
  EXPECT_EQ(guard.ticks_at(139s), "kill");
  guard.takes(JobEnded{{JobResult::How::signalled, 9}});
  EXPECT_EQ(guard.takes(TreeGone{}), "save 3m35s") << "five seconds before it's taken away";
  EXPECT_EQ(guard.takes(SaveEnded{true}), "publish 75, " + k_end);
  EXPECT_EQ(guard.state.cause, Cause::spot_interruption);
}

TEST(PolicyCauses, a_spot_interruption_cuts_what_is_under_way) {
  Guard draining;
  draining.in(Stage::draining);
  EXPECT_EQ(draining.takes(SpotInterruption{k_start_boot + 10s + 35s}), "");
  EXPECT_EQ(draining.ticks_at(19s), "");
  EXPECT_EQ(draining.ticks_at(20s), "kill");
  EXPECT_EQ(draining.state.cause, Cause::stop_asked);

  Guard saving;
  saving.in(Stage::saving);
  EXPECT_EQ(saving.takes(SpotInterruption{k_start_boot + 100s}), "");
  EXPECT_EQ(saving.ticks_at(94s), "");
  EXPECT_EQ(saving.ticks_at(95s), "cancel save, publish 137, " + k_end);
}

TEST(PolicyCauses, a_spot_interruption_without_saves_leaves_the_job_nearly_all) {
  Guard guard;
  guard.rules.has_saves = false;
  guard.rules.limits.save = 0s;
  guard.rules.limits.grace = 200s;
  guard.in(Stage::running);
  guard.takes(SpotInterruption{k_start_boot + 120s});
  EXPECT_EQ(guard.ticks_at(114s), "");
  EXPECT_EQ(guard.ticks_at(115s), "kill");
}

TEST(PolicyCauses, the_command_before_the_end_runs_between_the_job_and_the_save) {
  Guard guard;
  guard.rules.has_before_end = true;
  guard.rules.limits.before_end = 120s;
  guard.set_times();
  guard.in(Stage::running);
  guard.set_clock(10s);
  guard.takes(k_success);
  EXPECT_EQ(guard.takes(TreeGone{}), "before-end 2m10s");
  EXPECT_EQ(guard.takes(BeforeEndEnded{true}), "save 5m10s");
  EXPECT_EQ(guard.takes(SaveEnded{true}), "publish 0, " + k_end);
}

TEST(PolicyCauses, the_command_before_the_end_is_bounded_and_never_run_twice) {
  Guard guard;
  guard.rules.has_before_end = true;
  guard.rules.limits.before_end = 120s;
  guard.set_times();
  guard.in(Stage::running);
  guard.takes(k_success);
  guard.takes(TreeGone{});
  Guard other = guard;
  EXPECT_EQ(guard.ticks_at(119s), "");
  EXPECT_EQ(guard.ticks_at(120s), "cancel before-end, save 7m");
  EXPECT_EQ(other.takes(Resumed{true}), "save 5m") << "a new guard can't know how far it got";
}

TEST(PolicyCauses, the_command_before_the_end_is_left_out_where_no_time_is) {
  Guard guard;
  guard.rules.has_before_end = true;
  guard.rules.limits.before_end = 120s;
  guard.set_times();
  guard.in(Stage::running);
  guard.takes(MachineGoingDown{});
  guard.takes(JobEnded{{JobResult::How::signalled, 15}});
  EXPECT_EQ(guard.takes(TreeGone{}), "save 5m");
}

TEST(PolicyCauses, a_failed_command_keeps_the_machine_after_the_save) {
  Guard guard;
  guard.rules.keep_on_failure = 600s;
  guard.in(Stage::running);
  guard.takes(k_failure);
  guard.takes(TreeGone{});
  EXPECT_EQ(guard.takes(SaveEnded{true}), "publish 3");
  EXPECT_EQ(guard.state.stage, Stage::holding);
  Guard asked = guard;
  Guard rebooted = guard;
  Guard taken = guard;
  EXPECT_EQ(guard.ticks_at(599s), "");
  EXPECT_EQ(guard.ticks_at(600s), k_end);
  EXPECT_EQ(asked.takes(StopAsked{15, false}), k_end);
  // A guard can die between deciding and telling.
  EXPECT_EQ(rebooted.takes(Resumed{false}), "publish 3, " + k_end);
  EXPECT_EQ(taken.takes(SpotInterruption{k_start_boot + 120s}), k_end);
}

TEST(PolicyCauses, the_machine_is_kept_no_longer_than_end_at) {
  Guard guard;
  guard.rules.keep_on_failure = 7200s;
  guard.in(Stage::running);
  guard.takes(k_failure);
  guard.takes(TreeGone{});
  guard.takes(SaveEnded{true});
  EXPECT_EQ(guard.ticks_at(3600s + 359s), "");
  EXPECT_EQ(guard.ticks_at(3600s + 360s), k_end);
}

TEST(PolicyCauses, only_a_failure_keeps_the_machine) {
  struct Case {
    const char* name;
    Event event;
    bool held;
  };
  for (const auto& c :
       {Case{"success", k_success, false}, Case{"failure", k_failure, true},
        Case{"crash", JobEnded{{JobResult::How::signalled, 11}}, true}, Case{"lost", JobLost{}, true},
        Case{"asked", StopAsked{2, true}, false}, Case{"stalled", ReasonFound{Cause::stalled, "x"}, false}}) {
    Guard guard;
    guard.rules.keep_on_failure = 600s;
    guard.in(Stage::running);
    guard.takes(c.event);
    guard.takes(k_failure);
    guard.takes(TreeGone{});
    guard.takes(SaveEnded{true});
    EXPECT_EQ(guard.state.stage, c.held ? Stage::holding : Stage::ending) << c.name;
  }
  Guard dry;
  dry.rules.keep_on_failure = 600s;
  dry.rules.dry_run = true;
  dry.in(Stage::running);
  dry.takes(k_failure);
  dry.takes(TreeGone{});
  EXPECT_EQ(dry.takes(SaveEnded{true}), "publish 3, disarm, leave");
}

TEST(PolicyCauses, the_early_signal_comes_once_and_again_after_an_extension) {
  Guard guard;
  guard.rules.early_signal = EarlySignal{10, 600s};
  guard.in(Stage::running);
  EXPECT_EQ(guard.ticks_at(2999s), "");
  EXPECT_EQ(guard.ticks_at(3000s), "signal command 10");
  EXPECT_EQ(guard.ticks_at(3001s), "");
  auto times = guard.state.times;
  for (auto* at : {&*times.stop_at, &*times.end_at}) at->boot += 1000s, at->wall += 1000s;
  guard.takes(TimesMoved{times});
  EXPECT_EQ(guard.ticks_at(3999s), "");
  EXPECT_EQ(guard.ticks_at(4000s), "signal command 10");
}

TEST(PolicyCauses, an_early_signal_is_not_sent_to_a_command_that_has_just_started) {
  Guard guard;
  guard.rules.early_signal = EarlySignal{10, 3600s};
  guard.in(Stage::running);
  EXPECT_EQ(guard.ticks_at(1s), "");
  EXPECT_EQ(guard.ticks_at(3599s), "");
  EXPECT_EQ(guard.ticks_at(3600s), "signal 15");
}

TEST(PolicyCauses, a_command_that_cannot_be_started_keeps_the_machine_too) {
  Guard guard;
  guard.rules.keep_on_failure = 600s;
  EXPECT_EQ(guard.takes(JobNotStarted{127}), "publish 127");
  EXPECT_EQ(guard.state.stage, Stage::holding);
}

TEST(PolicyCauses, a_machine_going_down_waits_for_no_command_before_the_end) {
  Guard guard;
  guard.rules.has_before_end = true;
  guard.rules.limits.before_end = 120s;
  guard.set_times();
  guard.in(Stage::running);
  guard.takes(k_success);
  guard.takes(TreeGone{});
  EXPECT_EQ(guard.takes(MachineGoingDown{}), "cancel before-end, save 5m");
}

TEST(PolicyCauses, a_notice_of_an_earlier_boot_cuts_nothing) {
  Guard guard;
  guard.in(Stage::running);
  guard.takes(SpotInterruption{k_start_boot - 50s});
  EXPECT_EQ(guard.takes(Resumed{false}), "save 5m");
  EXPECT_FALSE(guard.state.taken_at);
}

TEST(PolicyCauses, the_stop_is_announced_ten_minutes_ahead) {
  Guard guard;
  guard.in(Stage::running);
  guard.ticks_at(2999s);
  EXPECT_EQ(guard.announced, "");
  guard.ticks_at(3000s);
  EXPECT_NE(guard.announced.find("10m"), std::string::npos);
  guard.ticks_at(3001s);
  EXPECT_EQ(guard.announced, "");

  Guard brief;
  brief.rules.limits.max_time = 600s;
  brief.set_times();
  brief.in(Stage::running);
  brief.ticks_at(1s);
  EXPECT_EQ(brief.announced, "") << "the start has said it already";
}

TEST(PolicyCauses, the_next_bound_is_the_first_of_all) {
  Guard guard;
  guard.rules.early_signal = EarlySignal{10, 1800s};
  guard.in(Stage::running);
  EXPECT_EQ(next_bound(guard.state, guard.rules), k_start_boot + 1800s);
  guard.ticks_at(1800s);
  EXPECT_EQ(next_bound(guard.state, guard.rules), k_start_boot + 3000s);
  guard.ticks_at(3000s);
  EXPECT_EQ(next_bound(guard.state, guard.rules), k_start_boot + 3600s);
}

TEST(PolicyCauses, disarmed_by_hand_nothing_ends_but_what_was_made_is_saved) {
  Guard guard;
  guard.in(Stage::running);
  EXPECT_EQ(guard.takes(DisarmAsked{}), "disarm");
  EXPECT_NE(guard.notes.find("NOTHING ENDS THIS MACHINE"), std::string::npos);
  EXPECT_NE(guard.announced.find("DISARMED"), std::string::npos);
  EXPECT_EQ(guard.takes(PlanKnown{{Ending::terminate, k_two_rungs, false}}), "");
  EXPECT_EQ(guard.takes(TimesMoved{job::times_from(guard.rules.limits, guard.now)}), "");
  EXPECT_EQ(guard.ticks_at(100'000s), "");
  EXPECT_EQ(guard.takes(DisarmAsked{}), "disarm") << "it may have failed the first time";
  guard.takes(k_success);
  guard.takes(TreeGone{});
  EXPECT_EQ(guard.takes(SaveEnded{true}), "publish 0, disarm, leave");
}

TEST(PolicyCauses, it_is_too_late_to_disarm_once_the_machine_ends) {
  Guard guard;
  guard.in(Stage::ending);
  EXPECT_EQ(guard.takes(DisarmAsked{}), "");
  EXPECT_EQ(guard.state.plan.ending, Ending::terminate);
}

TEST(PolicyCauses, what_a_gpu_did_outlives_the_guard) {
  Guard guard;
  guard.in(Stage::running);
  EXPECT_EQ(guard.takes(GpuBusy{}), "");
  EXPECT_TRUE(guard.state.gpu_was_busy);
}

}  // namespace
}  // namespace curfew::guard
