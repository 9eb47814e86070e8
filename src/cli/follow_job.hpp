// What those do who stay with a job: print its logs as they come, wait for its end, through failures of the network.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"
#include "cli/jobs_session.hpp"
#include "jobs/assess.hpp"

namespace curfew::cli {

struct FollowWish {
  std::string launch_id;
  std::vector<std::string> names;  // of logs to print; none: only wait
  std::uint64_t tail = 0;
  bool raw = false;              // the logs as they are, on a terminal too
  bool until_over = true;        // false: once is enough
  bool tell_states = false;      // on stderr, as they change
  std::optional<Seconds> limit;  // timed_out then
  std::vector<std::string>
      on_interrupt;  // said at Ctrl-C, which ends this process with 130; none: as Ctrl-C does
};

struct Followed {
  jobs::Row row;       // as it was last seen
  bool shown = false;  // any text of a log
};

// Failures that may pass are said once and tried again, as long as it takes; others end it.
[[nodiscard]] Result<Followed> follow_job(JobsSession& session, FollowWish wish);

// After `curfew launch`: follows the logs until the job is over. The job's exit code, as of `curfew wait`.
// `last`, where it's over, is what was seen then.
[[nodiscard]] int follow_launched(const JobsPlace& place, const std::string& launch_id,
                                  const os::Clock& clock, std::optional<jobs::Row>& last);

}  // namespace curfew::cli
