// Reads what there is to take away, and deletes what a plan says; each call has its own limit of 30 s.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "aws/ec2_inventory.hpp"
#include "setup/account_work.hpp"
#include "setup/outcome.hpp"
#include "setup/teardown.hpp"

namespace curfew::setup {

// Counts what is in the bucket, if it's ours: at most k_most_counted objects, else an error.
[[nodiscard]] Awaitable<Result<std::vector<Heap>>> read_heaps(AccountCalls calls, Place place);
inline constexpr std::size_t k_most_counted = 5'000'000;

// Instances with the tag curfew:launch in one region that are not on their way out.
[[nodiscard]] Awaitable<Result<std::vector<std::string>>> launched_in(aws::Ec2Inventory& inventory,
                                                                      std::string region);

// Part by part; one that fails doesn't keep those from it which don't need it. True where all went well.
[[nodiscard]] Awaitable<bool> tear_down(AccountCalls calls, Place place, TeardownPlan plan,
                                        std::function<void(const Outcome&)> tell);

}  // namespace curfew::setup
