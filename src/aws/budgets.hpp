// AWS Budgets: one budget, its notifications and who gets them; behind an interface for tests. Budgets belong to the
// account, not to a region. Permissions: budgets:ViewBudget for what reads, budgets:ModifyBudget for what writes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "aws/session.hpp"
#include "base/result.hpp"

namespace curfew::aws {

struct Spend {
  std::string amount;  // "50.0": AWS's own decimal text
  std::string unit;    // "USD"
  friend bool operator==(const Spend&, const Spend&) = default;
};

struct Budget {
  std::string name;
  std::string type;            // "COST"
  std::string time_unit;       // "MONTHLY"
  std::optional<Spend> limit;  // nothing: planned for each month, or adjusted by AWS
  // It counts a part of the costs only, or its limit isn't one fixed amount: somebody has shaped it on purpose.
  bool filtered = false;
  bool planned = false;
  bool auto_adjusted = false;
  // TimePeriod, CostTypes, Metrics, BillingViewArn as AWS told them: an update replaces the whole budget, so they are sent
  // back. Empty: AWS's defaults.
  boost::json::object kept;
};

struct Notification {
  std::string type;        // "ACTUAL", "FORECASTED"
  std::string comparison;  // "GREATER_THAN"
  double threshold = 0;
  std::string threshold_type = "PERCENTAGE";  // or "ABSOLUTE_VALUE"
  friend bool operator==(const Notification&, const Notification&) = default;
};

struct Subscriber {
  std::string type;     // "EMAIL", "SNS"
  std::string address;  // printable ASCII
  friend bool operator==(const Subscriber&, const Subscriber&) = default;
};

// Each call ends within 30 s once there are credentials. Error.code is AWS's own: "AccessDeniedException".
class Budgets {
 public:
  virtual ~Budgets() = default;
  // Nothing where there's none of that name.
  [[nodiscard]] virtual Awaitable<Result<std::optional<Budget>>> budget(std::string name) = 0;
  // All of them, or an error.
  [[nodiscard]] virtual Awaitable<Result<std::vector<Notification>>> notifications(std::string budget) = 0;
  [[nodiscard]] virtual Awaitable<Result<std::vector<Subscriber>>> subscribers(std::string budget,
                                                                               Notification notification) = 0;
  // With a notification each to the one subscriber. Error.code "DuplicateRecordException": there is one of that name.
  [[nodiscard]] virtual Awaitable<Status> create_budget(Budget budget,
                                                        std::vector<Notification> notifications,
                                                        Subscriber subscriber) = 0;
  // Notifications stay; the spend so far shows as 0 until AWS has reckoned it anew.
  [[nodiscard]] virtual Awaitable<Status> update_budget(Budget budget) = 0;
  [[nodiscard]] virtual Awaitable<Status> create_notification(std::string budget, Notification notification,
                                                              Subscriber subscriber) = 0;
  [[nodiscard]] virtual Awaitable<Status> create_subscriber(std::string budget, Notification notification,
                                                            Subscriber subscriber) = 0;
};

// Of the account (12 digits) in the commercial partition. The session must outlive it.
[[nodiscard]] std::unique_ptr<Budgets> make_budgets(Session& session, std::string account);

// Pure; for budgets.cpp and its tests.
struct NotificationPage {
  std::vector<Notification> notifications;
  std::string next;
};
struct SubscriberPage {
  std::vector<Subscriber> subscribers;
  std::string next;
};
[[nodiscard]] Result<Budget> parse_budget(std::string_view json);
[[nodiscard]] Result<NotificationPage> parse_notifications(std::string_view json);
[[nodiscard]] Result<SubscriberPage> parse_subscribers(std::string_view json);

}  // namespace curfew::aws
