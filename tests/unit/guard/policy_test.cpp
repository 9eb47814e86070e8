// The policy, one event at a time: what it does in each stage, and where it goes.
#include "guard/policy.hpp"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "unit/guard/policy_guard.hpp"

namespace curfew::guard {
namespace {

TEST(Policy, an_ordinary_life) {
  Guard guard;
  EXPECT_EQ(guard.takes(JobStarted{}), "");
  EXPECT_EQ(guard.ticks_at(600s), "");
  EXPECT_EQ(guard.takes(JobEnded{{JobResult::How::exited, 0}}), "signal 15");
  EXPECT_EQ(guard.takes(TreeGone{}), "save 15m");
  EXPECT_EQ(guard.takes(SaveEnded{true}), "publish 0, l0 2m, shutdown_command");
  EXPECT_EQ(guard.takes(RungEnded{Rung::shutdown_command, true}), "");
  EXPECT_EQ(guard.takes(MachineGoingDown{}), "leave");
  EXPECT_EQ(guard.state.stage, Stage::done);
  EXPECT_EQ(guard.state.cause, Cause::job_ended);
}

// What each event does in each stage: the actions, and the stage after it. All at the moment the stage was entered.
TEST(Policy, every_event_in_every_stage) {
  const std::string save = "save 6m10s";  // entered at 70 s, for 300 s
  const std::string end = "publish 137, l0 2m, shutdown_command";
  const JobEnded ended{{JobResult::How::exited, 0}};
  struct Case {
    Stage stage;
    const char* name;
    Event event;
    std::string actions;
    Stage next;
  };
  using enum Stage;
  const std::vector<Case> cases{
      {arming, "started", JobStarted{}, "", running},
      {arming, "not started", JobNotStarted{127}, "publish 127, l0 2m, shutdown_command", ending},
      {arming, "ended", ended, "signal 15", draining},
      {arming, "lost", JobLost{}, "kill", killing},
      {arming, "tree gone", TreeGone{}, "", arming},
      {arming, "tick", Tick{}, "", arming},
      {arming, "stop", StopAsked{2, false}, "signal 2", draining},
      {arming, "stop at once", StopAsked{15, true}, "kill", killing},
      {arming, "going down", MachineGoingDown{}, "signal 15", draining},
      {arming, "save ended", SaveEnded{true}, "", arming},
      {arming, "rung ended", RungEnded{Rung::shutdown_command, false}, "", arming},
      {arming, "resumed", Resumed{true}, "", arming},
      {arming, "rebooted", Resumed{false}, "save 5m", saving},

      {running, "started", JobStarted{}, "", running},
      {running, "not started", JobNotStarted{127}, "", running},
      {running, "ended", ended, "signal 15", draining},
      {running, "lost", JobLost{}, "kill", killing},
      {running, "tree gone", TreeGone{}, "", running},
      {running, "tick", Tick{}, "", running},
      {running, "stop", StopAsked{2, false}, "signal 2", draining},
      {running, "stop at once", StopAsked{15, true}, "kill", killing},
      {running, "going down", MachineGoingDown{}, "signal 15", draining},
      {running, "save ended", SaveEnded{true}, "", running},
      {running, "rung ended", RungEnded{Rung::shutdown_command, false}, "", running},
      {running, "resumed", Resumed{true}, "", running},
      {running, "rebooted", Resumed{false}, "save 5m", saving},

      {draining, "started", JobStarted{}, "signal 2", draining},
      {draining, "not started", JobNotStarted{127}, "publish 127, l0 2m, shutdown_command", ending},
      {draining, "ended", ended, "signal 15", draining},  // it was asked with SIGINT
      {draining, "lost", JobLost{}, "", draining},
      {draining, "tree gone", TreeGone{}, "", draining},  // the command's own end has still to be heard of
      {draining, "tick", Tick{}, "", draining},
      {draining, "stop", StopAsked{15, false}, "", draining},
      {draining, "stop at once", StopAsked{15, true}, "kill", killing},
      {draining, "going down", MachineGoingDown{}, "", draining},
      {draining, "save ended", SaveEnded{true}, "", draining},
      {draining, "rung ended", RungEnded{Rung::shutdown_command, false}, "", draining},
      {draining, "resumed", Resumed{true}, "signal 2", draining},
      {draining, "rebooted", Resumed{false}, "save 5m10s", saving},

      {killing, "started", JobStarted{}, "kill", killing},
      {killing, "not started", JobNotStarted{127}, "publish 127, l0 2m, shutdown_command", ending},
      {killing, "ended", ended, "", killing},
      {killing, "lost", JobLost{}, "", killing},
      {killing, "tree gone", TreeGone{}, save, saving},
      {killing, "tick", Tick{}, "kill", killing},
      {killing, "stop", StopAsked{15, false}, "", killing},
      {killing, "stop at once", StopAsked{15, true}, "", killing},
      {killing, "going down", MachineGoingDown{}, "", killing},
      {killing, "save ended", SaveEnded{true}, "", killing},
      {killing, "rung ended", RungEnded{Rung::shutdown_command, false}, "", killing},
      {killing, "resumed", Resumed{true}, "kill", killing},
      {killing, "rebooted", Resumed{false}, save, saving},

      {saving, "started", JobStarted{}, "", saving},
      {saving, "not started", JobNotStarted{127}, "", saving},
      {saving, "ended", ended, "", saving},
      {saving, "lost", JobLost{}, "", saving},
      {saving, "tree gone", TreeGone{}, "", saving},
      {saving, "tick", Tick{}, "", saving},
      {saving, "stop", StopAsked{15, false}, "", saving},
      {saving, "stop at once", StopAsked{15, true}, "", saving},
      {saving, "going down", MachineGoingDown{}, "", saving},
      {saving, "saved", SaveEnded{true}, end, ending},
      {saving, "not saved", SaveEnded{false}, end, ending},
      {saving, "rung ended", RungEnded{Rung::shutdown_command, false}, "", saving},
      {saving, "resumed", Resumed{true}, save, saving},
      {saving, "rebooted", Resumed{false}, save, saving},

      {ending, "started", JobStarted{}, "", ending},
      {ending, "not started", JobNotStarted{127}, "", ending},
      {ending, "ended", ended, "", ending},
      {ending, "lost", JobLost{}, "", ending},
      {ending, "tree gone", TreeGone{}, "", ending},
      {ending, "tick", Tick{}, "", ending},
      {ending, "stop at once", StopAsked{15, true}, "", ending},
      {ending, "going down", MachineGoingDown{}, "leave", done},
      {ending, "save ended", SaveEnded{true}, "", ending},
      {ending, "rung accepted", RungEnded{Rung::shutdown_command, true}, "", ending},
      {ending, "rung refused", RungEnded{Rung::shutdown_command, false}, "instance_api", ending},
      {ending, "another rung refused", RungEnded{Rung::sysrq, false}, "", ending},
      {ending, "resumed", Resumed{true}, "publish 137, l0 2m, shutdown_command", ending},
      {ending, "rebooted", Resumed{false}, "publish 137, l0 2m, shutdown_command", ending},

      {done, "started", JobStarted{}, "", done},
      {done, "not started", JobNotStarted{127}, "", done},
      {done, "ended", ended, "", done},
      {done, "lost", JobLost{}, "", done},
      {done, "tree gone", TreeGone{}, "", done},
      {done, "tick", Tick{}, "", done},
      {done, "stop at once", StopAsked{15, true}, "", done},
      {done, "going down", MachineGoingDown{}, "", done},
      {done, "save ended", SaveEnded{true}, "", done},
      {done, "rung ended", RungEnded{Rung::shutdown_command, false}, "", done},
      {done, "resumed", Resumed{true}, "publish 137, leave", done},
      {done, "rebooted", Resumed{false}, "publish 137, l0 2m, shutdown_command", ending},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(std::string(name_of(test.stage)) + ": " + test.name);
    Guard guard;
    guard.in(test.stage);
    ASSERT_EQ(guard.state.stage, test.stage);
    EXPECT_EQ(guard.takes(test.event), test.actions);
    EXPECT_EQ(name_of(guard.state.stage), name_of(test.next));
  }
}

TEST(Policy, the_clock_moves_each_stage_on) {
  struct Case {
    Stage stage;
    Seconds before, at;
    const char* still;
    const char* then;
    Stage next;
  };
  using enum Stage;
  for (const auto& test : std::vector<Case>{
           {arming, 3599s, 3600s, "", "signal 15", draining},
           {running, 3599s, 3600s, "", "signal 15", draining},
           {draining, 69s, 70s, "", "kill", killing},
           {killing, 74s, 75s, "kill", "save 6m15s", saving},
           {saving, 369s, 370s, "", "cancel save, publish 137, l0 2m, shutdown_command", ending},
           {ending, 99s, 100s, "", "instance_api", ending},
       }) {
    SCOPED_TRACE(name_of(test.stage));
    Guard guard;
    guard.in(test.stage);
    EXPECT_EQ(guard.ticks_at(test.before), test.still);
    EXPECT_EQ(next_bound(guard.state, guard.rules), k_start_boot + test.at);
    EXPECT_EQ(guard.ticks_at(test.at), test.then);
    EXPECT_EQ(name_of(guard.state.stage), name_of(test.next));
  }
}

TEST(Policy, time_limit_counts_on_the_boot_clock_alone) {
  Guard guard;
  guard.in(Stage::running);
  guard.now.wall += 24h * 365;
  EXPECT_EQ(guard.takes(Tick{}), "");
  guard.now.wall -= 24h * 365 * 30;
  guard.now.boot += 1h;
  EXPECT_EQ(guard.takes(Tick{}), "signal 15");
  EXPECT_EQ(guard.state.cause, Cause::time_limit);
  EXPECT_NE(guard.notes.find("time limit reached after 1h"), std::string::npos) << guard.notes;
  EXPECT_NE(guard.notes.find("SIGTERM, 1m until SIGKILL"), std::string::npos) << guard.notes;
}

TEST(Policy, a_save_after_the_time_limit_has_its_full_length) {
  Guard guard;
  guard.in(Stage::running);
  guard.ticks_at(3600s);
  guard.ticks_at(3660s);                            // SIGKILL
  EXPECT_EQ(guard.ticks_at(3665s), "save 1h6m5s");  // stuck; end_at is 1h6m, and k_kill_limit on top
  EXPECT_EQ(guard.ticks_at(3965s), "cancel save, publish 124, l0 2m, shutdown_command");
}

TEST(Policy, past_the_backstop_nothing_is_waited_for) {
  using enum Stage;
  const Seconds backstop = 3960s + std::chrono::duration_cast<Seconds>(k_backstop);
  for (const auto& [stage, actions] :
       std::map<Stage, std::string>{{arming, "kill, publish 124, l0 2m, shutdown_command"},
                                    {running, "kill, publish 124, l0 2m, shutdown_command"},
                                    {draining, "kill, publish 125, l0 2m, shutdown_command"},
                                    {killing, "kill, publish 125, l0 2m, shutdown_command"},
                                    {saving, "cancel save, publish 137, l0 2m, shutdown_command"}}) {
    SCOPED_TRACE(name_of(stage));
    Guard guard;
    guard.in(stage);
    EXPECT_EQ(guard.ticks_at(backstop), actions);
    EXPECT_EQ(guard.state.stage, ending);
    EXPECT_EQ(guard.state.all_saved, false);
  }
}

TEST(Policy, without_a_limit_only_the_job_decides) {
  Guard guard;
  guard.rules.limits.max_time = {};
  guard.set_times();
  guard.in(Stage::running);
  EXPECT_EQ(guard.ticks_at(24h * 3650), "");
  EXPECT_EQ(next_bound(guard.state, guard.rules), std::nullopt);
  guard.takes(JobEnded{{JobResult::How::exited, 0}});
  EXPECT_EQ(guard.takes(TreeGone{}), "save 87600h5m");
}

TEST(Policy, the_ladder_goes_round_for_ever_and_never_puts_l0_off) {
  Guard guard;
  guard.in(Stage::ending);  // at 70 s; L0 fires at 190 s
  const auto refused = [&](Rung rung) { return guard.takes(RungEnded{rung, false}); };
  EXPECT_EQ(refused(Rung::shutdown_command), "instance_api");
  EXPECT_EQ(refused(Rung::instance_api), "");
  EXPECT_NE(guard.notes.find("THE MACHINE STILL RUNS"), std::string::npos);
  EXPECT_EQ(refused(Rung::shutdown_command), "");  // nothing to refuse in a pause
  EXPECT_EQ(guard.ticks_at(99s), "");
  EXPECT_EQ(guard.ticks_at(100s), "l0 1m30s, shutdown_command");
  EXPECT_EQ(guard.ticks_at(130s), "instance_api");
  EXPECT_EQ(guard.ticks_at(160s), "");                         // pause of 60 s
  EXPECT_EQ(guard.ticks_at(220s), "l0 2m, shutdown_command");  // L0 has fired in vain: set again
  Seconds at = 220s;
  std::vector<Seconds> pauses;
  for (int round = 0; round < 5; ++round) {
    refused(Rung::shutdown_command);
    refused(Rung::instance_api);
    const auto pause = std::chrono::duration_cast<Seconds>(guard.state.stage_until - guard.now.boot);
    pauses.push_back(pause);
    at += pause;
    EXPECT_NE(guard.ticks_at(at), "");
  }
  EXPECT_EQ(pauses, (std::vector<Seconds>{120s, 240s, 300s, 300s, 300s}));
}

TEST(Policy, an_empty_ladder_only_pauses) {
  Guard guard;
  guard.state.plan.ladder.clear();
  guard.in(Stage::ending);
  EXPECT_TRUE(guard.state.pausing);
  EXPECT_EQ(guard.takes(RungEnded{Rung::sysrq, false}), "");
  EXPECT_EQ(guard.ticks_at(100s), "l0 1m30s");
}

TEST(Policy, marks_before_the_first_rung_where_a_stopped_machine_may_boot_again) {
  Guard guard;
  guard.state.plan.marks_ended = true;
  guard.in(Stage::saving);
  EXPECT_EQ(guard.takes(SaveEnded{true}), "publish 137, mark, l0 2m, shutdown_command");
  EXPECT_EQ(guard.takes(Resumed{true}), "publish 137, mark, l0 2m, shutdown_command");
}

TEST(Policy, ends_nothing_where_nothing_is_to_be_ended) {
  Guard none;
  none.state.plan = {};
  none.in(Stage::saving);
  EXPECT_EQ(none.takes(SaveEnded{true}), "publish 137, disarm, leave");
  EXPECT_EQ(none.takes(Resumed{true}), "publish 137, disarm, leave");
  EXPECT_EQ(none.takes(Resumed{false}), "publish 137, disarm, leave");

  Guard dry;
  dry.rules.dry_run = true;
  dry.in(Stage::saving);
  EXPECT_EQ(dry.takes(SaveEnded{true}), "publish 137, disarm, leave");
  EXPECT_NE(dry.notes.find("would now terminate the machine by 'shutdown_command' 'instance_api'"),
            std::string::npos);
}

TEST(Policy, a_typing_error_at_a_terminal_ends_nothing) {
  for (const auto& [code, on_terminal, actions] : std::vector<std::tuple<int, bool, const char*>>{
           {127, true, "publish 127, disarm, leave"},
           {126, true, "publish 126, disarm, leave"},
           {125, true, "publish 125, l0 2m, shutdown_command"},
           {127, false, "publish 127, l0 2m, shutdown_command"},
           {126, false, "publish 126, l0 2m, shutdown_command"}}) {
    Guard guard;
    guard.rules.on_terminal = on_terminal;
    EXPECT_EQ(guard.takes(JobNotStarted{code}), actions) << code << on_terminal;
    EXPECT_EQ(guard.state.cause, Cause::job_not_started);
  }
}

TEST(Policy, a_machine_going_down_drains_and_saves_but_climbs_nothing) {
  Guard guard;
  guard.in(Stage::running);
  EXPECT_EQ(guard.takes(MachineGoingDown{}), "signal 15");
  EXPECT_EQ(guard.takes(MachineGoingDown{}), "");
  guard.takes(JobEnded{{JobResult::How::exited, 0}});
  EXPECT_EQ(guard.takes(TreeGone{}), "save 5m");
  EXPECT_EQ(guard.takes(SaveEnded{true}), "publish 0, leave");  // L0 stays armed
  EXPECT_EQ(guard.state.cause, Cause::machine_going_down);
  EXPECT_EQ(guard.takes(Resumed{false}), "publish 0, l0 2m, shutdown_command");  // it came back
}

TEST(Policy, nothing_to_save_goes_straight_to_the_ending) {
  Guard guard;
  guard.rules.has_saves = false;
  guard.in(Stage::running);
  guard.takes(JobEnded{{JobResult::How::exited, 3}});
  EXPECT_EQ(guard.takes(TreeGone{}), "publish 3, l0 2m, shutdown_command");
  EXPECT_EQ(guard.state.all_saved, std::nullopt);
}

TEST(Policy, a_job_lost_while_draining_waits_for_its_tree) {
  Guard guard;
  guard.in(Stage::draining);
  guard.takes(JobLost{});
  EXPECT_EQ(guard.takes(TreeGone{}), "save 5m10s");
  guard.takes(JobEnded{{JobResult::How::exited, 0}});  // its exit.json was found after all
  EXPECT_EQ(guard.takes(SaveEnded{true}), "publish 0, l0 2m, shutdown_command");
}

TEST(Policy, order_of_the_end_and_the_tree_does_not_matter) {
  Guard guard;
  guard.in(Stage::running);
  guard.takes(TreeGone{});
  EXPECT_EQ(guard.takes(JobEnded{{JobResult::How::exited, 0}}), "save 5m");
}

TEST(Policy, times_and_plan_may_change_while_the_job_runs) {
  Guard guard;
  guard.in(Stage::running);
  auto times = job::brought_forward(guard.state.times, guard.rules.limits, k_start_wall + 1000s, guard.now);
  guard.takes(TimesMoved{times});
  EXPECT_EQ(next_bound(guard.state, guard.rules), k_start_boot + 40s) << "the warning of it";
  EXPECT_EQ(guard.ticks_at(40s), "");
  EXPECT_EQ(next_bound(guard.state, guard.rules), k_start_boot + 640s);
  EXPECT_EQ(guard.ticks_at(640s), "signal 15");
  guard.takes(PlanKnown{{Ending::stop, {Rung::sysrq}, true}});
  guard.takes(JobEnded{{JobResult::How::exited, 0}});
  guard.takes(TreeGone{});
  EXPECT_EQ(guard.takes(SaveEnded{true}), "publish 124, mark, l0 2m, sysrq");
  guard.takes(PlanKnown{{Ending::none, {}, false}});
  EXPECT_EQ(guard.state.plan.ending, Ending::stop);
}

TEST(Policy, after_a_reboot_the_save_starts_anew_within_what_is_left) {
  Guard guard;
  guard.in(Stage::saving);
  guard.now = {k_start_wall + 3900s, BootTime{20s}, "boot-2"};
  guard.state.times = job::rebased(guard.state.times, guard.now, {});
  guard.takes(Resumed{false});
  EXPECT_EQ(guard.state.stage, Stage::saving);
  EXPECT_EQ(guard.state.stage_until, BootTime{20s + 65s});  // 60 s to end_at, and k_kill_limit
  guard.now = {k_start_wall + 7000s, BootTime{30s}, "boot-3"};
  guard.state.times = job::rebased(guard.state.times, guard.now, {});
  EXPECT_EQ(guard.takes(Resumed{false}), "cancel save, publish 137, l0 2m, shutdown_command");
}

TEST(Policy, exit_codes) {
  using How = JobResult::How;
  struct Case {
    Cause cause;
    std::optional<JobResult> result;
    std::optional<int> start_failure;
    std::optional<bool> all_saved;
    int code;
  };
  for (const auto& test :
       std::vector<Case>{{Cause::job_ended, JobResult{How::exited, 0}, {}, true, 0},
                         {Cause::job_ended, JobResult{How::exited, 0}, {}, {}, 0},
                         {Cause::job_ended, JobResult{How::exited, 0}, {}, false, 125},
                         {Cause::job_ended, JobResult{How::exited, 7}, {}, false, 7},
                         {Cause::job_ended, JobResult{How::signalled, 11}, {}, true, 139},
                         {Cause::job_ended, JobResult{How::unknown, 0}, {}, true, 125},
                         {Cause::job_lost, JobResult{How::unknown, 0}, {}, true, 125},
                         {Cause::time_limit, JobResult{How::exited, 0}, {}, true, 124},
                         {Cause::time_limit, JobResult{How::exited, 3}, {}, false, 124},
                         {Cause::time_limit, {}, {}, false, 124},
                         {Cause::stop_asked, JobResult{How::exited, 0}, {}, true, 0},
                         {Cause::stop_asked, JobResult{How::signalled, 15}, {}, true, 143},
                         {Cause::machine_going_down, JobResult{How::exited, 2}, {}, true, 2},
                         {Cause::rebooted, JobResult{How::unknown, 0}, {}, true, 125},
                         {Cause::rebooted, {}, {}, true, 125},
                         {Cause::job_not_started, {}, 127, {}, 127},
                         {Cause::job_not_started, {}, 126, {}, 126}}) {
    State state;
    state.cause = test.cause;
    state.result = test.result;
    state.start_failure = test.start_failure;
    state.all_saved = test.all_saved;
    EXPECT_EQ(exit_code(state, {}), test.code) << name_of(test.cause);
  }
}

}  // namespace
}  // namespace curfew::guard
