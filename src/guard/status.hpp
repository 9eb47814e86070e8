// What the guard says of itself: `curfew status`. The document is stable; see docs/run.md.
#pragma once

#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "guard/plan.hpp"
#include "guard/policy.hpp"
#include "guard/reasons.hpp"
#include "guard/spec.hpp"
#include "save/summary.hpp"

namespace curfew::guard {

// Of the saves and the logs while the job runs.
struct MidwayStatus {
  std::optional<Millis> age;  // of the last good one; empty: none yet
  bool in_trouble = false;
  save::Notes left_out;   // of the last one: what is still being written
  std::string will_fail;  // why not even the save at the end can work as things are; empty: not known to
  std::string logs;       // why the logs don't get to S3; empty: they do, as far as is known
};

struct StatusInput {
  const Spec& spec;
  const State& state;
  const std::optional<MachineFacts>& facts;
  const std::optional<save::Summary>& summary;
  job::Now now;
  std::optional<int> job_pid;
  std::optional<WallTime> output_at;
  Readings readings;
  std::optional<MachineCost> cost;
  std::optional<MidwayStatus> midway;
};

[[nodiscard]] boost::json::object status_of(const StatusInput& input);

// How the last job ended, in the run folder, readable by everyone: {"version","result","exit_code","ended"}.
[[nodiscard]] std::string last_path(const layers::Places& places);
[[nodiscard]] std::string last_json(const State& state, WallTime ended);

}  // namespace curfew::guard
