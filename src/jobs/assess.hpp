// What is known of a launched job, from its launch.json, its status.json and its instance: in one word, with the numbers
// that people ask for. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/ec2_listed.hpp"
#include "base/money.hpp"
#include "base/times.hpp"
#include "jobs/status_file.hpp"
#include "launch/launch_file.hpp"

namespace curfew::jobs {

enum class JobState : std::uint8_t {
  launching,  // the launch was begun a moment ago, and there's no instance yet
  starting,   // there's an instance, and the job doesn't run yet
  running,
  stopping,  // the job was told to end
  saving,
  ending,          // the machine is on its way out
  ended,           // by itself, or at a limit: see the exit code
  failed,          // the machine failed before the job could run
  interrupted,     // EC2 took the instance back
  lost,            // the instance is gone, and its last word is no end
  overdue,         // the instance should be gone, and isn't
  never_launched,  // no instance was made, or it was gone before it could say anything
  unknown,         // what would tell can't be read
};
// "never launched", "running".
[[nodiscard]] std::string_view name_of(JobState state);
// Nothing will come of it any more.
[[nodiscard]] bool is_over(JobState state);

// An instance with the tag curfew:launch.
struct MachineSeen {
  std::string id;
  std::string type;
  std::string zone;
  std::string launch_id;
  std::string job;  // the tag curfew:job; untrusted
  aws::InstanceState state = aws::InstanceState::running;
  WallTime launched{};
  std::string reason_code;           // "Server.SpotInstanceTermination"
  std::optional<WallTime> ended;     // when it left `running`, where EC2 says it
  std::optional<WallTime> deadline;  // the tag curfew:deadline
  std::optional<Micros> price;       // the tag curfew:price, an hour at most
  std::string public_ipv4;
};

struct Seen {
  std::string launch_id;
  std::string region;  // where its instance is looked for
  std::optional<launch::LaunchFile> launch;
  std::optional<StatusFile> status;
  std::vector<MachineSeen> machines;
  // Why something isn't known; empty: it is, or there is none.
  std::string launch_problem, status_problem, machines_problem;
};

struct Row {
  std::string launch_id;
  std::string job;  // its name; empty: not known. Untrusted, as all texts
  std::string region;
  std::string owner;
  JobState state = JobState::unknown;
  std::string stage;
  std::optional<int> exit_code;  // of a job that is over
  std::optional<bool> saved;     // of a job that is over
  bool saves = true;             // it was to save something, as far as is known
  bool unsaved = false;          // of a job that is over: it isn't known that all it should save is saved
  std::string cause, reason;
  std::string instance, type, zone;
  std::string instance_state;  // EC2's name; empty: EC2 doesn't show it, or wasn't read
  std::string ec2_reason;      // why it's in that state: "Client.UserInitiatedShutdown"
  std::string
      loss;  // of one that is over without a last word: what is known of how, when, and of what it had saved
  std::string public_ipv4;
  std::optional<WallTime> made;     // when it was launched
  std::optional<WallTime> over_at;  // when it was over, as far as is known
  bool over_for_sure = false;       // then: by its own last word, and EC2 shows no instance of it that lives
  std::optional<Seconds> ran;       // since the instance was launched, until now or the job was over
  std::optional<Seconds> left;      // until the job is stopped; once it is, until the machine is gone
  std::optional<WallTime> end_at;   // by when the machine is gone
  std::optional<Seconds> output_age;  // since the job's last line
  std::optional<Seconds> save_age;    // since the last good save
  std::optional<Seconds> status_age;  // since its machine last said anything
  std::string gpus;
  std::optional<Micros> cost;  // so far
  enum class Cost : std::uint8_t { exact, at_least, at_most } cost_mark = Cost::exact;
  bool complete = true;            // false: something that should tell could not be read
  std::vector<std::string> notes;  // for people: what needs attention, and what could not be read
};

// The guard writes once a minute; with two of these missed, something is wrong there.
inline constexpr Seconds k_silent_after = std::chrono::minutes{3};
// From RunInstances to the first status: boot, cloud-init, fetching the program.
inline constexpr Seconds k_boot_limit = std::chrono::minutes{10};
// A launch asks EC2 for no longer, and EC2 shows new instances within seconds.
inline constexpr Seconds k_launch_limit = std::chrono::minutes{10};
// L0 comes a minute after the deadline; a machine takes a moment to go.
inline constexpr Seconds k_overdue_after = std::chrono::minutes{2};

[[nodiscard]] Row assess(const Seen& seen, WallTime now);

// Nobody will ever know: what would tell can't be read, and all that ends the machine has had its time.
[[nodiscard]] bool is_hopeless(const Row& row, WallTime now);
inline constexpr Seconds k_hopeless_after = std::chrono::minutes{30};

// What `curfew wait` exits with once the job is over: its own code, and never 0 unless it is known to have ended by itself with
// 0, and all that it should save is saved.
inline constexpr int k_exit_gone =
    75;  // EX_TEMPFAIL of sysexits.h: interrupted or lost; trying again may help
inline constexpr int k_exit_unsure = 125;
[[nodiscard]] int exit_code_of(const Row& row);
// The line that says why, for people.
[[nodiscard]] std::string describe_end(const Row& row);

}  // namespace curfew::jobs
