#include "aws/budgets.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

constexpr const char* k_budget =
    R"({"Budget":{"BudgetLimit":{"Amount":"50.0","Unit":"USD"},"BudgetName":"curfew-billing","BudgetType":"COST",)"
    R"("CalculatedSpend":{"ActualSpend":{"Amount":"12.345","Unit":"USD"}},"CostFilters":{},)"
    R"("CostTypes":{"IncludeCredit":false,"UseBlended":false},"LastUpdatedTime":1.7640288E9,)"
    R"("TimePeriod":{"End":3706473600,"Start":1761955200},"TimeUnit":"MONTHLY","HealthStatus":{"Status":"HEALTHY"}}})";
const Notification k_spent{"ACTUAL", "GREATER_THAN", 80};
const Subscriber k_you{"EMAIL", "you@example.org"};

class BudgetsTest : public testing::Test, protected SessionFixture {
 protected:
  std::string body(std::size_t number) { return test::body_of(http.requests.at(number)); }
  std::string target(std::size_t number) { return test::header_of(http.requests.at(number), "X-Amz-Target"); }
  std::unique_ptr<Budgets> budgets_ = make_budgets(*session, "123456789012");
};

TEST_F(BudgetsTest, ReadsABudgetAtTheOneEndpoint) {
  session->environment["AWS_REGION"] = "ap-southeast-2";
  http.then(200, k_budget);
  const auto budget = test::run(budgets_->budget("curfew-billing"));
  ASSERT_TRUE(budget) << budget.error().text();
  ASSERT_TRUE(*budget);
  EXPECT_EQ((*budget)->limit, (Spend{"50.0", "USD"}));
  EXPECT_EQ((*budget)->type, "COST");
  EXPECT_EQ((*budget)->time_unit, "MONTHLY");
  EXPECT_FALSE((*budget)->filtered || (*budget)->planned || (*budget)->auto_adjusted);
  const auto& request = http.requests.at(0);
  EXPECT_EQ(request.url.host, "budgets.amazonaws.com");
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(target(0), "AWSBudgetServiceGateway.DescribeBudget");
  EXPECT_EQ(test::header_of(request, "Content-Type"), "application/x-amz-json-1.1");
  EXPECT_NE(test::header_of(request, "Authorization").find("/us-east-1/budgets/aws4_request"),
            std::string::npos);
  EXPECT_EQ(body(0),
            R"({"AccountId":"123456789012","BudgetName":"curfew-billing","ShowFilterExpression":true})");
}

TEST_F(BudgetsTest, NoBudgetOfThatNameIsNothing) {
  http.then(
      400,
      R"({"__type":"NotFoundException","Message":"Unable to get budget: x - the budget doesn't exist."})");
  const auto budget = test::run(budgets_->budget("x"));
  ASSERT_TRUE(budget) << budget.error().text();
  EXPECT_FALSE(*budget);
  http.then(400, R"({"__type":"AccessDeniedException","Message":"User: x is not authorized"})");
  const auto denied = test::run(budgets_->budget("x"));
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, "AccessDeniedException");
}

TEST_F(BudgetsTest, CreatesWithItsNotifications) {
  http.then(200, "{}");
  Budget budget;
  budget.name = "curfew-billing";
  budget.type = "COST";
  budget.time_unit = "MONTHLY";
  budget.limit = Spend{"49.99", "USD"};
  EXPECT_TRUE(
      test::run(budgets_->create_budget(budget, {k_spent, {"FORECASTED", "GREATER_THAN", 100}}, k_you)));
  EXPECT_EQ(target(0), "AWSBudgetServiceGateway.CreateBudget");
  EXPECT_EQ(
      body(0),
      R"({"AccountId":"123456789012","Budget":{"BudgetName":"curfew-billing","BudgetLimit":{"Amount":"49.99","Unit":"USD"},)"
      R"("TimeUnit":"MONTHLY","BudgetType":"COST"},"NotificationsWithSubscribers":[)"
      R"({"Notification":{"NotificationType":"ACTUAL","ComparisonOperator":"GREATER_THAN","Threshold":80,)"
      R"("ThresholdType":"PERCENTAGE"},"Subscribers":[{"SubscriptionType":"EMAIL","Address":"you@example.org"}]},)"
      R"({"Notification":{"NotificationType":"FORECASTED","ComparisonOperator":"GREATER_THAN","Threshold":100,)"
      R"("ThresholdType":"PERCENTAGE"},"Subscribers":[{"SubscriptionType":"EMAIL","Address":"you@example.org"}]}]})");
}

TEST_F(BudgetsTest, AnUpdateSendsBackWhatItDoesNotChange) {
  http.then(200, k_budget);
  auto budget = **test::run(budgets_->budget("curfew-billing"));
  budget.limit = Spend{"60", "USD"};
  http.then(200, "{}");
  EXPECT_TRUE(test::run(budgets_->update_budget(budget)));
  EXPECT_EQ(target(1), "AWSBudgetServiceGateway.UpdateBudget");
  EXPECT_EQ(
      body(1),
      R"({"AccountId":"123456789012","NewBudget":{"BudgetName":"curfew-billing","BudgetLimit":{"Amount":"60","Unit":"USD"},)"
      R"("TimeUnit":"MONTHLY","BudgetType":"COST","TimePeriod":{"End":3706473600,"Start":1761955200},)"
      R"("CostTypes":{"IncludeCredit":false,"UseBlended":false}}})");
}

TEST_F(BudgetsTest, ReadsAllPagesOfNotifications) {
  http.then(
      200,
      R"({"Notifications":[{"NotificationType":"ACTUAL","ComparisonOperator":"GREATER_THAN","Threshold":80.0,)"
      R"("ThresholdType":"PERCENTAGE","NotificationState":"OK"}],"NextToken":"2"})");
  http.then(
      200,
      R"({"Notifications":[{"NotificationType":"ACTUAL","ComparisonOperator":"LESS_THAN","Threshold":1.5,)"
      R"("ThresholdType":"ABSOLUTE_VALUE"}],"NextToken":null})");
  const auto notifications = test::run(budgets_->notifications("b"));
  ASSERT_TRUE(notifications) << notifications.error().text();
  EXPECT_EQ(*notifications,
            (std::vector<Notification>{k_spent, {"ACTUAL", "LESS_THAN", 1.5, "ABSOLUTE_VALUE"}}));
  EXPECT_EQ(body(0), R"({"AccountId":"123456789012","BudgetName":"b","MaxResults":100})");
  EXPECT_EQ(body(1), R"({"AccountId":"123456789012","BudgetName":"b","MaxResults":100,"NextToken":"2"})");
}

TEST_F(BudgetsTest, ReadsAndAddsSubscribers) {
  http.then(200, R"({"Subscribers":[{"SubscriptionType":"EMAIL","Address":"you@example.org"}]})");
  const auto subscribers = test::run(budgets_->subscribers("b", k_spent));
  ASSERT_TRUE(subscribers) << subscribers.error().text();
  EXPECT_EQ(*subscribers, std::vector<Subscriber>{k_you});
  const std::string notification =
      R"("Notification":{"NotificationType":"ACTUAL","ComparisonOperator":"GREATER_THAN","Threshold":80,)"
      R"("ThresholdType":"PERCENTAGE"})";
  EXPECT_EQ(body(0),
            R"({"AccountId":"123456789012","BudgetName":"b",)" + notification + R"(,"MaxResults":100})");
  http.then(200, "{}");
  EXPECT_TRUE(test::run(budgets_->create_subscriber("b", k_spent, k_you)));
  EXPECT_EQ(target(1), "AWSBudgetServiceGateway.CreateSubscriber");
  EXPECT_EQ(body(1), R"({"AccountId":"123456789012","BudgetName":"b",)" + notification +
                         R"(,"Subscriber":{"SubscriptionType":"EMAIL","Address":"you@example.org"}})");
  http.then(200, "");
  EXPECT_TRUE(test::run(budgets_->create_notification("b", k_spent, k_you)));
  EXPECT_EQ(target(2), "AWSBudgetServiceGateway.CreateNotification");
  EXPECT_EQ(body(2), R"({"AccountId":"123456789012","BudgetName":"b",)" + notification +
                         R"(,"Subscribers":[{"SubscriptionType":"EMAIL","Address":"you@example.org"}]})");
}

TEST_F(BudgetsTest, AHotelsSignInPageHasMadeNothing) {
  for (int i = 0; i < 3; ++i) http.then(200, "<html>Sign in</html>");
  const auto made = test::run(budgets_->update_budget({}));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::unavailable);
}

TEST(BudgetReplies, TellWhatSomebodyHasShaped) {
  const std::string whole = k_budget;
  const auto with = [&](const std::string& field) {
    return parse_budget(whole.substr(0, whole.size() - 2) + "," + field + "}}");
  };
  EXPECT_TRUE(
      with(R"("FilterExpression":{"Dimensions":{"Key":"SERVICE","Values":["Amazon EC2"]}})")->filtered);
  EXPECT_TRUE(with(R"("PlannedBudgetLimits":{"1761955200":{"Amount":"1","Unit":"USD"}})")->planned);
  EXPECT_TRUE(with(R"("AutoAdjustData":{"AutoAdjustType":"FORECAST"})")->auto_adjusted);
  EXPECT_FALSE(with(R"("FilterExpression":null,"PlannedBudgetLimits":{},"AutoAdjustData":null)")->filtered);
  // Sent back with an update, which takes one of the two only.
  EXPECT_FALSE(with(R"("Metrics":["UnblendedCost"])")->kept.contains("Metrics"));
  const auto kept = parse_budget(
      R"({"Budget":{"BudgetName":"b","BudgetType":"COST","TimeUnit":"MONTHLY","Metrics":["UnblendedCost"],)"
      R"("BillingViewArn":"arn:aws:billing::1:billingview/primary"}})");
  ASSERT_TRUE(kept);
  EXPECT_EQ(boost::json::serialize(kept->kept),
            R"({"Metrics":["UnblendedCost"],"BillingViewArn":"arn:aws:billing::1:billingview/primary"})");
}

TEST(BudgetReplies, BelieveOnlyWhatHasTheForm) {
  for (
      const auto* bad :
      {"", "[]", "{}", R"({"Budget":7})", R"({"Budget":{}})",
       R"({"Budget":{"BudgetName":"b","BudgetType":"COST"}})",
       R"({"Budget":{"BudgetName":"b","BudgetType":"COST","TimeUnit":"MONTHLY","BudgetLimit":{"Amount":50,"Unit":"USD"}}})",
       R"({"Budget":{"BudgetName":"b","BudgetType":"COST","TimeUnit":"MONTHLY","BudgetLimit":{"Amount":"5 $","Unit":"USD"}}})",
       R"({"Budget":{"BudgetName":"b","BudgetType":"COST","TimeUnit":"MONTHLY","CostTypes":{"UseBlended":"no"}}})",
       R"({"Budget":{"BudgetName":"b","BudgetType":"C\u001bT","TimeUnit":"MONTHLY"}})"})
    EXPECT_FALSE(parse_budget(bad)) << bad;
  for (const auto* bad :
       {"{\"Notifications\":7}", "{\"Notifications\":[7]}",
        R"({"Notifications":[{"NotificationType":"ACTUAL","ComparisonOperator":"X"}]})",
        R"({"Notifications":[{"NotificationType":"A","ComparisonOperator":"X","Threshold":-1}]})",
        R"({"Notifications":[{"NotificationType":"A","ComparisonOperator":"X","Threshold":1e300}]})",
        R"({"Notifications":[],"NextToken":7})"})
    EXPECT_FALSE(parse_notifications(bad)) << bad;
  for (const auto* bad : {R"({"Subscribers":[{"SubscriptionType":"EMAIL"}]})",
                          R"({"Subscribers":[{"SubscriptionType":"EMAIL","Address":"a\nb"}]})"})
    EXPECT_FALSE(parse_subscribers(bad)) << bad;
}

}  // namespace
}  // namespace curfew::aws
