#include "setup/billing_work.hpp"

#include <set>

#include <gtest/gtest.h>

#include "support/run.hpp"

namespace curfew::setup {
namespace {

const BillingWish k_wish{"curfew-billing", Micros{50'000'000}, "you@example.org", "123456789012"};

// An account in memory. A call named in `failing` fails with that code.
struct Account final : aws::SnsTopics, aws::CloudWatch, aws::Budgets {
  std::vector<std::string> calls;
  std::map<std::string, std::string> failing;

  Status made(const std::string& call) {
    calls.push_back(call);
    const auto found = failing.find(call);
    if (found == failing.end()) return {};
    return fail({ErrorKind::refused, call, found->second, "", found->second});
  }
  template <class T>
  Result<T> read(const std::string& call, T value) {
    if (auto status = made(call); !status) return fail(std::move(status).error());
    return value;
  }

  Awaitable<Status> create_topic(aws::Topic /*topic*/) override { co_return made("CreateTopic"); }
  Awaitable<Result<std::vector<aws::Subscription>>> subscriptions(aws::Topic /*topic*/) override {
    co_return read("ListSubscriptionsByTopic",
                   std::vector<aws::Subscription>{{"email", "you@example.org", true}});
  }
  Awaitable<Status> subscribe_email(aws::Topic /*topic*/, std::string address) override {
    co_return made("Subscribe " + address);
  }
  Awaitable<Result<std::optional<aws::MetricAlarm>>> alarm(std::string /*name*/) override {
    co_return read("DescribeAlarms", std::optional<aws::MetricAlarm>(alarm_for(k_wish)));
  }
  Awaitable<Status> put_metric_alarm(aws::MetricAlarm /*alarm*/) override {
    co_return made("PutMetricAlarm");
  }
  Awaitable<Result<bool>> has_metric(aws::Metric /*metric*/) override { co_return read("ListMetrics", true); }
  Awaitable<Result<std::optional<aws::Budget>>> budget(std::string /*name*/) override {
    co_return read("DescribeBudget", std::optional<aws::Budget>(budget_for(k_wish)));
  }
  Awaitable<Result<std::vector<aws::Notification>>> notifications(std::string /*budget*/) override {
    const auto wanted = wanted_notifications();
    co_return read("DescribeNotificationsForBudget",
                   std::vector<aws::Notification>(wanted.begin(), wanted.end()));
  }
  Awaitable<Result<std::vector<aws::Subscriber>>> subscribers(std::string /*budget*/,
                                                              aws::Notification /*notification*/) override {
    co_return read("DescribeSubscribersForNotification", std::vector<aws::Subscriber>{subscriber_of(k_wish)});
  }
  Awaitable<Status> create_budget(aws::Budget /*budget*/, std::vector<aws::Notification> notifications,
                                  aws::Subscriber subscriber) override {
    co_return made("CreateBudget " + std::to_string(notifications.size()) + " " + subscriber.address);
  }
  Awaitable<Status> update_budget(aws::Budget /*budget*/) override { co_return made("UpdateBudget"); }
  Awaitable<Status> create_notification(std::string /*budget*/, aws::Notification /*notification*/,
                                        aws::Subscriber /*subscriber*/) override {
    co_return made("CreateNotification");
  }
  Awaitable<Status> create_subscriber(std::string /*budget*/, aws::Notification /*notification*/,
                                      aws::Subscriber /*subscriber*/) override {
    co_return made("CreateSubscriber");
  }
};

class BillingWork : public testing::Test {
 protected:
  BillingFound read() { return test::run(read_billing(calls(), k_wish)); }
  bool make(const BillingPlan& plan) {
    return test::run(
        make_billing(calls(), k_wish, plan, [this](const Outcome& outcome) { told_.push_back(outcome); }));
  }
  BillingCalls calls() { return {account_, account_, account_}; }

  Account account_;
  std::vector<Outcome> told_;
};

TEST_F(BillingWork, ReadsAllAndWritesNothing) {
  const auto found = read();
  EXPECT_FALSE(plan_billing(k_wish, found).has_steps());
  EXPECT_EQ(account_.calls, (std::vector<std::string>{
                                "ListSubscriptionsByTopic", "DescribeAlarms", "ListMetrics", "DescribeBudget",
                                "DescribeNotificationsForBudget", "DescribeSubscribersForNotification",
                                "DescribeSubscribersForNotification", "DescribeSubscribersForNotification",
                                "DescribeSubscribersForNotification"}));
}

TEST_F(BillingWork, EachCallThatIsDeniedNamesItsPermission) {
  for (const auto& [call, permission] :
       {std::pair{"ListSubscriptionsByTopic", "sns:ListSubscriptionsByTopic"},
        {"DescribeAlarms", "cloudwatch:DescribeAlarms"},
        {"ListMetrics", "cloudwatch:ListMetrics"},
        {"DescribeBudget", "budgets:ViewBudget"},
        {"DescribeNotificationsForBudget", "budgets:ViewBudget"},
        {"DescribeSubscribersForNotification", "budgets:ViewBudget"}}) {
    account_ = {};
    account_.failing[call] = "AccessDenied";
    const auto found = read();
    const auto plan = plan_billing(k_wish, found);
    EXPECT_FALSE(plan.is_complete()) << call;
    EXPECT_FALSE(plan.has_steps()) << call;
    const auto text = text_of(plan, k_wish) + by_hand_text(plan);
    EXPECT_NE(text.find(permission), std::string::npos) << text;
  }
}

TEST_F(BillingWork, MakesAllInOrder) {
  EXPECT_TRUE(make(plan_billing(k_wish, {})));
  EXPECT_EQ(account_.calls, (std::vector<std::string>{"CreateTopic", "Subscribe you@example.org",
                                                      "PutMetricAlarm", "CreateBudget 4 you@example.org"}));
  EXPECT_EQ(told_.size(), 4U);
}

TEST_F(BillingWork, WithoutItsTopicThereIsNoAlarmButABudget) {
  account_.failing["CreateTopic"] = "AuthorizationError";
  EXPECT_FALSE(make(plan_billing(k_wish, {})));
  EXPECT_EQ(account_.calls, (std::vector<std::string>{"CreateTopic", "CreateBudget 4 you@example.org"}));
  ASSERT_EQ(told_.size(), 4U);
  EXPECT_NE(told_[0].status.error().text().find("sns:CreateTopic"), std::string::npos);
  EXPECT_FALSE(told_[1].status);
  EXPECT_FALSE(told_[2].status);
  EXPECT_TRUE(told_[3].status);
}

TEST_F(BillingWork, OnePartThatFailsKeepsNoOtherFromIt) {
  account_.failing["PutMetricAlarm"] = "LimitExceeded";
  EXPECT_FALSE(make(plan_billing(k_wish, {})));
  EXPECT_EQ(account_.calls.size(), 4U);
}

TEST_F(BillingWork, WhatIsThereAlreadyIsNoFailure) {
  account_.failing["CreateBudget 4 you@example.org"] = "DuplicateRecordException";
  EXPECT_TRUE(make(plan_billing(k_wish, {})));
}

TEST_F(BillingWork, CompletesTheMailOfABudget) {
  BillingFound found;
  found.topic = std::vector<aws::Subscription>{{"email", "you@example.org", true}};
  found.alarm = alarm_for(k_wish);
  auto budget = budget_for(k_wish);
  budget.limit->amount = "20";
  found.budget = budget;
  const auto wanted = wanted_notifications();
  found.told = std::vector<Told>{
      {wanted[0], {}}, {wanted[1], {subscriber_of(k_wish)}}, {wanted[2], {subscriber_of(k_wish)}}};
  EXPECT_TRUE(make(plan_billing(k_wish, found)));
  EXPECT_EQ(account_.calls,
            (std::vector<std::string>{"UpdateBudget", "CreateSubscriber", "CreateNotification"}));
  EXPECT_EQ(told_.at(1).what, "mail of the budget to you@example.org at 50 % spent");
}

}  // namespace
}  // namespace curfew::setup
