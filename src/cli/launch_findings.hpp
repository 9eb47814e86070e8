// Asks AWS what a launch's plan is made of.
#pragma once

#include <functional>
#include <string>

#include "aws/session.hpp"
#include "base/result.hpp"
#include "launch/plan.hpp"

namespace curfew::cli {

// Types and image must be told; prices that can't be are unknown, and `note` gets a line.
[[nodiscard]] net::Awaitable<Result<launch::Findings>> find_out(
    aws::Session& session, const launch::Wishes& wishes, std::string region,
    const std::function<void(const std::string&)>& note);

// The object as the instance fetches it: at the endpoints that the job's environment names, else AWS's own.
[[nodiscard]] Result<std::string> staged_url(const aws::S3Location& place, const std::string& region,
                                             const aws::KeyValues& environment);

}  // namespace curfew::cli
