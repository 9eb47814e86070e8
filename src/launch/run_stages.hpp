// Carries out a job's stages on the instance, as the job's user, in the job's folder: under `curfew run`, whose limits,
// saving and ending hold for all of them.
#pragma once

#include <map>
#include <string>

#include "base/result.hpp"
#include "launch/stages.hpp"
#include "net/environment.hpp"
#include "os/clock.hpp"

namespace curfew::launch {

struct StagesWorld {
  const os::Clock& clock;
  net::Environment environment;  // the job's
  std::string folder;            // where the job runs, and its code goes
  std::string logs;              // a folder for STAGE.log, and stages.json, which says how each went
};

// One after another, until one fails. Each begins and ends with a line; a failure names the stage and its log. Returns the
// exit code: of a failed setup the command's own, of a failed fetch git's or tar's, else 1; 124 where a stage was not done
// in time; 125 where curfew itself failed; train's own. Where train died of a signal, so does this process.
[[nodiscard]] int run_stages(const Stages& stages, const StagesWorld& world);

inline constexpr int k_exit_stage_failed = 1;
inline constexpr int k_exit_stage_limit = 124;

}  // namespace curfew::launch
