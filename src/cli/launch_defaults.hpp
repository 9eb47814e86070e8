// What `curfew setup` has made, for a launch whose options don't name its own.
#pragma once

#include <string>
#include <vector>

#include "aws/session.hpp"
#include "base/result.hpp"
#include "launch/plan.hpp"
#include "setup/names.hpp"

namespace curfew::cli {

struct LaunchDefaults {
  launch::Wishes
      wishes;  // with staging, instance profile, scheduler's role and security group where they weren't
  std::string taken;  // "staging s3://…, instance profile curfew-job"; empty: the options name all of it
  std::vector<Error> missing;  // what a launch can't do without; the wishes hold the name that it would have
  std::vector<std::string> notes;  // for people
};

// In the first of the regions; the security group in each. Looks only for what isn't named. What may not be looked at is
// taken to be there, but for the bucket: EC2 and the scheduler tell soon enough.
[[nodiscard]] net::Awaitable<Result<LaunchDefaults>> take_defaults(aws::Session& session,
                                                                   launch::Wishes wishes, setup::Place place,
                                                                   std::vector<std::string> regions);

}  // namespace curfew::cli
