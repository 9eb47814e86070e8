// What the instance's role lets a job do, told before one is launched. Pure.
#pragma once

#include <string>
#include <vector>

#include "aws/s3.hpp"
#include "base/result.hpp"
#include "setup/account.hpp"
#include "setup/policies.hpp"

namespace curfew::setup {

// What a job is going to ask for.
struct RoleNeeds {
  std::vector<aws::S3Location> writes;
  std::vector<aws::S3Location> reads;
  std::vector<std::string> parameters;  // of SSM, "/curfew/token"
};

struct RoleView {
  std::vector<std::string> may;  // lines for people; safe to show
  // What the role's own policy doesn't let it, only of a role that is as `curfew setup` makes it: for sure, and places in S3,
  // which a bucket's policy may open all the same.
  std::vector<Error> out_of_reach;
  std::vector<Error> doubtful;
};

// Of the role curfew-job, as it was read. What a policy of the user's own allows isn't judged.
[[nodiscard]] RoleView view_role(const Place& place, const RoleFound& role, const RoleNeeds& needs);

}  // namespace curfew::setup
