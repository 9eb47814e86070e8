// Many coroutines at once on one loop, but not too many.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "net/http.hpp"

namespace curfew::watch {

using Job = std::function<net::Awaitable<void>()>;

// Runs all of them, `at_once` at most at a time, and returns when the last has ended. What one throws is thrown then.
[[nodiscard]] net::Awaitable<void> run_all(std::vector<Job> jobs, std::size_t at_once);

// The same for a few that belong to the caller: cancelling it cancels them, and it ends only when they have. What one
// throws cancels the others.
[[nodiscard]] net::Awaitable<void> run_together(std::vector<net::Awaitable<void>> work);

}  // namespace curfew::watch
