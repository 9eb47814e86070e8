// Asks AWS how many vCPUs the account may run in a region, and how many run.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "aws/session.hpp"
#include "launch/quota.hpp"

namespace curfew::cli {

// For types to be bought that way (true: spot), each of their quotas once; none for types whose quota isn't known here. What
// can't be told is left empty, with its reason: never an error.
[[nodiscard]] net::Awaitable<std::vector<launch::QuotaState>> find_quotas(
    aws::Session& session, std::string region, std::vector<std::pair<std::string, bool>> wanted);

}  // namespace curfew::cli
