// Replies of AWS Budgets.
#include <algorithm>
#include <array>

#include <boost/json/parse.hpp>

#include "aws/budgets.hpp"
#include "aws/reply_fields.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

using boost::json::object;

// The API reference's bounds, or what is beyond them by far.
constexpr std::size_t k_longest_name = 400;  // 100 characters
constexpr std::size_t k_longest_word = 64;
constexpr std::size_t k_longest_amount = 40;
constexpr std::size_t k_longest_address = 2'048;
constexpr std::size_t k_longest_kept = 2'048;
constexpr std::size_t k_longest_token = 8U << 10U;
constexpr std::size_t k_most_a_page = 100;
constexpr double k_most_threshold = 15e12;

Result<object> object_of(std::string_view json) {
  boost::system::error_code failed;
  auto value = boost::json::parse({json.data(), json.size()}, failed);
  if (failed || !value.is_object())
    return fail(ErrorKind::unavailable, "read the reply", "it is cut, or no JSON object");
  return std::move(value.as_object());
}

const boost::json::value* find(const object& from, std::string_view name) {
  const auto* value = from.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

// Printable ASCII.
Result<std::string> text_in(const object& from, std::string_view name, std::size_t longest) {
  const auto* value = find(from, name);
  const auto* text = value != nullptr ? value->if_string() : nullptr;
  if (text == nullptr) return odd(name, "no text");
  if (!is_ascii(*text, longest)) return odd(name, *text);
  return std::string(*text);
}

Result<std::string> token_in(const object& from) {
  const auto* value = find(from, "NextToken");
  if (value == nullptr) return std::string();
  const auto* text = value->if_string();
  if (text == nullptr || text->size() > k_longest_token) return odd("NextToken", "none");
  return std::string(*text);
}

// An array of objects; missing is empty.
Result<std::vector<object>> list_in(const object& from, std::string_view name) {
  std::vector<object> list;
  const auto* value = find(from, name);
  if (value == nullptr) return list;
  const auto* array = value->if_array();
  if (array == nullptr || array->size() > k_most_a_page) return odd(name, "no list, or too long a one");
  for (const auto& each : *array) {
    if (!each.is_object()) return odd(name, "not of objects");
    list.push_back(each.get_object());
  }
  return list;
}

// AWS writes what isn't set as null, as nothing, or as an empty object.
bool has_any(const object& from, std::string_view name) {
  const auto* value = find(from, name);
  if (value == nullptr) return false;
  if (const auto* inner = value->if_object()) return !inner->empty();
  if (const auto* inner = value->if_array()) return !inner->empty();
  return true;
}

Result<Spend> spend_in(const object& limit) {
  auto amount = text_in(limit, "Amount", k_longest_amount);
  if (!amount) return fail(std::move(amount).error());
  if (!all_in(*amount, "0123456789.Ee+-")) return odd("Amount", *amount);
  auto unit = text_in(limit, "Unit", k_longest_word);
  if (!unit) return fail(std::move(unit).error());
  return Spend{std::move(*amount), std::move(*unit)};
}

// Of the forms that the API documents, so that nothing else is ever sent back.
bool may_be_kept(std::string_view name, const boost::json::value& value) {
  const auto all_of = [](const auto& list, auto fits) {
    return list.size() <= k_most_a_page && std::all_of(list.begin(), list.end(), fits);
  };
  if (name == "TimePeriod") {
    return value.is_object() && all_of(value.get_object(), [](const auto& each) {
             return each.value().is_number() || each.value().is_null();
           });
  }
  if (name == "CostTypes") {
    return value.is_object() && all_of(value.get_object(), [](const auto& each) {
             return each.value().is_bool() || each.value().is_null();
           });
  }
  const auto is_word = [](const auto& each) {
    return each.is_string() && is_ascii(each.get_string(), k_longest_kept);
  };
  return name == "Metrics" ? value.is_array() && all_of(value.get_array(), is_word) : is_word(value);
}

Result<Notification> notification_from(const object& from) {
  Notification notification;
  for (const auto& [name, into] : {std::pair{"NotificationType", &notification.type},
                                   {"ComparisonOperator", &notification.comparison}}) {
    auto text = text_in(from, name, k_longest_word);
    if (!text) return fail(std::move(text).error());
    *into = std::move(*text);
  }
  if (find(from, "ThresholdType") != nullptr) {
    auto text = text_in(from, "ThresholdType", k_longest_word);
    if (!text) return fail(std::move(text).error());
    notification.threshold_type = std::move(*text);
  }
  const auto* threshold = find(from, "Threshold");
  boost::system::error_code failed;
  const double number = threshold != nullptr ? threshold->to_number<double>(failed) : -1;
  if (failed || !(number >= 0 && number <= k_most_threshold)) return odd("Threshold", "no number");
  notification.threshold = number;
  return notification;
}

}  // namespace

Result<Budget> parse_budget(std::string_view json) {
  auto reply = object_of(json);
  if (!reply) return fail(std::move(reply).error());
  const auto* value = find(*reply, "Budget");
  if (value == nullptr || !value->is_object()) return odd("Budget", "missing");
  const auto& told = value->get_object();
  Budget budget;
  const auto* name = find(told, "BudgetName");
  if (name == nullptr || !name->is_string() || name->get_string().size() > k_longest_name)
    return odd("BudgetName", "no name");
  budget.name = std::string(name->get_string());
  for (const auto& [field, into] : {std::pair{"BudgetType", &budget.type}, {"TimeUnit", &budget.time_unit}}) {
    auto text = text_in(told, field, k_longest_word);
    if (!text) return fail(std::move(text).error());
    *into = std::move(*text);
  }
  if (const auto* limit = find(told, "BudgetLimit")) {
    if (!limit->is_object()) return odd("BudgetLimit", "no amount");
    auto spend = spend_in(limit->get_object());
    if (!spend) return fail(std::move(spend).error());
    budget.limit = std::move(*spend);
  }
  budget.filtered = has_any(told, "CostFilters") || has_any(told, "FilterExpression");
  budget.planned = has_any(told, "PlannedBudgetLimits");
  budget.auto_adjusted = has_any(told, "AutoAdjustData");
  for (const auto* kept : {"TimePeriod", "CostTypes", "Metrics", "BillingViewArn"}) {
    const auto* field = find(told, kept);
    if (field == nullptr) continue;
    if (!may_be_kept(kept, *field)) return odd(kept, "of no form that is known");
    if (has_any(told, kept)) budget.kept[kept] = *field;
  }
  // "Either FilterExpression and Metrics or CostFilters and CostTypes, not both" (UpdateBudget).
  if (budget.kept.contains("CostTypes")) budget.kept.erase("Metrics");
  return budget;
}

Result<NotificationPage> parse_notifications(std::string_view json) {
  auto reply = object_of(json);
  if (!reply) return fail(std::move(reply).error());
  auto list = list_in(*reply, "Notifications");
  if (!list) return fail(std::move(list).error());
  NotificationPage page;
  for (const auto& each : *list) {
    auto notification = notification_from(each);
    if (!notification) return fail(std::move(notification).error());
    page.notifications.push_back(std::move(*notification));
  }
  auto token = token_in(*reply);
  if (!token) return fail(std::move(token).error());
  page.next = std::move(*token);
  return page;
}

Result<SubscriberPage> parse_subscribers(std::string_view json) {
  auto reply = object_of(json);
  if (!reply) return fail(std::move(reply).error());
  auto list = list_in(*reply, "Subscribers");
  if (!list) return fail(std::move(list).error());
  SubscriberPage page;
  for (const auto& each : *list) {
    auto type = text_in(each, "SubscriptionType", k_longest_word);
    if (!type) return fail(std::move(type).error());
    auto address = text_in(each, "Address", k_longest_address);
    if (!address) return fail(std::move(address).error());
    page.subscribers.push_back({std::move(*type), std::move(*address)});
  }
  auto token = token_in(*reply);
  if (!token) return fail(std::move(token).error());
  page.next = std::move(*token);
  return page;
}

}  // namespace curfew::aws
