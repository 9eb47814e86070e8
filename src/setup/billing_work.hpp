// Reads what there is of the billing alarms, and makes what a plan says; each call has its own limit of 30 s.
#pragma once

#include <functional>
#include <string>

#include "aws/budgets.hpp"
#include "aws/cloudwatch.hpp"
#include "aws/sns_topics.hpp"
#include "net/http.hpp"
#include "setup/billing.hpp"

namespace curfew::setup {

using net::Awaitable;

struct BillingCalls {
  aws::SnsTopics& topics;
  aws::CloudWatch& cloudwatch;
  aws::Budgets& budgets;
};

// One part that can't be read doesn't keep the others from it. Changes nothing.
[[nodiscard]] Awaitable<BillingFound> read_billing(BillingCalls calls, BillingWish wish);

// What one step, or one part that had to be left out, came to.
struct Outcome {
  std::string what;  // "SNS topic curfew-billing created"; safe to show
  Status status;     // the error names the permission where that is missing
};

// Part by part; one that fails doesn't keep those from it which don't need it. What was made stays, and the same plan read
// and made anew completes it. True where all went well.
[[nodiscard]] Awaitable<bool> make_billing(BillingCalls calls, BillingWish wish, BillingPlan plan,
                                           std::function<void(const Outcome&)> tell);

// The same error with the permission in its hint, where it's one that says no. Pure.
[[nodiscard]] Error with_permission(Error error, std::string_view permission);

}  // namespace curfew::setup
