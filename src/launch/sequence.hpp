// The launch itself, in the order that makes every cut point bounded: staging, a record on disk, RunInstances with
// everything in it, the schedule (L3), the tag that says so (or that there is none, where none is wanted).
//
// Dead before RunInstances: nothing was made. After it: the guard ends the instance 5 minutes after its boot, for the tag
// curfew:schedule is missing; L0, armed by the user data, at its deadline whatever else happens. After the schedule: the
// same, and the schedule finds nothing to end.
//
// The pools are asked one after another, never a next one while it isn't known what became of the last; where none has
// capacity, all again after a pause, for as long as is wished. Each time the job's times are counted anew.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "launch/calls.hpp"
#include "launch/plan.hpp"
#include "launch/records.hpp"
#include "os/clock.hpp"

namespace curfew::launch {

struct Package {
  aws::S3Location program_place;
  std::string program;
  aws::S3Location job_place;
  std::string job;
  aws::S3Location launch_file_place;
  std::string launch_file;
  aws::S3Location workdir_place;
  std::string workdir;  // the packed folder; empty: none
  std::string user_data;
};

// What of a plan and a package changes while a launch asks; empty functions: nothing does.
struct Renewal {
  // Fills in what is made for the plan's times and region: job, launch file and user data.
  std::function<Status(const Plan& plan, Package& package)> package;
  // The same plan with the prices of now; its pools may come in another order.
  std::function<Awaitable<Result<Plan>>()> plan;
};

struct Done {
  std::string instance;
  std::string type;
  std::string zone;
  std::string region;
  WallTime end_at{};
};

// How long the same RunInstances is sent again while nobody knows what became of it.
inline constexpr Millis k_ambiguous_limit{180'000};
// And how long then it's looked for by its tag, which new instances show within seconds.
inline constexpr Millis k_look_up_limit{60'000};
// A scheduler's role that is only seconds old can't be taken yet. With k_tag_limit this stays below the five minutes in
// which the guard waits for the tag.
inline constexpr Millis k_schedule_limit{60'000};
inline constexpr Millis k_tag_limit{60'000};
// For so long from the boot on the guard waits for the tag.
inline constexpr Millis k_guard_waits{300'000};
// What can't be ended within this is left to the guard, L0 and the next `curfew launch`.
inline constexpr Millis k_end_limit{300'000};
// After this an instance that RunInstances has made is seen by its tag for sure.
inline constexpr Millis k_forget_after{600'000};

// Where there's no capacity all is asked again after about so long: at first, and at most.
inline constexpr Millis k_first_round_pause{15'000};
inline constexpr Millis k_most_round_pause{300'000};
// A plan that is older counts from now before the next question, so that a job has its time after many refusals too.
inline constexpr Millis k_plan_holds{60'000};

struct World {
  Calls& calls;  // of the region where staging is
  Records& records;
  const os::Clock& clock;
  std::function<bool()> interrupted;            // Ctrl-C
  std::function<void(const std::string&)> say;  // a line for people
  // Those of another region; empty: `calls` serve all.
  std::function<Calls&(const std::string& region)> calls_in = {};
  std::function<double()> random = [] { return 0.5; };  // in [0, 1): spreads the pauses of many launches
};

// An error says what is left, if anything, and what ends it. Where the instance was made but not all of the rest, it has
// been ended; error.code then is k_ended.
[[nodiscard]] Awaitable<Result<Done>> launch(World world, Plan plan, Package package, Renewal renewal = {});
inline constexpr const char* k_ended = "Ended";
inline constexpr const char* k_interrupted = "Interrupted";

// Ends what a dead launch has left half made, and forgets its record once that is seen. What was finished stays.
[[nodiscard]] Awaitable<Status> clean_up(World world, const Record& left);

}  // namespace curfew::launch
