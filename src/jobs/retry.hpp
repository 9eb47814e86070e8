// What it takes to launch a job again that was interrupted or failed: the options it was launched with, what it has saved,
// and the time and money that are left of the first launch's. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "aws/ec2_launch.hpp"
#include "base/money.hpp"
#include "base/result.hpp"
#include "base/times.hpp"
#include "jobs/assess.hpp"
#include "launch/launch_file.hpp"
#include "launch/plan.hpp"

namespace curfew::jobs {

struct Retry {
  aws::KeyValues options;  // of `curfew launch`; a flag's value is "true"
  std::vector<std::string> command;
  launch::Again again;
};

// An error says why it can't be, or needn't: it isn't over, it has ended well, no time or money is left. Money is counted as
// the most that the last launch can have cost, until its machine was gone for sure.
[[nodiscard]] Result<Retry> plan_retry(const launch::LaunchFile& last, const Row& row,
                                       const aws::S3Location& staging, WallTime now);

// What the launch cost at most, its disks and address included. Empty: not known.
[[nodiscard]] std::optional<Micros> spent_at_most(const launch::LaunchFile& last, const Row& row,
                                                  WallTime now);

}  // namespace curfew::jobs
