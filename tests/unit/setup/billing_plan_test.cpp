#include <gtest/gtest.h>

#include "setup/billing.hpp"
#include "setup/billing_work.hpp"

namespace curfew::setup {
namespace {

const BillingWish k_wish{"curfew-billing", Micros{50'000'000}, "you@example.org", "123456789012"};
const Error k_denied{ErrorKind::refused, "DescribeBudget", "AccessDeniedException: no", "",
                     "AccessDeniedException"};

// All of it as this command makes it, confirmed and with metrics.
BillingFound all_there() {
  BillingFound found;
  found.metric = true;
  found.topic =
      std::vector<aws::Subscription>{{"sqs", "arn:aws:sqs:x", true}, {"email", "You@example.org", true}};
  auto alarm = alarm_for(k_wish);
  alarm.state = "OK";
  found.alarm = alarm;
  auto budget = budget_for(k_wish);
  budget.limit->amount = "50.0";  // as AWS writes it
  found.budget = budget;
  std::vector<Told> told;
  for (const auto& notification : wanted_notifications())
    told.push_back({notification, {subscriber_of(k_wish)}});
  found.told = told;
  return found;
}

const Part& part_of(const BillingPlan& plan, PartName name) {
  for (const auto& part : plan.parts)
    if (part.name == name) return part;
  throw std::runtime_error("no such part");
}

Part part_of(const BillingFound& found, PartName name) { return part_of(plan_billing(k_wish, found), name); }

TEST(BillingPlan, WhereAllIsThereNothingIsDone) {
  const auto plan = plan_billing(k_wish, all_there());
  EXPECT_FALSE(plan.has_steps());
  EXPECT_TRUE(plan.is_complete());
  EXPECT_TRUE(plan.by_hand.empty());
  for (const auto& part : plan.parts) EXPECT_EQ(part.verdict, Verdict::equal) << title_of(part.name, k_wish);
}

TEST(BillingPlan, WhereNothingIsThereAllIsMade) {
  BillingFound found;
  const auto plan = plan_billing(k_wish, found);
  EXPECT_TRUE(plan.is_complete());
  std::size_t steps = 0;
  for (const auto& part : plan.parts) {
    EXPECT_EQ(part.verdict, Verdict::create);
    steps += part.steps.size();
  }
  EXPECT_EQ(steps, 4U) << "the budget's notifications travel with it";
  EXPECT_EQ(plan.by_hand.size(), 2U) << "confirm, and switch the alerts on";
}

TEST(BillingPlan, AnUnconfirmedAddressIsSeenAndTold) {
  auto found = all_there();
  found.topic = std::vector<aws::Subscription>{{"email", "you@example.org", false}};
  const auto plan = plan_billing(k_wish, found);
  EXPECT_FALSE(plan.has_steps()) << "the mail isn't sent a second time unasked";
  ASSERT_EQ(plan.by_hand.size(), 1U);
  EXPECT_NE(plan.by_hand[0].find("aws sns subscribe"), std::string::npos);
  // The same address for another protocol is nobody's mail.
  found.topic = std::vector<aws::Subscription>{{"email-json", "you@example.org", true}};
  EXPECT_EQ(part_of(found, PartName::subscription).verdict, Verdict::create);
}

TEST(BillingPlan, AnAlarmIsSetRightAndWhatOthersAddedStays) {
  auto found = all_there();
  auto& alarm = **found.alarm;
  alarm.threshold = 20;
  alarm.actions_enabled = false;
  alarm.alarm_actions = {"arn:aws:sns:us-east-1:123456789012:pager"};
  alarm.ok_actions = {"arn:aws:sns:us-east-1:123456789012:fine"};
  const auto part = part_of(found, PartName::alarm);
  EXPECT_EQ(part.verdict, Verdict::change);
  EXPECT_EQ(part.details,
            (std::vector<std::string>{"limit $20.00 -> $50.00", "its actions are switched off -> on",
                                      "tells the topic too"}));
  ASSERT_EQ(part.steps.size(), 1U);
  const auto put = std::get<PutAlarm>(part.steps[0]).alarm;
  EXPECT_EQ(put.threshold, 50);
  EXPECT_TRUE(put.actions_enabled);
  EXPECT_EQ(put.alarm_actions,
            (std::vector<std::string>{"arn:aws:sns:us-east-1:123456789012:pager",
                                      "arn:aws:sns:us-east-1:123456789012:curfew-billing"}));
  EXPECT_EQ(put.ok_actions, (std::vector<std::string>{"arn:aws:sns:us-east-1:123456789012:fine"}));
}

TEST(BillingPlan, EachThingThatAnAlarmCanHaveWrongIsSeen) {
  const std::vector<void (*)(aws::MetricAlarm&)> wrongs{
      [](aws::MetricAlarm& alarm) { alarm.threshold = 50.01; },
      [](aws::MetricAlarm& alarm) { alarm.threshold = 1e300; },
      [](aws::MetricAlarm& alarm) { alarm.statistic = "Minimum"; },
      [](aws::MetricAlarm& alarm) { alarm.statistic.clear(); },
      [](aws::MetricAlarm& alarm) { alarm.comparison = "LessThanThreshold"; },
      [](aws::MetricAlarm& alarm) { alarm.period = 60; },
      [](aws::MetricAlarm& alarm) { alarm.evaluation_periods = 5; },
      [](aws::MetricAlarm& alarm) { alarm.datapoints_to_alarm = 3; },
      [](aws::MetricAlarm& alarm) { alarm.treat_missing_data = "notBreaching"; },
      [](aws::MetricAlarm& alarm) { alarm.actions_enabled = false; },
      [](aws::MetricAlarm& alarm) { alarm.alarm_actions.clear(); }};
  for (std::size_t i = 0; i < wrongs.size(); ++i) {
    auto found = all_there();
    wrongs[i](**found.alarm);
    const auto part = part_of(found, PartName::alarm);
    EXPECT_EQ(part.verdict, Verdict::change) << i;
    EXPECT_EQ(part.details.size(), 1U) << i;
    // What is put is what would be found equal.
    found.alarm = std::get<PutAlarm>(part.steps.at(0)).alarm;
    (*found.alarm)->state = "OK";
    EXPECT_EQ(part_of(found, PartName::alarm).verdict, Verdict::equal) << i;
  }
}

TEST(BillingPlan, AnAlarmOnSomethingElseIsNotTouched) {
  for (const auto& metric :
       {aws::Metric{"AWS/EC2", "CPUUtilization", {}}, aws::Metric{},
        aws::Metric{
            "AWS/Billing", "EstimatedCharges", {{"Currency", "USD"}, {"ServiceName", "AmazonEC2"}}}}) {
    auto found = all_there();
    (**found.alarm).metric = metric;
    const auto plan = plan_billing(k_wish, found);
    EXPECT_EQ(part_of(plan, PartName::alarm).verdict, Verdict::foreign);
    EXPECT_FALSE(plan.has_steps());
    EXPECT_FALSE(plan.is_complete());
  }
  auto found = all_there();
  (**found.alarm).alarm_actions = {"a", "b", "c", "d", "e"};
  EXPECT_EQ(part_of(found, PartName::alarm).verdict, Verdict::foreign);
}

TEST(BillingPlan, ABudgetsLimitIsComparedByItsValue) {
  for (const auto& [amount, verdict] : {std::pair{"50", Verdict::equal},
                                        {"50.00", Verdict::equal},
                                        {"50.000000", Verdict::equal},
                                        {"49.99", Verdict::change},
                                        {"0", Verdict::change},
                                        {"5.0E1", Verdict::change}}) {
    auto found = all_there();
    (**found.budget).limit->amount = amount;
    const auto part = part_of(found, PartName::budget);
    EXPECT_EQ(part.verdict, verdict) << amount;
    if (verdict == Verdict::change) {
      EXPECT_EQ(std::get<UpdateBudget>(part.steps.at(0)).budget.limit, (aws::Spend{"50", "USD"}));
    }
  }
  auto found = all_there();
  (**found.budget).limit.reset();
  EXPECT_EQ(part_of(found, PartName::budget).verdict, Verdict::change);
  found = all_there();
  (**found.budget).time_unit = "DAILY";
  (**found.budget).kept["CostTypes"] = boost::json::object{{"IncludeCredit", false}};
  const auto part = part_of(found, PartName::budget);
  EXPECT_EQ(part.details, std::vector<std::string>{"for each DAILY -> MONTHLY"});
  EXPECT_EQ(std::get<UpdateBudget>(part.steps.at(0)).budget.kept.size(), 1U);
}

TEST(BillingPlan, ABudgetThatSomebodyShapedIsNotTouched) {
  const std::vector<void (*)(aws::Budget&)> shapes{[](aws::Budget& budget) { budget.type = "USAGE"; },
                                                   [](aws::Budget& budget) { budget.filtered = true; },
                                                   [](aws::Budget& budget) { budget.planned = true; },
                                                   [](aws::Budget& budget) { budget.auto_adjusted = true; },
                                                   [](aws::Budget& budget) { budget.limit->unit = "GB"; }};
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    auto found = all_there();
    shapes[i](**found.budget);
    const auto plan = plan_billing(k_wish, found);
    EXPECT_EQ(part_of(plan, PartName::budget).verdict, Verdict::foreign) << i;
    EXPECT_EQ(part_of(plan, PartName::notifications).verdict, Verdict::blocked) << i;
    EXPECT_FALSE(plan.has_steps()) << i;
  }
}

TEST(BillingPlan, NotificationsAreAddedAndOthersStay) {
  auto found = all_there();
  auto& told = *found.told;
  told[1].subscribers = {{"EMAIL", "boss@example.org"}};
  told.erase(told.begin() + 3);
  told.push_back({{"FORECASTED", "GREATER_THAN", 100, "ABSOLUTE_VALUE"}, {}});  // $100, not 100 %
  const auto part = part_of(found, PartName::notifications);
  EXPECT_EQ(part.verdict, Verdict::change);
  ASSERT_EQ(part.steps.size(), 2U);
  EXPECT_EQ(std::get<AddSubscriber>(part.steps[0]).notification.threshold, 80);
  EXPECT_EQ(std::get<AddNotification>(part.steps[1]).notification.type, "FORECASTED");
}

TEST(BillingPlan, WhatIsFullIsTold) {
  auto found = all_there();
  found.told->resize(0);
  for (int i = 0; i < 8; ++i) found.told->push_back({{"ACTUAL", "GREATER_THAN", 1.0 + i}, {}});
  EXPECT_EQ(part_of(found, PartName::notifications).verdict, Verdict::foreign) << "8 and 4 are more than 10";
  found = all_there();
  found.told->at(0).subscribers.assign(10, {"EMAIL", "boss@example.org"});
  EXPECT_EQ(part_of(found, PartName::notifications).verdict, Verdict::foreign);
  EXPECT_FALSE(plan_billing(k_wish, found).is_complete());
}

TEST(BillingPlan, WhatCanNotBeReadIsLeftAloneAndTheRestIsDone) {
  BillingFound found;
  found.budget = fail(k_denied);
  auto plan = plan_billing(k_wish, found);
  EXPECT_EQ(part_of(plan, PartName::budget).verdict, Verdict::unreadable);
  EXPECT_EQ(part_of(plan, PartName::notifications).verdict, Verdict::blocked);
  EXPECT_EQ(part_of(plan, PartName::alarm).steps.size(), 1U);
  EXPECT_FALSE(plan.is_complete());

  found = BillingFound{};
  found.topic = fail(k_denied);
  plan = plan_billing(k_wish, found);
  EXPECT_EQ(part_of(plan, PartName::topic).verdict, Verdict::unreadable);
  EXPECT_EQ(part_of(plan, PartName::alarm).verdict, Verdict::blocked) << "nobody might hear of it";
  EXPECT_EQ(part_of(plan, PartName::budget).steps.size(), 1U);

  found = all_there();
  found.told = fail(k_denied);
  EXPECT_EQ(part_of(found, PartName::notifications).verdict, Verdict::unreadable);
  found = all_there();
  found.metric = fail(k_denied);
  plan = plan_billing(k_wish, found);
  EXPECT_FALSE(plan.is_complete());
  EXPECT_FALSE(plan.has_steps());
}

TEST(BillingPlan, IsShownSoThatNoLineOfItIsAnothers) {
  auto found = all_there();
  found.budget = fail(ErrorKind::unavailable, "DescribeBudget", "a\x1b[2J\nb");
  const auto text = text_of(plan_billing(k_wish, found), k_wish);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(
      text.find(
          "AWS budget curfew-billing              NOT READ: not known: DescribeBudget: a\\x1b[2J\\x0ab"),
      std::string::npos)
      << text;
}

TEST(Permission, IsNamedWhereItIsMissingAndNowhereElse) {
  EXPECT_EQ(with_permission(k_denied, "budgets:ViewBudget").hint,
            "the permission budgets:ViewBudget is missing");
  EXPECT_EQ(with_permission({ErrorKind::refused, "x", "y", "", "ExpiredToken"}, "budgets:ViewBudget").hint,
            "");
}

}  // namespace
}  // namespace curfew::setup
