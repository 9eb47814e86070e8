#include "aws/cloudwatch.hpp"

#include <gtest/gtest.h>

#include "unit/aws/recorded.hpp"
#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

const Metric k_billing{"AWS/Billing", "EstimatedCharges", {{"Currency", "USD"}}};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

class CloudWatchTest : public testing::Test, protected SessionFixture {
 protected:
  std::unique_ptr<CloudWatch> cloudwatch_ = make_cloudwatch(*session, "us-east-1");
};

TEST_F(CloudWatchTest, ReadsTheAlarmOfThatName) {
  http.then(200, test::recorded("describe_alarms.xml"));
  const auto found = test::run(cloudwatch_->alarm("curfew-billing"));
  ASSERT_TRUE(found) << found.error().text();
  ASSERT_TRUE(*found);
  MetricAlarm wanted;
  wanted.name = "curfew-billing";
  wanted.description = "Too much & more";
  wanted.alarm_actions = {"arn:aws:sns:us-east-1:123456789012:curfew-billing",
                          "arn:aws:sns:us-east-1:123456789012:pager"};
  wanted.metric = k_billing;
  wanted.statistic = "Maximum";
  wanted.period = 21'600;
  wanted.evaluation_periods = 1;
  wanted.threshold = 50;
  wanted.comparison = "GreaterThanThreshold";
  wanted.treat_missing_data = "missing";
  wanted.state = "INSUFFICIENT_DATA";
  EXPECT_EQ(**found, wanted);
  const auto& request = http.requests.at(0);
  EXPECT_EQ(request.url.host, "monitoring.us-east-1.amazonaws.com");
  EXPECT_EQ(test::body_of(request),
            "Action=DescribeAlarms&Version=2010-08-01&AlarmNames.member.1=curfew-billing&AlarmTypes.member.1="
            "MetricAlarm");
  EXPECT_NE(test::header_of(request, "Authorization").find("/us-east-1/monitoring/aws4_request"),
            std::string::npos);
}

TEST_F(CloudWatchTest, NoAlarmOfThatNameIsNothing) {
  http.then(200,
            "<DescribeAlarmsResponse><DescribeAlarmsResult><MetricAlarms/></DescribeAlarmsResult>"
            "</DescribeAlarmsResponse>");
  const auto found = test::run(cloudwatch_->alarm("curfew-billing"));
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
}

TEST_F(CloudWatchTest, PutsAnAlarm) {
  auto alarm = parse_alarms(test::recorded("describe_alarms.xml"))->at(0);
  alarm.threshold = 10'000'000.25;
  http.then(
      200,
      "<PutMetricAlarmResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><ResponseMetadata>"
      "<RequestId>r</RequestId></ResponseMetadata></PutMetricAlarmResponse>");
  EXPECT_TRUE(test::run(cloudwatch_->put_metric_alarm(alarm)));
  EXPECT_EQ(
      test::body_of(http.requests.at(0)),
      "Action=PutMetricAlarm&Version=2010-08-01&AlarmName=curfew-billing"
      "&AlarmDescription=Too%20much%20%26%20more&ActionsEnabled=true"
      "&AlarmActions.member.1=arn%3Aaws%3Asns%3Aus-east-1%3A123456789012%3Acurfew-billing"
      "&AlarmActions.member.2=arn%3Aaws%3Asns%3Aus-east-1%3A123456789012%3Apager"
      "&MetricName=EstimatedCharges&Namespace=AWS%2FBilling&Statistic=Maximum"
      "&Dimensions.member.1.Name=Currency&Dimensions.member.1.Value=USD&Period=21600&EvaluationPeriods=1"
      "&Threshold=10000000.25&ComparisonOperator=GreaterThanThreshold&TreatMissingData=missing");
}

TEST_F(CloudWatchTest, OnlyTheMetricOfTheWholeAccountCounts) {
  http.then(200, test::recorded("list_billing_metrics.xml"));
  EXPECT_EQ(test::run(cloudwatch_->has_metric(k_billing)), true);
  EXPECT_EQ(test::body_of(http.requests.at(0)),
            "Action=ListMetrics&Version=2010-08-01&Namespace=AWS%2FBilling&MetricName=EstimatedCharges"
            "&Dimensions.member.1.Name=Currency&Dimensions.member.1.Value=USD");
  const auto of_a_service =
      replaced(test::recorded("list_billing_metrics.xml"),
               "<Dimensions>\n          <member><Name>Currency</Name><Value>USD</Value></member>",
               "<Dimensions><member><Name>LinkedAccount</Name><Value>1</Value></member>");
  http.then(200, replaced(of_a_service, "</Metrics>", "</Metrics><NextToken>2</NextToken>"));
  http.then(200,
            "<ListMetricsResponse><ListMetricsResult><Metrics/></ListMetricsResult></ListMetricsResponse>");
  EXPECT_EQ(test::run(cloudwatch_->has_metric(k_billing)), false);
  EXPECT_TRUE(test::body_of(http.requests.at(2)).ends_with("&NextToken=2"));
}

TEST_F(CloudWatchTest, KeepsItsOwnCode) {
  http.then(403,
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: x is not "
            "authorized to "
            "perform: cloudwatch:DescribeAlarms</Message></Error></ErrorResponse>");
  const auto found = test::run(cloudwatch_->alarm("curfew-billing"));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, "AccessDenied");
  EXPECT_EQ(found.error().kind, ErrorKind::refused);
}

TEST(Alarms, ThresholdsAreReadAsJavaWritesThem) {
  const auto text = test::recorded("describe_alarms.xml");
  for (const auto& [written, value] : {std::pair{"1.0E7", 1e7}, {"50.25", 50.25}, {"-3", -3.0}}) {
    const auto alarms = parse_alarms(replaced(text, ">50.0<", std::string(">") + written + "<"));
    ASSERT_TRUE(alarms) << written;
    EXPECT_EQ(alarms->at(0).threshold, value);
  }
}

TEST(Alarms, AreBelievedOnlyWhereTheyHaveTheForm) {
  const auto text = test::recorded("describe_alarms.xml");
  for (const auto& [from, to] : {std::pair{">50.0<", ">nan<"},
                                 {">50.0<", ">inf<"},
                                 {">50.0<", ">5o<"},
                                 {">50.0<", "><"},
                                 {">true<", ">maybe<"},
                                 {">21600<", ">999999999<"},
                                 {">1<", ">-1<"},
                                 {">INSUFFICIENT_DATA<", ">\xc3\xa9<"},
                                 {">Maximum<", ">\x7f<"},
                                 {">AWS/Billing<", "><"},
                                 {"<AlarmName>curfew-billing", "<AlarmName>"}})
    EXPECT_FALSE(parse_alarms(replaced(text, from, to))) << from << to;
  EXPECT_FALSE(parse_alarms("<DescribeAlarmsResponse/>"));
  EXPECT_FALSE(parse_metrics("<ListMetricsResponse/>"));
  for (std::size_t size = 0; size + 1 < text.size(); size += 7)
    EXPECT_FALSE(parse_alarms(text.substr(0, size))) << size;
}

TEST(Alarms, OfOtherKindsHaveNoMetric) {
  const auto alarms = parse_alarms(
      "<DescribeAlarmsResponse><DescribeAlarmsResult><MetricAlarms><member><AlarmName>maths</AlarmName>"
      "<ActionsEnabled>true</ActionsEnabled><StateValue>OK</StateValue><Metrics><member><Id>e1</Id></"
      "member></Metrics>"
      "</member></MetricAlarms></DescribeAlarmsResult></DescribeAlarmsResponse>");
  ASSERT_TRUE(alarms) << alarms.error().text();
  EXPECT_TRUE(alarms->at(0).metric.name.empty());
}

}  // namespace
}  // namespace curfew::aws
