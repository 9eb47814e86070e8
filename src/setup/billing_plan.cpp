// From what there should be and what there is to what is to be done.
#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "net/encoding.hpp"
#include "setup/billing.hpp"

namespace curfew::setup {
namespace {

constexpr std::size_t k_longest_said = 600;
constexpr std::size_t k_most_actions = 5;  // of an alarm
constexpr std::size_t k_most_emails = 10;  // of a notification
constexpr std::size_t k_most_notifications = 10;
constexpr double k_most_dollars = 9e12;  // what Micros can hold

bool same_address(std::string_view a, std::string_view b) { return net::equal_ignoring_case(a, b); }

Part unreadable(PartName name, const Error& error) {
  return {name, Verdict::unreadable, {"not known: " + printable(error.text(), k_longest_said)}, {}};
}

Part blocked(PartName name, std::string why) { return {name, Verdict::blocked, {std::move(why)}, {}}; }

Part topic_part(const BillingFound& found) {
  if (!found.topic) return unreadable(PartName::topic, found.topic.error());
  if (*found.topic) return {PartName::topic, Verdict::equal, {}, {}};
  return {PartName::topic, Verdict::create, {}, {CreateTopic{}}};
}

Part subscription_part(const BillingWish& wish, const BillingFound& found, BillingPlan& plan) {
  constexpr auto k_name = PartName::subscription;
  if (!found.topic) return blocked(k_name, "not known, as the topic isn't");
  const auto follow = "confirm the subscription: follow the link in the mail that AWS sends to " +
                      wish.email + "; it is good for two days";
  if (*found.topic) {
    const auto& list = **found.topic;
    const auto ours = [&](const aws::Subscription& each) {
      return each.protocol == "email" && same_address(each.endpoint, wish.email);
    };
    if (std::any_of(list.begin(), list.end(), [&](const auto& each) { return ours(each) && each.confirmed; }))
      return {k_name, Verdict::equal, {"confirmed"}, {}};
    if (std::any_of(list.begin(), list.end(), ours)) {
      plan.by_hand.push_back(follow + "; to have it sent anew: aws sns subscribe --region " +
                             std::string(k_billing_region) + " --topic-arn " + topic_of(wish).arn() +
                             " --protocol email --notification-endpoint " + wish.email);
      return {k_name, Verdict::equal, {"NOT YET CONFIRMED: until then the alarm tells nobody"}, {}};
    }
  }
  plan.by_hand.push_back(follow);
  return {k_name, Verdict::create, {"AWS sends a mail that has to be confirmed"}, {Subscribe{}}};
}

// What isn't as wished, in words; and the alarm as it should be, with what others have added left in place.
std::vector<std::string> set_right(aws::MetricAlarm& alarm, const aws::MetricAlarm& wanted) {
  std::vector<std::string> changes;
  const auto dollars = [](double amount) {
    if (!(std::abs(amount) < k_most_dollars)) return std::string("another limit");
    return format_dollars(Micros{std::llround(amount * 1e6)});
  };
  if (std::abs(alarm.threshold - wanted.threshold) >= 0.005)
    changes.push_back("limit " + dollars(alarm.threshold) + " -> " + dollars(wanted.threshold));
  const auto text = [&](std::string_view what, std::string& is, const std::string& should) {
    if (is != should)
      changes.push_back(std::string(what) + " " + (is.empty() ? "none" : printable(is, 60)) + " -> " +
                        should);
    is = should;
  };
  const auto number = [&](std::string_view what, std::uint64_t& is, std::uint64_t should) {
    if (is != should)
      changes.push_back(std::string(what) + " " + std::to_string(is) + " -> " + std::to_string(should));
    is = should;
  };
  text("statistic", alarm.statistic, wanted.statistic);
  text("comparison", alarm.comparison, wanted.comparison);
  number("period in seconds", alarm.period, wanted.period);
  number("periods", alarm.evaluation_periods, wanted.evaluation_periods);
  // 1 of 1 is what nothing means here.
  if (alarm.datapoints_to_alarm > 1)
    changes.push_back("datapoints " + std::to_string(alarm.datapoints_to_alarm) + " -> 1");
  alarm.datapoints_to_alarm = 0;
  if (alarm.treat_missing_data.empty()) alarm.treat_missing_data = wanted.treat_missing_data;
  text("missing data", alarm.treat_missing_data, wanted.treat_missing_data);
  if (!alarm.actions_enabled) changes.emplace_back("its actions are switched off -> on");
  alarm.actions_enabled = true;
  const auto& topic = wanted.alarm_actions.front();
  auto& actions = alarm.alarm_actions;
  if (std::find(actions.begin(), actions.end(), topic) == actions.end()) {
    changes.push_back("tells the topic too");
    actions.push_back(topic);
  }
  alarm.threshold = wanted.threshold;
  alarm.description = wanted.description;  // the limit stands in it
  return changes;
}

Part alarm_part(const BillingWish& wish, const BillingFound& found) {
  constexpr auto k_name = PartName::alarm;
  if (!found.topic) return blocked(k_name, "not made, as it isn't known whether its topic is there");
  if (!found.alarm) return unreadable(k_name, found.alarm.error());
  const auto wanted = alarm_for(wish);
  if (!*found.alarm) {
    return {k_name,
            Verdict::create,
            {"when the month's estimated charges pass " + format_dollars(wish.limit)},
            {PutAlarm{wanted}}};
  }
  auto alarm = **found.alarm;
  if (alarm.metric != wanted.metric)
    return {k_name,
            Verdict::foreign,
            {"not touched: the alarm of that name watches something else; give another --name"},
            {}};
  auto changes = set_right(alarm, wanted);
  if (alarm.alarm_actions.size() > k_most_actions)
    return {k_name, Verdict::foreign, {"not touched: it has five actions already, all that it can have"}, {}};
  if (changes.empty()) {
    const auto& state = (*found.alarm)->state;
    return {k_name, Verdict::equal, {"state " + printable(state, 40)}, {}};
  }
  return {k_name, Verdict::change, std::move(changes), {PutAlarm{std::move(alarm)}}};
}

// Why it's not to be touched; empty where it's a plain monthly budget of costs.
std::string foreign_budget(const aws::Budget& budget) {
  const auto why = [](const std::string& what) {
    return "not touched: the budget of that name " + what + "; give another --name";
  };
  if (budget.type != "COST") return why("is one of type " + printable(budget.type, 40));
  if (budget.filtered) return why("counts a part of the costs only");
  if (budget.planned) return why("has limits planned for each month");
  if (budget.auto_adjusted) return why("is adjusted by AWS");
  if (budget.limit && budget.limit->unit != "USD") return why("is in " + printable(budget.limit->unit, 40));
  return {};
}

Part budget_part(const BillingWish& wish, const BillingFound& found) {
  constexpr auto k_name = PartName::budget;
  if (!found.budget) return unreadable(k_name, found.budget.error());
  const auto wanted = budget_for(wish);
  if (!*found.budget)
    return {k_name, Verdict::create, {format_dollars(wish.limit) + " a month"}, {CreateBudget{}}};
  auto budget = **found.budget;
  if (auto why = foreign_budget(budget); !why.empty()) return {k_name, Verdict::foreign, {why}, {}};
  Part part{k_name, Verdict::equal, {}, {}};
  // AWS's own text, "50.0"; one that can't be read so is another amount.
  const auto limit = budget.limit ? parse_dollars(budget.limit->amount) : Result<Micros>(Micros{});
  if (!limit || *limit != wish.limit) {
    const auto before = limit ? format_dollars(*limit) : printable(budget.limit->amount, 40);
    part.details.push_back("limit " + before + " -> " + format_dollars(wish.limit));
  }
  if (budget.time_unit != wanted.time_unit)
    part.details.push_back("for each " + printable(budget.time_unit, 40) + " -> MONTHLY");
  if (part.details.empty()) {
    part.details.push_back(format_dollars(wish.limit) + " a month");
    return part;
  }
  part.verdict = Verdict::change;
  budget.limit = wanted.limit;
  budget.time_unit = wanted.time_unit;
  part.steps.emplace_back(UpdateBudget{std::move(budget)});
  return part;
}

bool same_notification(const aws::Notification& a, const aws::Notification& b) {
  return a.type == b.type && a.comparison == b.comparison && a.threshold_type == b.threshold_type &&
         std::abs(a.threshold - b.threshold) < 0.005;
}

Part notifications_part(const BillingWish& wish, const BillingFound& found, const Part& budget) {
  constexpr auto k_name = PartName::notifications;
  const auto wanted = wanted_notifications();
  std::string all;
  for (const auto& each : wanted) all += (all.empty() ? "" : ", ") + text_of(each);
  if (budget.verdict == Verdict::create) return {k_name, Verdict::create, {all}, {}};  // travel with it
  if (budget.verdict == Verdict::unreadable) return blocked(k_name, "not known, as the budget isn't");
  if (budget.verdict == Verdict::foreign) return blocked(k_name, "not made, as the budget is another's");
  if (!found.told) return unreadable(k_name, found.told.error());
  Part part{k_name, Verdict::equal, {}, {}};
  auto room = k_most_notifications - std::min(k_most_notifications, found.told->size());
  for (const auto& each : wanted) {
    const auto there = std::find_if(found.told->begin(), found.told->end(), [&](const Told& told) {
      return same_notification(told.notification, each);
    });
    if (there == found.told->end()) {
      if (room-- == 0)
        return {k_name,
                Verdict::foreign,
                {"not touched: the budget has ten notifications already, all that it can have"},
                {}};
      part.details.push_back(text_of(each) + " is added");
      part.steps.emplace_back(AddNotification{each});
      continue;
    }
    const auto is_email = [](const aws::Subscriber& one) { return one.type == "EMAIL"; };
    const auto& subscribers = there->subscribers;
    if (std::any_of(subscribers.begin(), subscribers.end(), [&](const aws::Subscriber& one) {
          return is_email(one) && same_address(one.address, wish.email);
        }))
      continue;
    if (static_cast<std::size_t>(std::count_if(subscribers.begin(), subscribers.end(), is_email)) >=
        k_most_emails)
      return {k_name,
              Verdict::foreign,
              {"not touched: " + text_of(each) + " goes to ten addresses already, all that it can have"},
              {}};
    part.details.push_back(text_of(each) + " goes to " + wish.email + " too");
    part.steps.emplace_back(AddSubscriber{there->notification});
  }
  if (part.steps.empty()) part.details.push_back(all);
  else part.verdict = Verdict::change;
  return part;
}

}  // namespace

bool BillingPlan::has_steps() const {
  return std::any_of(parts.begin(), parts.end(), [](const Part& part) { return !part.steps.empty(); });
}

bool BillingPlan::is_complete() const {
  return !metric_unread && std::none_of(parts.begin(), parts.end(), [](const Part& part) {
    return part.verdict == Verdict::foreign || part.verdict == Verdict::unreadable ||
           part.verdict == Verdict::blocked;
  });
}

BillingPlan plan_billing(const BillingWish& wish, const BillingFound& found) {
  BillingPlan plan;
  plan.parts.push_back(topic_part(found));
  plan.parts.push_back(subscription_part(wish, found, plan));
  plan.parts.push_back(alarm_part(wish, found));
  plan.parts.push_back(budget_part(wish, found));
  plan.parts.push_back(notifications_part(wish, found, plan.parts.back()));
  if (!found.metric) {
    plan.metric_unread = true;
    plan.by_hand.push_back("whether the account's billing alerts are switched on isn't known: " +
                           printable(found.metric.error().text(), k_longest_said));
  } else if (!*found.metric) {
    plan.by_hand.emplace_back(
        "switch on \"Receive CloudWatch billing alerts\" (Billing and Cost Management, Billing preferences, "
        "Alert "
        "preferences): there are no billing metrics yet, and the alarm sees nothing until some hours after "
        "that. No API "
        "can do it. In an organization it's the management account that has the switch");
  }
  return plan;
}

}  // namespace curfew::setup
