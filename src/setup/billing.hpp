// Two alarms against a surprise bill, which don't depend on each other: a CloudWatch alarm on the estimated charges, told
// by an SNS topic, and an AWS budget, told by AWS itself. Here is what there should be, what there is, and what follows
// from both; pure. billing_work.hpp reads and acts.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "aws/budgets.hpp"
#include "aws/cloudwatch.hpp"
#include "aws/sns_topics.hpp"
#include "base/money.hpp"
#include "base/result.hpp"
#include "setup/verdict.hpp"

namespace curfew::setup {

// AWS's billing metrics are in this region only, and an alarm tells topics of its own region only.
inline constexpr std::string_view k_billing_region = "us-east-1";

struct BillingWish {
  std::string name;     // of topic, alarm and budget
  Micros limit;         // a month, whole cents
  std::string email;    // as parse_email() took it
  std::string account;  // 12 digits
};

// "you@example.org": what SNS and Budgets both take, ASCII, without quotes, comments or address literals.
[[nodiscard]] Result<std::string> parse_email(std::string_view text);
// As parse_dollars(), in whole cents.
[[nodiscard]] Result<Micros> parse_monthly_limit(std::string_view text);
// One that topics, alarms and budgets may all have: 1 to 100 letters, digits, - and _.
[[nodiscard]] Result<std::string> parse_name(std::string_view text);

[[nodiscard]] aws::Topic topic_of(const BillingWish& wish);
// EstimatedCharges of the whole account in dollars.
[[nodiscard]] aws::Metric billing_metric();
[[nodiscard]] aws::MetricAlarm alarm_for(const BillingWish& wish);
[[nodiscard]] aws::Budget budget_for(const BillingWish& wish);
[[nodiscard]] aws::Subscriber subscriber_of(const BillingWish& wish);
// 50 %, 80 % and 100 % spent, 100 % forecast.
[[nodiscard]] std::array<aws::Notification, 4> wanted_notifications();

struct Told {
  aws::Notification notification;
  std::vector<aws::Subscriber> subscribers;
};

// An error is what could not be read; its hint names the permission where that is missing.
struct BillingFound {
  Result<bool> metric = false;
  Result<std::optional<std::vector<aws::Subscription>>> topic =
      std::nullopt;  // nothing: there's no such topic
  Result<std::optional<aws::MetricAlarm>> alarm = std::nullopt;
  Result<std::optional<aws::Budget>> budget = std::nullopt;
  Result<std::vector<Told>> told = std::vector<Told>{};  // of a budget that is there
};

struct CreateTopic {};
struct Subscribe {};
struct PutAlarm {
  aws::MetricAlarm alarm;
};
struct CreateBudget {};
struct UpdateBudget {
  aws::Budget budget;
};
struct AddNotification {
  aws::Notification notification;
};
struct AddSubscriber {
  aws::Notification notification;
};
using Step = std::variant<CreateTopic, Subscribe, PutAlarm, CreateBudget, UpdateBudget, AddNotification,
                          AddSubscriber>;

enum class PartName { topic, subscription, alarm, budget, notifications };

struct Part {
  PartName name;
  Verdict verdict = Verdict::equal;
  std::vector<std::string> details;  // what changes, or why it isn't touched; safe to show
  std::vector<Step> steps;
};

struct BillingPlan {
  std::vector<Part> parts;           // in the order in which they are made
  std::vector<std::string> by_hand;  // what only a person can do, or should know; safe to show
  bool metric_unread = false;

  // Whether there's anything to do, and whether nothing is in the way of having all of it.
  [[nodiscard]] bool has_steps() const;
  [[nodiscard]] bool is_complete() const;
};

[[nodiscard]] BillingPlan plan_billing(const BillingWish& wish, const BillingFound& found);

// "SNS topic curfew-billing".
[[nodiscard]] std::string title_of(PartName part, const BillingWish& wish);
// "80 % spent", "100 % forecast".
[[nodiscard]] std::string text_of(const aws::Notification& notification);
// The plan as a person reads it before saying yes; lines end with a newline.
[[nodiscard]] std::string text_of(const BillingPlan& plan, const BillingWish& wish);
[[nodiscard]] std::string by_hand_text(const BillingPlan& plan);

}  // namespace curfew::setup
