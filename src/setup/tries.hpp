// The permissions that `curfew doctor` tries: which, how, and what the answers mean. The calls are handed in.
//
// EC2 has its own DryRun. Elsewhere something harmless is made and removed at once: a schedule that is disabled and would
// end an instance that doesn't exist, and an object of a few bytes. Both have one name for ever, so that what an
// interrupted run has left is removed by the next.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/core/query.hpp"
#include "aws/scheduler.hpp"
#include "base/result.hpp"
#include "base/times.hpp"
#include "setup/doctor.hpp"
#include "setup/names.hpp"

namespace curfew::setup {

inline constexpr const char* k_tried_schedule = "curfew-doctor";  // the launcher's policy allows curfew-*
inline constexpr const char* k_tried_object = "jobs/curfew-doctor";
inline constexpr const char* k_no_instance = "i-00000000000000000";

// What is left where the process dies between making and removing it, and what removes it: to be said then.
[[nodiscard]] std::string left_schedule(const Place& place);
[[nodiscard]] std::string left_object(const Place& place);

struct ScheduleCalls {
  std::function<Status(const aws::EndSchedule&)> create;
  std::function<Status(const aws::EndSchedule&)> update;
  std::function<Result<aws::Schedule>()> read;  // k_tried_schedule
  std::function<Status()> remove;               // the same; fine when it's gone
};
// Makes it with the scheduler's role, moves it, removes it. One of that name that isn't like it is left alone.
[[nodiscard]] std::vector<Check> try_schedule(const ScheduleCalls& calls, const Place& place, WallTime now);

struct ObjectCalls {
  std::function<Status(const std::string& body)> put;
  std::function<Result<std::string>()> read;
  std::function<Status()> remove;
};
[[nodiscard]] std::vector<Check> try_object(const ObjectCalls& calls, const Place& place, WallTime now);

// One action to ask EC2's DryRun for.
struct DryRun {
  std::string action;
  aws::Form form;
  // Whether a refusal speaks of the caller. For an instance that isn't there it doesn't: a policy that asks for the tag
  // curfew:launch, as the launcher's does, isn't met by it.
  bool is_definite = false;
  Grade lack = Grade::failed;
  std::string needed_by;
};
// An instance that a launch has made; none: empty ids. TerminateInstances and StopInstances are only asked for one that has
// ended, as an emulator of EC2 might not heed DryRun.
struct LaunchedIds {
  std::string any;
  std::string ended;
};
[[nodiscard]] std::vector<DryRun> dry_runs(const LaunchedIds& launched);

enum class Allowed { yes, no, unknown };
[[nodiscard]] Allowed judge(const DryRun& asked, const Status& answer);

struct DryRunAnswer {
  DryRun asked;
  Status answer;
};
// What is allowed, in one line; then a line for each that isn't or isn't known.
[[nodiscard]] std::vector<Check> checks_of(const std::vector<DryRunAnswer>& answers);

}  // namespace curfew::setup
