// The calls, in their order.
#include "setup/billing_work.hpp"

#include <set>
#include <utility>

#include "base/text.hpp"

namespace curfew::setup {
namespace {

constexpr std::string_view k_view_budget = "budgets:ViewBudget";
constexpr std::string_view k_modify_budget = "budgets:ModifyBudget";

Awaitable<Result<std::optional<std::vector<aws::Subscription>>>> read_topic(aws::SnsTopics& topics,
                                                                            const BillingWish& wish) {
  auto reading = topics.subscriptions(topic_of(wish));
  auto list = co_await std::move(reading);
  if (list) co_return std::move(*list);
  if (list.error().kind == ErrorKind::not_found) co_return std::nullopt;
  co_return fail(with_permission(std::move(list).error(), "sns:ListSubscriptionsByTopic"));
}

Awaitable<Result<std::vector<Told>>> read_told(aws::Budgets& budgets, const BillingWish& wish) {
  auto reading = budgets.notifications(wish.name);
  auto notifications = co_await std::move(reading);
  if (!notifications) co_return fail(with_permission(std::move(notifications).error(), k_view_budget));
  std::vector<Told> all;
  for (auto& notification : *notifications) {
    auto asking = budgets.subscribers(wish.name, notification);
    auto subscribers = co_await std::move(asking);
    if (!subscribers) co_return fail(with_permission(std::move(subscribers).error(), k_view_budget));
    all.push_back({std::move(notification), std::move(*subscribers)});
  }
  co_return std::move(all);
}

struct Made {
  std::string what;
  std::string_view permission;
};

// What a step is called once it's done.
Made made_by(const Step& step, PartName part, const BillingWish& wish) {
  const auto title = title_of(part, wish);
  if (std::holds_alternative<CreateTopic>(step)) return {title + " created", "sns:CreateTopic"};
  if (std::holds_alternative<Subscribe>(step)) return {title + " asked to be confirmed", "sns:Subscribe"};
  if (std::holds_alternative<PutAlarm>(step)) return {title + " set", "cloudwatch:PutMetricAlarm"};
  if (std::holds_alternative<CreateBudget>(step))
    return {title + " created, with its mail to " + wish.email, k_modify_budget};
  if (std::holds_alternative<UpdateBudget>(step)) return {title + " changed", k_modify_budget};
  const auto* added = std::get_if<AddNotification>(&step);
  const auto& notification =
      added != nullptr ? added->notification : std::get<AddSubscriber>(step).notification;
  return {title + " at " + text_of(notification), k_modify_budget};
}

class Maker {
 public:
  Maker(BillingCalls calls, const BillingWish& wish) : calls_(calls), wish_(wish) {}

  Awaitable<Status> make(Step step) {
    if (std::holds_alternative<CreateTopic>(step)) {
      auto making = calls_.topics.create_topic(topic_of(wish_));
      co_return co_await std::move(making);
    }
    if (std::holds_alternative<Subscribe>(step)) {
      auto making = calls_.topics.subscribe_email(topic_of(wish_), wish_.email);
      co_return co_await std::move(making);
    }
    if (auto* put = std::get_if<PutAlarm>(&step)) {
      auto making = calls_.cloudwatch.put_metric_alarm(std::move(put->alarm));
      co_return co_await std::move(making);
    }
    auto making = on_budget(std::move(step));
    auto made = co_await std::move(making);
    // An answer that was lost: the call went through, and was sent again.
    if (!made && made.error().code == "DuplicateRecordException") co_return Status{};
    co_return made;
  }

 private:
  Awaitable<Status> on_budget(Step step) {
    const auto subscriber = subscriber_of(wish_);
    if (std::holds_alternative<CreateBudget>(step)) {
      const auto wanted = wanted_notifications();
      std::vector<aws::Notification> notifications(wanted.begin(), wanted.end());
      auto making = calls_.budgets.create_budget(budget_for(wish_), std::move(notifications), subscriber);
      co_return co_await std::move(making);
    }
    if (auto* update = std::get_if<UpdateBudget>(&step)) {
      auto making = calls_.budgets.update_budget(std::move(update->budget));
      co_return co_await std::move(making);
    }
    if (auto* add = std::get_if<AddNotification>(&step)) {
      auto making = calls_.budgets.create_notification(wish_.name, std::move(add->notification), subscriber);
      co_return co_await std::move(making);
    }
    auto* add = std::get_if<AddSubscriber>(&step);
    auto making = calls_.budgets.create_subscriber(wish_.name, std::move(add->notification), subscriber);
    co_return co_await std::move(making);
  }

  BillingCalls calls_;
  const BillingWish& wish_;
};

// The alarm tells the topic, and so does the subscription.
bool needs_topic(PartName part) { return part == PartName::subscription || part == PartName::alarm; }

}  // namespace

Awaitable<BillingFound> read_billing(BillingCalls calls, BillingWish wish) {
  BillingFound found;
  auto topic = read_topic(calls.topics, wish);
  found.topic = co_await std::move(topic);
  auto asking_alarm = calls.cloudwatch.alarm(wish.name);
  auto alarm = co_await std::move(asking_alarm);
  found.alarm = told(std::move(alarm), "cloudwatch:DescribeAlarms");
  auto asking_metric = calls.cloudwatch.has_metric(billing_metric());
  auto metric = co_await std::move(asking_metric);
  found.metric = told(std::move(metric), "cloudwatch:ListMetrics");
  auto asking_budget = calls.budgets.budget(wish.name);
  auto budget = co_await std::move(asking_budget);
  found.budget = told(std::move(budget), k_view_budget);
  if (found.budget && *found.budget) {
    auto notifications = read_told(calls.budgets, wish);
    found.told = co_await std::move(notifications);
  }
  co_return found;
}

Awaitable<bool> make_billing(BillingCalls calls, BillingWish wish, BillingPlan plan,
                             std::function<void(const Outcome&)> tell) {
  Maker maker(calls, wish);
  bool all = true;
  std::set<PartName> failed;
  for (const auto& part : plan.parts) {
    if (part.steps.empty()) continue;
    if (needs_topic(part.name) && failed.contains(PartName::topic)) {
      all = false;
      Error error{
          ErrorKind::not_found, title_of(part.name, wish), "not made, as its topic could not be", {}, {}};
      tell({error.what, fail(std::move(error))});
      continue;
    }
    for (const auto& step : part.steps) {
      const auto [what, permission] = made_by(step, part.name, wish);
      auto making = maker.make(step);
      auto made = co_await std::move(making);
      if (made) {
        tell({what, {}});
        continue;
      }
      all = false;
      failed.insert(part.name);
      tell({what, fail(with_permission(std::move(made).error(), permission))});
    }
  }
  co_return all;
}

}  // namespace curfew::setup
