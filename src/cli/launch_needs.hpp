// Whether what a launch names is there, and whether the instance's role reaches it: asked before anything is spent.
#pragma once

#include <string>
#include <vector>

#include "aws/session.hpp"
#include "base/result.hpp"
#include "launch/plan.hpp"
#include "net/http.hpp"
#include "setup/names.hpp"

namespace curfew::cli {

struct LaunchNeeds {
  std::vector<Error> missing;         // what the job would only find out on the instance
  std::vector<Error> doubtful;        // what it may find out there; the launch is asked for
  std::vector<std::string> role_may;  // see launch::Findings
};

// Buckets, data, parameters and roles that `wishes` names (staging and roles with their defaults); parameters in each of the
// regions. What may not be looked at isn't told: the caller needs no right to what the instance reads. `profile_is_there`:
// else its role isn't looked at.
[[nodiscard]] net::Awaitable<LaunchNeeds> look_for_needs(aws::Session& session, launch::Wishes wishes,
                                                         setup::Place place, std::vector<std::string> regions,
                                                         bool profile_is_there);

}  // namespace curfew::cli
