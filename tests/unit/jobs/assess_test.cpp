#include "jobs/assess.hpp"

#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "unit/jobs/seen_fixture.hpp"

namespace curfew::jobs {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using enum aws::InstanceState;

struct Case {
  const char* what;
  std::function<void(Seen&)> change;
  JobState state;
};

void set_phase(Seen& seen, Phase phase) { seen.status->phase = phase; }
void set_machine(Seen& seen, aws::InstanceState state, const char* reason = "") {
  seen.machines = {machine_in(state)};
  seen.machines[0].reason_code = reason;
}

TEST(Assess, finds_the_word_for_what_is_known) {
  const std::vector<Case> cases{
      {"all is well", [](Seen&) {}, JobState::running},
      {"told to end", [](Seen& s) { set_phase(s, Phase::stopping); }, JobState::stopping},
      {"saving", [](Seen& s) { set_phase(s, Phase::saving); }, JobState::saving},
      {"on its way out", [](Seen& s) { set_phase(s, Phase::ending); }, JobState::ending},
      {"its last word, or what the job wrote in its place", [](Seen& s) { set_phase(s, Phase::ended); },
       JobState::ending},
      {"its last word, and the machine goes",
       [](Seen& s) {
         set_phase(s, Phase::ended);
         set_machine(s, shutting_down);
       },
       JobState::ended},
      {"its last word, and the machine is gone",
       [](Seen& s) {
         set_phase(s, Phase::ended);
         set_machine(s, terminated);
       },
       JobState::ended},
      {"its last word, and the machine runs past its deadline",
       [](Seen& s) {
         set_phase(s, Phase::ended);
         s.machines[0].deadline = k_now - minutes{3};
       },
       JobState::overdue},
      {"its last word is another's hand, which was EC2's",
       [](Seen& s) {
         set_phase(s, Phase::ended);
         s.status->cause = "machine_going_down";
         set_machine(s, terminated, "Server.SpotInstanceTermination");
       },
       JobState::interrupted},
      {"it had ended by itself when EC2 took the machine",
       [](Seen& s) {
         set_phase(s, Phase::ended);
         s.status->cause = "job_ended";
         set_machine(s, terminated, "Server.SpotInstanceTermination");
       },
       JobState::ended},
      {"its last word, and the machine is gone from EC2's lists",
       [](Seen& s) {
         set_phase(s, Phase::ended);
         s.machines.clear();
       },
       JobState::ended},
      {"its last word, and EC2 can't be read",
       [](Seen& s) {
         set_phase(s, Phase::ended);
         s.machines.clear();
         s.machines_problem = "denied";
       },
       JobState::ended},
      {"failed before it could run",
       [](Seen& s) {
         set_phase(s, Phase::failed);
         set_machine(s, terminated);
       },
       JobState::failed},
      {"interrupted, by its own word",
       [](Seen& s) {
         set_phase(s, Phase::ended);
         set_machine(s, shutting_down);
         s.status->interrupted = true;
       },
       JobState::interrupted},
      {"interrupted while saving isn't over yet",
       [](Seen& s) {
         set_phase(s, Phase::saving);
         s.status->interrupted = true;
       },
       JobState::saving},
      {"taken by EC2 before its last word",
       [](Seen& s) { set_machine(s, terminated, "Server.SpotInstanceTermination"); }, JobState::interrupted},
      {"taken by EC2, shown no more, and it knew",
       [](Seen& s) {
         s.status->interrupted = true;
         s.machines.clear();
       },
       JobState::interrupted},
      {"ended by somebody before its last word",
       [](Seen& s) { set_machine(s, terminated, "Client.UserInitiatedShutdown"); }, JobState::lost},
      {"stopped before its last word", [](Seen& s) { set_machine(s, stopped); }, JobState::lost},
      {"gone from EC2's lists before its last word", [](Seen& s) { s.machines.clear(); }, JobState::lost},
      {"going, its last word may come", [](Seen& s) { set_machine(s, shutting_down); }, JobState::ending},
      {"no status yet", [](Seen& s) { s.status.reset(); }, JobState::starting},
      {"no status yet, still pending",
       [](Seen& s) {
         s.status.reset();
         set_machine(s, pending);
       },
       JobState::starting},
      {"no status, and the machine is gone",
       [](Seen& s) {
         s.status.reset();
         set_machine(s, terminated);
       },
       JobState::lost},
      {"no instance a minute after the launch",
       [](Seen& s) {
         s.status.reset();
         s.machines.clear();
         s.launch->made = k_now - minutes{1};
       },
       JobState::launching},
      {"no instance an hour after the launch",
       [](Seen& s) {
         s.status.reset();
         s.machines.clear();
       },
       JobState::never_launched},
      {"no instance a minute after a launch that says that it made none",
       [](Seen& s) {
         s.status.reset();
         s.machines.clear();
         s.launch->made = k_now - minutes{1};
         s.launch->nothing_made = true;
       },
       JobState::never_launched},
      {"no instance, and EC2 can't be read",
       [](Seen& s) {
         s.status.reset();
         s.machines.clear();
         s.machines_problem = "denied";
       },
       JobState::unknown},
      {"EC2 can't be read, and its status says that it runs",
       [](Seen& s) {
         s.machines.clear();
         s.machines_problem = "denied";
       },
       JobState::running},
      {"EC2 can't be read, and it should be gone since long",
       [](Seen& s) {
         s.machines.clear();
         s.machines_problem = "denied";
         s.status->guard.end_at = k_now - minutes{5};
       },
       JobState::unknown},
      {"past the deadline in its tag", [](Seen& s) { s.machines[0].deadline = k_now - minutes{3}; },
       JobState::overdue},
      {"a minute past it, while L0 comes", [](Seen& s) { s.machines[0].deadline = k_now - minutes{1}; },
       JobState::running},
      {"past its launch's end, which was moved in the tag",
       [](Seen& s) {
         s.launch->end_at = k_now - hours{1};
         s.status->guard.end_at = k_now - hours{1};
       },
       JobState::running},
      {"past its end, which no tag tells",
       [](Seen& s) {
         s.machines[0].deadline.reset();
         s.status->guard.end_at = k_now - minutes{3};
       },
       JobState::overdue},
      {"the status can't be read",
       [](Seen& s) {
         s.status.reset();
         s.status_problem = "denied";
       },
       JobState::unknown},
      {"nothing is there but its id, of an hour ago",
       [](Seen& s) {
         s.status.reset();
         s.launch.reset();
         s.machines.clear();
       },
       JobState::never_launched},
      {"nothing is there but its id, of a moment ago",
       [](Seen& s) {
         s.status.reset();
         s.launch.reset();
         s.machines.clear();
         s.launch_id = "20261127-105900-4f2a9c0d1e2f3a4b5c6d7e8f";
       },
       JobState::launching},
      {"nothing is there, and no time in its id",
       [](Seen& s) {
         s.status.reset();
         s.launch.reset();
         s.machines.clear();
         s.launch_id = "2026112x-105900-4f2a9c0d1e2f3a4b5c6d7e8f";
       },
       JobState::unknown},
      {"its launch can't be read, so nobody knows in which region it runs",
       [](Seen& s) {
         s.launch.reset();
         s.launch_problem = "denied";
         s.machines.clear();
       },
       JobState::unknown},
      {"a status of no launch",
       [](Seen& s) {
         s.launch.reset();
         s.machines.clear();
       },
       JobState::unknown},
      {"its launch can't be read",
       [](Seen& s) {
         s.status.reset();
         s.launch.reset();
         s.launch_problem = "denied";
         s.machines.clear();
       },
       JobState::unknown},
      {"two instances, of which one lives",
       [](Seen& s) {
         s.machines = {machine_in(terminated), machine_in(running)};
       },
       JobState::running},
  };
  for (const auto& each : cases) {
    auto seen = running_job();
    each.change(seen);
    EXPECT_EQ(name_of(assess(seen, k_now).state), name_of(each.state)) << each.what;
  }
}

TEST(Assess, tells_times_and_money_of_a_running_job) {
  const auto row = assess(running_job(), k_now);
  EXPECT_EQ(row.job, "digits");
  EXPECT_EQ(row.instance, "i-0123456789abcdef0");
  EXPECT_EQ(row.ran, hours{1} - Seconds{10});
  EXPECT_EQ(row.left, hours{3});
  EXPECT_EQ(row.output_age, Seconds{35});
  EXPECT_EQ(row.save_age, Seconds{120}) << "the age when it was written, and what has passed since";
  EXPECT_EQ(row.cost, Micros{1'020'000});
  EXPECT_EQ(row.cost_mark, Row::Cost::exact);
  EXPECT_TRUE(row.complete);
  EXPECT_TRUE(row.notes.empty());
  EXPECT_FALSE(row.exit_code);
}

TEST(Assess, gives_up_only_on_what_nobody_can_tell_any_more) {
  auto seen = running_job();
  seen.machines.clear();
  seen.machines_problem = "denied";
  const auto end = *seen.status->guard.end_at;
  EXPECT_FALSE(is_hopeless(assess(seen, k_now), k_now));
  EXPECT_FALSE(is_hopeless(assess(seen, end + minutes{29}), end + minutes{29}));
  EXPECT_TRUE(is_hopeless(assess(seen, end + minutes{31}), end + minutes{31}));
  seen.machines = {machine_in(running)};
  EXPECT_FALSE(is_hopeless(assess(seen, end + hours{9}), end + hours{9})) << "it's overdue";
  seen.machines.clear();
  seen.machines_problem.clear();
  seen.status.reset();
  seen.launch.reset();
  seen.launch_problem = "is another curfew's";
  EXPECT_FALSE(is_hopeless(assess(seen, k_made + minutes{29}), k_made + minutes{29}));
  EXPECT_TRUE(is_hopeless(assess(seen, k_made + minutes{31}), k_made + minutes{31})) << "no end is known";
}

TEST(Assess, counts_down_to_the_end_of_the_machine_once_the_job_is_stopped) {
  auto seen = running_job();
  seen.status->phase = Phase::saving;
  EXPECT_EQ(assess(seen, k_now).left, hours{3} + minutes{16});
}

TEST(Assess, estimates_the_cost_where_the_guard_does_not_tell_it) {
  auto seen = running_job();
  seen.status->guard.cost.reset();
  seen.machines[0].price = Micros{1'000'000};
  const auto row = assess(seen, k_now);
  EXPECT_EQ(row.cost_mark, Row::Cost::at_least);
  ASSERT_TRUE(row.cost);
  EXPECT_EQ(*row.cost, cost_of(Micros{1'000'000}, hours{1} - Seconds{10}));
}

TEST(Assess, says_what_needs_attention) {
  const std::vector<std::pair<std::function<void(Seen&)>, std::string>> cases{
      {[](Seen& s) { s.status->written = k_now - minutes{10}; }, "nothing heard of it for 10m"},
      {[](Seen& s) { s.status.reset(); }, "nothing heard of it since its launch"},
      {[](Seen& s) { s.machines[0].deadline = k_now - minutes{3}; }, "curfew stop i-0123456789abcdef0"},
      {[](Seen& s) { s.status->interrupted = true; }, "EC2 is taking the instance back"},
      {[](Seen& s) { s.status->guard.save_in_trouble = true; }, "SAVING FAILS"},
      {[](Seen& s) { s.status->guard.left_out = "1 file left out, still being written: model/ckpt"; },
       "of the last save: 1 file left out, still being written: model/ckpt"},
      {[](Seen& s) { s.machines_problem = "DescribeInstances: denied"; }, "denied"},
      {[](Seen& s) {
         s.status->phase = Phase::ended;
         s.status->exit_code = 0;
         s.status->saved = true;
         s.status->written = k_now - minutes{5};
       },
       "its machine still runs"},
      {[](Seen& s) { s.machines.push_back(machine_in(running)); }, "2 instances of this launch run"},
  };
  for (const auto& [change, said] : cases) {
    auto seen = running_job();
    change(seen);
    const auto row = assess(seen, k_now);
    ASSERT_FALSE(row.notes.empty()) << said;
    EXPECT_NE(row.notes.back().find(said), std::string::npos) << row.notes.back();
  }
  auto seen = running_job();
  seen.machines_problem = "denied";
  EXPECT_FALSE(assess(seen, k_now).complete);
}

struct EndCase {
  const char* what;
  std::function<void(Seen&)> change;
  int code;
};

TEST(Assess, gives_zero_only_for_a_job_that_ended_well_with_all_saved) {
  const std::vector<EndCase> cases{
      {"well, and saved", [](Seen&) {}, 0},
      {"well, and not saved", [](Seen& s) { s.status->saved = false; }, 125},
      {"well, and nobody knows whether it's saved", [](Seen& s) { s.status->saved.reset(); }, 125},
      {"well, and had nothing to save",
       [](Seen& s) {
         s.launch->saves.clear();
         s.status->saved.reset();
       },
       0},
      {"well, and nobody knows what it should have saved",
       [](Seen& s) {
         s.launch.reset();
         s.launch_problem = "denied";
         s.status->saved.reset();
       },
       125},
      {"well, while EC2 can't be read",
       [](Seen& s) {
         s.machines.clear();
         s.machines_problem = "denied";
       },
       0},
      {"with 3", [](Seen& s) { s.status->exit_code = 3; }, 3},
      {"with 3, and not saved",
       [](Seen& s) {
         s.status->exit_code = 3;
         s.status->saved = false;
       },
       3},
      {"with 0, because it was told to stop", [](Seen& s) { s.status->cause = "stop_asked"; }, 125},
      {"with 0, because its machine went down", [](Seen& s) { s.status->cause = "machine_going_down"; }, 125},
      {"with 0, for a reason that isn't known", [](Seen& s) { s.status->cause.clear(); }, 125},
      {"with 0, its work done", [](Seen& s) { s.status->cause = "work_done"; }, 0},
      {"with 0, as the job itself may have written: its machine runs",
       [](Seen& s) { s.machines = {machine_in(running)}; }, 125},
      {"without a code", [](Seen& s) { s.status->exit_code.reset(); }, 125},
      {"failed before it ran", [](Seen& s) { s.status->phase = Phase::failed; }, 125},
      {"interrupted, and it says 0", [](Seen& s) { s.status->interrupted = true; }, 75},
      {"lost after it said 0",
       [](Seen& s) {
         s.status->phase = Phase::saving;
         s.machines.clear();
       },
       75},
      {"never launched",
       [](Seen& s) {
         s.status.reset();
         s.machines.clear();
       },
       125},
      {"not over",
       [](Seen& s) {
         s.status->phase = Phase::saving;
         s.machines = {machine_in(running)};
       },
       125},
  };
  for (const auto& each : cases) {
    auto seen = running_job();
    seen.status->phase = Phase::ended;
    seen.status->exit_code = 0;
    seen.status->saved = true;
    seen.status->cause = "job_ended";
    set_machine(seen, terminated);
    each.change(seen);
    EXPECT_EQ(exit_code_of(assess(seen, k_now)), each.code) << each.what;
  }
}

TEST(Assess, tells_of_a_lost_job_what_is_known) {
  struct Lost {
    std::function<void(Seen&)> change;
    std::string words;
  };
  const std::string heard = "; last heard of at 2026-11-27T10:59:40Z in stage train";
  const std::string saved = "; last saved at 2026-11-27T10:58:00Z, 2m ago";
  const std::vector<Lost> cases{
      {[](Seen& s) {
         set_machine(s, terminated, "Client.UserInitiatedShutdown");
         s.machines[0].ended = k_now - Seconds{10};
       },
       "lost: i-0123456789abcdef0 is terminated since 2026-11-27T10:59:50Z (it was ended from outside: "
       "curfew "
       "stop, its schedule, the console, Client.UserInitiatedShutdown)" +
           heard + saved},
      {[](Seen& s) { set_machine(s, terminated, "Server.SpotInstanceTermination"); },
       "interrupted: i-0123456789abcdef0 is terminated (EC2 took it back, Server.SpotInstanceTermination)" +
           heard + saved},
      {[](Seen& s) { set_machine(s, stopped, "Client.\033[2J"); },
       "lost: i-0123456789abcdef0 is stopped (Client.\\x1b[2J)" + heard + saved},
      {[](Seen& s) {
         s.machines.clear();
         s.status->guard.save_age.reset();
       },
       "lost: EC2 shows its instance no more" + heard + "; no save of it is known"},
      {[](Seen& s) {
         s.machines.clear();
         s.launch->saves.clear();
       },
       "lost: EC2 shows its instance no more" + heard},
      {[](Seen& s) {
         set_machine(s, terminated);
         s.status.reset();
       },
       "lost: i-0123456789abcdef0 is terminated; it never said anything: aws ec2 get-console-output --latest "
       "--output text --region us-east-1 --instance-id i-0123456789abcdef0 shows its console for an hour or "
       "so"},
  };
  for (const auto& each : cases) {
    auto seen = running_job();
    each.change(seen);
    EXPECT_EQ(describe_end(assess(seen, k_now)), each.words);
  }
}

TEST(Assess, describes_an_end_in_a_line_that_is_safe_to_show) {
  auto seen = running_job();
  seen.status->phase = Phase::ended;
  seen.status->exit_code = 124;
  seen.status->saved = false;
  seen.status->reason = "time limit \033[2J";
  set_machine(seen, terminated);
  EXPECT_EQ(describe_end(assess(seen, k_now)),
            "ended, exit code 124: time limit \\x1b[2J; THE RESULTS ARE NOT ALL SAVED (why: curfew logs "
            "20261127-100000-4f2a9c0d1e2f3a4b5c6d7e8f --stage guard)");
}

}  // namespace
}  // namespace curfew::jobs
