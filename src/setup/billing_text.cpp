// The plan in words.
#include <algorithm>
#include <cmath>

#include "setup/billing.hpp"

namespace curfew::setup {

std::string title_of(PartName part, const BillingWish& wish) {
  switch (part) {
    case PartName::topic: return "SNS topic " + wish.name;
    case PartName::subscription: return "mail of the topic to " + wish.email;
    case PartName::alarm: return "CloudWatch alarm " + wish.name;
    case PartName::budget: return "AWS budget " + wish.name;
    case PartName::notifications: return "mail of the budget to " + wish.email;
  }
  return "";
}

std::string text_of(const aws::Notification& notification) {
  return std::to_string(std::llround(notification.threshold)) + " %" +
         (notification.type == "ACTUAL" ? " spent" : " forecast");
}

std::string text_of(const BillingPlan& plan, const BillingWish& wish) {
  std::string text = "Account " + wish.account + ", " + format_dollars(wish.limit) +
                     " a month; the topic and the alarm in " + std::string(k_billing_region) + "\n\n";
  std::size_t width = 0;
  for (const auto& part : plan.parts) width = std::max(width, title_of(part.name, wish).size());
  for (const auto& part : plan.parts)
    text += part_line(title_of(part.name, wish), width, part.verdict, part.details);
  return text;
}

std::string by_hand_text(const BillingPlan& plan) {
  if (plan.by_hand.empty()) return {};
  std::string text = "\nLeft for you:\n";
  for (const auto& each : plan.by_hand) text += "  - " + each + "\n";
  return text;
}

}  // namespace curfew::setup
