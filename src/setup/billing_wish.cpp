// What is wished for: its words checked, and what they come to in AWS's terms.
#include <algorithm>
#include <cstdio>

#include "base/text.hpp"
#include "setup/billing.hpp"

namespace curfew::setup {
namespace {

constexpr std::string_view k_digits = "0123456789";
constexpr std::string_view k_letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view k_of_local_parts = "!#$%&'*+/=?^_`{|}~-.";  // RFC 5322, atext and dots
// RFC 5321: a local part, a domain's label, a path without its brackets.
constexpr std::size_t k_longest_local = 64;
constexpr std::size_t k_longest_label = 63;
constexpr std::size_t k_longest_email = 254;
constexpr std::size_t k_longest_name = 100;  // a budget's

constexpr std::int64_t k_cent = 10'000;  // micro-dollars
// EstimatedCharges comes a few times a day; six hours is what AWS's own guide to billing alarms takes.
constexpr std::uint64_t k_period = 21'600;

bool is_of(std::string_view text, std::string_view more) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return k_digits.find(c) != std::string_view::npos || k_letters.find(c) != std::string_view::npos ||
           more.find(c) != std::string_view::npos;
  });
}

bool is_domain(std::string_view domain) {
  const auto labels = split(domain, '.');
  if (labels.size() < 2) return false;
  const bool all = std::all_of(labels.begin(), labels.end(), [](std::string_view label) {
    return is_of(label, "-") && label.size() <= k_longest_label && label.front() != '-' &&
           label.back() != '-';
  });
  // A top level of digits is an address.
  return all && labels.back().find_first_not_of(k_digits) != std::string_view::npos;
}

bool is_local_part(std::string_view local) {
  return is_of(local, k_of_local_parts) && local.size() <= k_longest_local && local.front() != '.' &&
         local.back() != '.' && local.find("..") == std::string_view::npos;
}

// "50", "50.25": whole cents.
std::string amount_text(Micros limit) {
  const auto cents = limit.count / k_cent;
  auto text = std::to_string(cents / 100);
  if (const auto rest = cents % 100; rest != 0) text += (rest < 10 ? ".0" : ".") + std::to_string(rest);
  return text;
}

}  // namespace

Result<std::string> parse_email(std::string_view text) {
  const auto at = text.find('@');
  if (at == std::string_view::npos || text.size() > k_longest_email || !is_local_part(text.substr(0, at)) ||
      !is_domain(text.substr(at + 1)))
    return fail(ErrorKind::invalid_input, "'" + printable(text, 80) + "'", "is no e-mail address",
                "as you@example.org");
  return std::string(text);
}

Result<Micros> parse_monthly_limit(std::string_view text) {
  auto limit = parse_dollars(text);
  if (!limit) return limit;
  if (limit->count % k_cent != 0)
    return fail(ErrorKind::invalid_input, "amount '" + printable(text, 40) + "'", "has a part of a cent",
                "write dollars as 50 or 49.99");
  return limit;
}

Result<std::string> parse_name(std::string_view text) {
  if (!is_of(text, "-_") || text.size() > k_longest_name)
    return fail(ErrorKind::invalid_input, "'" + printable(text, 80) + "'",
                "can't be the name of a topic, an alarm and a budget",
                "1 to 100 letters, digits, - and _, as curfew-billing");
  return std::string(text);
}

aws::Topic topic_of(const BillingWish& wish) {
  return {std::string(k_billing_region), wish.account, wish.name};
}

aws::Metric billing_metric() { return {"AWS/Billing", "EstimatedCharges", {{"Currency", "USD"}}}; }

aws::MetricAlarm alarm_for(const BillingWish& wish) {
  aws::MetricAlarm alarm;
  alarm.name = wish.name;
  alarm.description = "Estimated charges of this month are above " + format_dollars(wish.limit) +
                      ". Made by curfew setup billing; `curfew check` shows what runs.";
  alarm.alarm_actions = {topic_of(wish).arn()};
  alarm.metric = billing_metric();
  alarm.statistic = "Maximum";
  alarm.period = k_period;
  alarm.evaluation_periods = 1;
  alarm.threshold = static_cast<double>(wish.limit.count) / 1e6;
  alarm.comparison = "GreaterThanThreshold";
  alarm.treat_missing_data = "missing";
  return alarm;
}

aws::Budget budget_for(const BillingWish& wish) {
  aws::Budget budget;
  budget.name = wish.name;
  budget.type = "COST";
  budget.time_unit = "MONTHLY";
  budget.limit = aws::Spend{amount_text(wish.limit), "USD"};
  return budget;
}

aws::Subscriber subscriber_of(const BillingWish& wish) { return {"EMAIL", wish.email}; }

std::array<aws::Notification, 4> wanted_notifications() {
  return {{{"ACTUAL", "GREATER_THAN", 50},
           {"ACTUAL", "GREATER_THAN", 80},
           {"ACTUAL", "GREATER_THAN", 100},
           {"FORECASTED", "GREATER_THAN", 100}}};
}

}  // namespace curfew::setup
