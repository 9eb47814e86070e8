// AWS Budgets by the JSON protocol, version 1.1.
#include "aws/budgets.hpp"

#include <cmath>
#include <iterator>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "aws/core/call.hpp"
#include "aws/pages.hpp"
#include "base/text.hpp"

namespace curfew::aws {
namespace {

using boost::json::object;

constexpr net::Limits k_limits{Millis{5'000}, Millis{10'000}, Millis{15'000}, 1U << 20U};
constexpr Millis k_total{30'000};

constexpr int k_a_page = 100;
constexpr std::size_t k_most_pages = 20;
constexpr std::size_t k_longest_said = 100;
// Where the service of the commercial partition is, whatever the region.
constexpr const char* k_region = "us-east-1";

object json_of(const Notification& notification) {
  object json;
  json["NotificationType"] = notification.type;
  json["ComparisonOperator"] = notification.comparison;
  // 50 rather than 5E1.
  if (const auto whole = std::llround(notification.threshold);
      static_cast<double>(whole) == notification.threshold)
    json["Threshold"] = whole;
  else json["Threshold"] = notification.threshold;
  json["ThresholdType"] = notification.threshold_type;
  return json;
}

object json_of(const Subscriber& subscriber) {
  object json;
  json["SubscriptionType"] = subscriber.type;
  json["Address"] = subscriber.address;
  return json;
}

object json_of(const Budget& budget) {
  object json;
  json["BudgetName"] = budget.name;
  if (budget.limit) {
    object limit;
    limit["Amount"] = budget.limit->amount;
    limit["Unit"] = budget.limit->unit;
    json["BudgetLimit"] = std::move(limit);
  }
  json["TimeUnit"] = budget.time_unit;
  json["BudgetType"] = budget.type;
  for (const auto& [name, value] : budget.kept) json[name] = value;
  return json;
}

// What writes answers {}, or nothing at all.
Result<bool> parse_written(std::string_view json) {
  if (trimmed(json).empty()) return true;
  boost::system::error_code failed;
  const auto value = boost::json::parse({json.data(), json.size()}, failed);
  if (failed || !value.is_object())
    return fail(ErrorKind::unavailable, "read the reply", "it is cut, or no JSON object");
  return true;
}

class JsonBudgets final : public Budgets {
 public:
  JsonBudgets(Session& session, std::string account) : session_(session), account_(std::move(account)) {}

  Awaitable<Result<std::optional<Budget>>> budget(std::string name) override {
    auto body = body_for(name);
    // Else a budget that counts one service only looks like one that counts all.
    body["ShowFilterExpression"] = true;
    auto asking = ask("DescribeBudget", name, std::move(body), k_total, parse_budget);
    auto told = co_await std::move(asking);
    if (!told && told.error().code == "NotFoundException") co_return std::nullopt;
    if (!told) co_return fail(std::move(told).error());
    if (told->name != name)
      co_return fail(ErrorKind::unavailable, "DescribeBudget " + printable(name, k_longest_said),
                     "the reply is about another budget");
    co_return std::move(*told);
  }

  Awaitable<Result<std::vector<Notification>>> notifications(std::string budget) override {
    auto reading = all_of("DescribeNotificationsForBudget", budget, body_for(budget), parse_notifications,
                          &NotificationPage::notifications);
    co_return co_await std::move(reading);
  }

  Awaitable<Result<std::vector<Subscriber>>> subscribers(std::string budget,
                                                         Notification notification) override {
    auto body = body_for(budget);
    body["Notification"] = json_of(notification);
    auto reading = all_of("DescribeSubscribersForNotification", budget, std::move(body), parse_subscribers,
                          &SubscriberPage::subscribers);
    co_return co_await std::move(reading);
  }

  Awaitable<Status> create_budget(Budget budget, std::vector<Notification> notifications,
                                  Subscriber subscriber) override {
    object body;
    body["AccountId"] = account_;
    body["Budget"] = json_of(budget);
    boost::json::array told;
    for (const auto& notification : notifications) {
      object one;
      one["Notification"] = json_of(notification);
      boost::json::array subscribers;
      subscribers.emplace_back(json_of(subscriber));
      one["Subscribers"] = std::move(subscribers);
      told.emplace_back(std::move(one));
    }
    body["NotificationsWithSubscribers"] = std::move(told);
    auto writing = write("CreateBudget", budget.name, std::move(body));
    co_return co_await std::move(writing);
  }

  Awaitable<Status> update_budget(Budget budget) override {
    object body;
    body["AccountId"] = account_;
    body["NewBudget"] = json_of(budget);
    auto writing = write("UpdateBudget", budget.name, std::move(body));
    co_return co_await std::move(writing);
  }

  Awaitable<Status> create_notification(std::string budget, Notification notification,
                                        Subscriber subscriber) override {
    auto body = body_for(budget);
    body["Notification"] = json_of(notification);
    boost::json::array subscribers;
    subscribers.emplace_back(json_of(subscriber));
    body["Subscribers"] = std::move(subscribers);
    auto writing = write("CreateNotification", budget, std::move(body));
    co_return co_await std::move(writing);
  }

  Awaitable<Status> create_subscriber(std::string budget, Notification notification,
                                      Subscriber subscriber) override {
    auto body = body_for(budget);
    body["Notification"] = json_of(notification);
    body["Subscriber"] = json_of(subscriber);
    auto writing = write("CreateSubscriber", budget, std::move(body));
    co_return co_await std::move(writing);
  }

 private:
  [[nodiscard]] object body_for(const std::string& budget) const {
    object body;
    body["AccountId"] = account_;
    body["BudgetName"] = budget;
    return body;
  }

  template <class T>
  Awaitable<Result<T>> ask(std::string operation, std::string budget, object body, Millis total,
                           Result<T> (*parse)(std::string_view)) {
    const auto what = operation + " " + printable(budget, k_longest_said);
    auto endpoint = session_.endpoint("budgets", k_region);
    if (!endpoint) co_return fail(std::move(endpoint).error().within(what));
    Call call;
    call.what = what;
    call.service = "budgets";
    call.region = k_region;
    call.limits = k_limits;
    call.total = total;
    call.request.method = "POST";
    call.request.url = std::move(endpoint->url);
    call.request.headers.push_back({"Content-Type", "application/x-amz-json-1.1"});
    call.request.headers.push_back({"X-Amz-Target", "AWSBudgetServiceGateway." + operation});
    call.request.body = boost::json::serialize(body);
    std::optional<T> answer;
    call.read = [&answer, parse](net::Response& response) -> Status {
      auto read = parse(response.body);
      if (!read) return fail(std::move(read).error());
      answer.emplace(std::move(*read));
      return {};
    };
    auto response = co_await perform(session_, std::move(call));
    if (!response) co_return fail(std::move(response).error().error);
    co_return std::move(*answer);
  }

  Awaitable<Status> write(std::string operation, std::string budget, object body) {
    auto asking = ask(std::move(operation), std::move(budget), std::move(body), k_total, parse_written);
    auto written = co_await std::move(asking);
    if (!written) co_return fail(std::move(written).error());
    co_return Status{};
  }

  template <class Page, class Item>
  Awaitable<Result<std::vector<Item>>> all_of(std::string operation, std::string budget, object body,
                                              Result<Page> (*parse)(std::string_view),
                                              std::vector<Item> Page::*items) {
    const auto what = operation + " " + printable(budget, k_longest_said);
    const auto end = session_.clock.boot() + k_total;
    body["MaxResults"] = k_a_page;
    std::vector<Item> found;
    PageRule rule(what, k_most_pages);
    for (;;) {
      const auto left = end - session_.clock.boot();
      if (left <= Millis{0})
        co_return fail(ErrorKind::timed_out, what, "not all pages came within 30 seconds");
      auto asking = ask(operation, budget, body, left, parse);
      auto page = co_await std::move(asking);
      if (!page) co_return fail(std::move(page).error());
      auto& listed = (*page).*items;
      std::move(listed.begin(), listed.end(), std::back_inserter(found));
      const auto next = rule.after(page->next);
      if (!next) co_return fail(Error{next.error()});
      if (*next == NextPage::none) co_return found;
      body["NextToken"] = page->next;
    }
  }

  Session& session_;
  std::string account_;
};

}  // namespace

std::unique_ptr<Budgets> make_budgets(Session& session, std::string account) {
  return std::make_unique<JsonBudgets>(session, std::move(account));
}

}  // namespace curfew::aws
