// EC2's own DryRun of any action: is it allowed, without its being done.
#pragma once

#include <string>

#include "aws/core/query.hpp"
#include "aws/session.hpp"
#include "base/result.hpp"

namespace curfew::aws {

// Fine where EC2 says that it would have succeeded; else the error, whose code is EC2's own ("UnauthorizedOperation",
// "InvalidInstanceID.NotFound"). Within a minute. Emulators of EC2 have carried out what they were only to try: `form` must
// not name what that would harm.
[[nodiscard]] Awaitable<Status> try_action(Session& session, std::string region, std::string action,
                                           Form form);

}  // namespace curfew::aws
