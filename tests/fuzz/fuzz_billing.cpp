// Whatever CloudWatch, SNS and Budgets, or something between, may answer to the set-up of billing alarms; and what is typed.
#include <cstdint>
#include <string_view>

#include "aws/budgets.hpp"
#include "aws/cloudwatch.hpp"
#include "aws/sns_topics.hpp"
#include "checks.hpp"
#include "setup/billing.hpp"

namespace {

using namespace curfew;
using namespace curfew::fuzz;

const setup::BillingWish k_wish{"curfew-billing", Micros{50'000'000}, "you@example.org", "123456789012"};

// Whatever was found, the plan is shown in lines of its own, and says of each part what becomes of it.
void check_plan(const setup::BillingFound& found) {
  const auto plan = setup::plan_billing(k_wish, found);
  check(plan.parts.size() == 5);
  for (const char c : setup::text_of(plan, k_wish)) check(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
  for (const auto& part : plan.parts) {
    const bool acts = part.verdict == setup::Verdict::create || part.verdict == setup::Verdict::change;
    check(acts || part.steps.empty());
    for (const auto& step : part.steps)
      if (const auto* put = std::get_if<setup::PutAlarm>(&step)) check(put->alarm.alarm_actions.size() <= 5);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  setup::BillingFound found;
  found.topic = std::vector<aws::Subscription>{};
  if (const auto alarms = aws::parse_alarms(text); is_read(alarms)) {
    check(alarms->size() <= 100);
    for (const auto& alarm : *alarms) {
      check_printable(alarm.metric.name);
      check_printable(alarm.statistic);
      found.alarm = alarm;
      check_plan(found);
    }
  }
  if (const auto page = aws::parse_metrics(text); is_read(page)) check(page->metrics.size() <= 500);
  if (const auto page = aws::parse_subscriptions(text); is_read(page)) {
    for (const auto& one : page->subscriptions) check_printable(one.endpoint);
    found.topic = page->subscriptions;
    check_plan(found);
  }
  if (const auto arn = aws::parse_created_topic(text); is_read(arn)) check_printable(*arn);
  if (const auto arn = aws::parse_subscribed(text); is_read(arn)) check_printable(*arn);
  const auto page = aws::parse_notifications(text);
  if (const auto budget = aws::parse_budget(text); is_read(budget)) {
    check_printable(budget->type);
    if (budget->limit) check_printable(budget->limit->amount);
    found.budget = *budget;
    check_plan(found);
  }
  if (is_read(page)) {
    found.budget = setup::budget_for(k_wish);
    found.told = std::vector<setup::Told>{};
    for (const auto& one : page->notifications) found.told->push_back({one, {}});
    check_plan(found);
  }
  if (const auto subscribers = aws::parse_subscribers(text); is_read(subscribers))
    for (const auto& one : subscribers->subscribers) check_printable(one.address);
  if (const auto email = setup::parse_email(text)) check_printable(*email);
  if (const auto limit = setup::parse_monthly_limit(text))
    check(limit->count > 0 && limit->count % 10'000 == 0);
  return 0;
}
