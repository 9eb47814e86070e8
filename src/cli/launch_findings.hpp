// Asks AWS what a launch's plan is made of.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "aws/session.hpp"
#include "base/result.hpp"
#include "launch/plan.hpp"

namespace curfew::cli {

// Types and image must be told; what else can't be (zones, prices, quotas) is unknown, and where that matters `note` gets a
// line. The owner isn't filled in.
[[nodiscard]] net::Awaitable<Result<launch::Findings>> find_out(
    aws::Session& session, const launch::Wishes& wishes, std::vector<std::string> regions,
    const std::function<void(const std::string&)>& note);

// The spot prices alone, as they are now.
[[nodiscard]] net::Awaitable<Status> refresh_prices(aws::Session& session, const launch::Wishes& wishes,
                                                    launch::Findings& findings);

// The object as the instance fetches it: at the endpoints that the job's environment names, else AWS's own.
[[nodiscard]] Result<std::string> staged_url(const aws::S3Location& place, const std::string& region,
                                             const aws::KeyValues& environment);

}  // namespace curfew::cli
