// Reads what there is of the billing alarms, and makes what a plan says; each call has its own limit of 30 s.
#pragma once

#include <functional>
#include <string>

#include "aws/budgets.hpp"
#include "aws/cloudwatch.hpp"
#include "aws/sns_topics.hpp"
#include "net/http.hpp"
#include "setup/billing.hpp"
#include "setup/outcome.hpp"

namespace curfew::setup {

using net::Awaitable;

struct BillingCalls {
  aws::SnsTopics& topics;
  aws::CloudWatch& cloudwatch;
  aws::Budgets& budgets;
};

// One part that can't be read doesn't keep the others from it. Changes nothing.
[[nodiscard]] Awaitable<BillingFound> read_billing(BillingCalls calls, BillingWish wish);

// Part by part; one that fails doesn't keep those from it which don't need it. What was made stays, and the same plan read
// and made anew completes it. True where all went well.
[[nodiscard]] Awaitable<bool> make_billing(BillingCalls calls, BillingWish wish, BillingPlan plan,
                                           std::function<void(const Outcome&)> tell);

}  // namespace curfew::setup
