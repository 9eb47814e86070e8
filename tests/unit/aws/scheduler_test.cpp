#include "aws/scheduler.hpp"

#include <gtest/gtest.h>

#include "unit/aws/recorded.hpp"
#include "unit/aws/session_fixture.hpp"

namespace curfew::aws {
namespace {

using test::recorded;

constexpr const char* k_name = "curfew-i-7d60bcad5a1c9246a";

class SchedulerTest : public testing::Test, protected SessionFixture {
 protected:
  std::unique_ptr<Scheduler> scheduler_ = make_scheduler(*session, "eu-west-1");
};

TEST_F(SchedulerTest, AsksForOneSchedule) {
  http.then(200, recorded("schedule.json"));
  const auto got = test::run(scheduler_->schedule(k_name, "default"));
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->name, k_name);
  EXPECT_EQ(got->group, "default");
  EXPECT_TRUE(got->enabled);
  EXPECT_EQ(got->expression, "rate(10 minutes)");
  EXPECT_EQ(got->timezone, "UTC");
  EXPECT_EQ(got->target, "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances");
  EXPECT_EQ(got->start, WallTime{Seconds{1'795'000'000}});
  EXPECT_EQ(got->end, WallTime{Seconds{1'795'021'600}});
  const auto& request = http.requests.at(0);
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.url.host, "scheduler.eu-west-1.amazonaws.com");
  EXPECT_EQ(request.url.target, "/schedules/curfew-i-7d60bcad5a1c9246a?groupName=default");
  EXPECT_NE(test::header_of(request, "Authorization").find("/eu-west-1/scheduler/aws4_request"),
            std::string::npos);
}

TEST_F(SchedulerTest, GoesBelowThePathOfAnEndpointOfTheUsers) {
  environment.insert_or_assign("AWS_ENDPOINT_URL_SCHEDULER", "http://127.0.0.1:5000/aws/");
  make();
  const auto scheduler = make_scheduler(*session, "eu-west-1");
  http.then(200, recorded("schedules.json"));
  ASSERT_TRUE(test::run(scheduler->schedules("", "", "")));
  EXPECT_EQ(http.requests.at(0).url.target, "/aws/schedules?MaxResults=100");
}

TEST_F(SchedulerTest, TellsMissingFromRefused) {
  struct Case {
    int status;
    const char* body;
    std::vector<net::Header> headers;
    ErrorKind kind;
    const char* code;
  };
  const Case cases[] = {
      {404,
       R"({"Message":"Schedule x does not exist."})",
       {{"x-amzn-ErrorType", "ResourceNotFoundException"}},
       ErrorKind::not_found,
       "ResourceNotFoundException"},
      {404,
       R"({"__type": "ResourceNotFoundException", "message": "Schedule nope does not exist."})",
       {},
       ErrorKind::not_found,
       "ResourceNotFoundException"},
      {403,
       R"({"Message":"User is not authorized to perform: scheduler:GetSchedule"})",
       {{"x-amzn-ErrorType", "AccessDeniedException"}},
       ErrorKind::refused,
       "AccessDeniedException"},
      {400,
       R"({"Message":"bad"})",
       {{"x-amzn-ErrorType", "ValidationException"}},
       ErrorKind::invalid_input,
       "ValidationException"},
  };
  for (const auto& c : cases) {
    http.then(c.status, c.body, c.headers);
    const auto got = test::run(scheduler_->schedule(k_name, "default"));
    ASSERT_FALSE(got) << c.code;
    EXPECT_EQ(got.error().kind, c.kind) << c.code;
    EXPECT_EQ(got.error().code, c.code);
  }
}

TEST_F(SchedulerTest, BelievesNoReplyAboutAnother) {
  for (const auto& [name, group] :
       {std::pair{"curfew-i-0123456789abcdef0", "default"}, std::pair{k_name, "mine"}}) {
    for (int i = 0; i < 3; ++i) http.then(200, recorded("schedule.json"));
    const auto got = test::run(scheduler_->schedule(name, group));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, ErrorKind::unavailable);
  }
}

TEST_F(SchedulerTest, ListsByPrefixPageByPage) {
  http.then(200, recorded("schedules.json"));
  const auto page = test::run(scheduler_->schedules("curfew-", "default", "a+b/="));
  ASSERT_TRUE(page) << page.error().text();
  ASSERT_EQ(page->schedules.size(), 1U);
  EXPECT_EQ(page->schedules[0].name, k_name);
  EXPECT_TRUE(page->schedules[0].enabled);
  EXPECT_EQ(page->next, "");
  EXPECT_EQ(http.requests.at(0).url.target,
            "/schedules?MaxResults=100&NamePrefix=curfew-&ScheduleGroup=default&NextToken=a%2Bb%2F%3D");
}

TEST_F(SchedulerTest, SendsNothingForWhatIsNoName) {
  for (const auto& bad : {std::string(), std::string("a/b"), std::string("a b"), std::string("?"),
                          std::string(65, 'a'), std::string("\xC3\xA4")}) {
    EXPECT_FALSE(test::run(scheduler_->schedule(bad, "default"))) << bad;
    EXPECT_FALSE(test::run(scheduler_->schedule(k_name, bad))) << bad;
    if (bad.empty()) continue;
    EXPECT_FALSE(test::run(scheduler_->schedules(bad, "", ""))) << bad;
    EXPECT_FALSE(test::run(scheduler_->schedules("", bad, ""))) << bad;
  }
  EXPECT_TRUE(http.requests.empty());
}

// A schedule, with one field of another value, or without it where that is empty.
std::string schedule_with(const std::string& name = {}, const std::string& value = {}) {
  std::string json = "{";
  for (auto [field, text] : {std::pair<std::string, std::string>{"Name", "\"n\""},
                             {"GroupName", "\"g\""},
                             {"State", "\"DISABLED\""},
                             {"ScheduleExpression", "\"at(2026-11-24T18:00:00)\""},
                             {"ScheduleExpressionTimezone", "null"},
                             {"StartDate", "1.795E9"},
                             {"EndDate", "1795000000.25"},
                             {"Target", R"({"Arn":"arn:aws:sqs:eu-west-1:123456789012:q","RoleArn":"r"})"}}) {
    if (field == name) text = value;
    if (!text.empty()) json.append(json.size() > 1 ? "," : "").append("\"" + field + "\":" + text);
  }
  return json + "}";
}

TEST(ParseSchedule, ReadsEachFormOfNumberAndWhatMayBeMissing) {
  const auto got = parse_schedule(schedule_with());
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_FALSE(got->enabled);
  EXPECT_EQ(got->timezone, "");
  EXPECT_EQ(got->start, WallTime{Seconds{1'795'000'000}});
  EXPECT_EQ(got->end, WallTime{Millis{1'795'000'000'250}});
  for (const auto* name : {"StartDate", "EndDate", "ScheduleExpressionTimezone"})
    EXPECT_TRUE(parse_schedule(schedule_with(name, ""))) << name;
  EXPECT_FALSE(parse_schedule(schedule_with("StartDate", "null"))->start);
}

TEST(ParseSchedule, BelievesNothingOdd) {
  const std::pair<const char*, std::string> cases[] = {
      {"Name", ""},
      {"Name", "null"},
      {"Name", "1"},
      {"Name", "\"a/b\""},
      {"GroupName", ""},
      {"GroupName", "\"\""},
      {"State", ""},
      {"State", "\"MAYBE\""},
      {"State", "true"},
      {"ScheduleExpression", ""},
      {"ScheduleExpression", "\"\""},
      {"ScheduleExpression", "\"at(\\u001b[2J)\""},
      {"ScheduleExpression", "\"" + std::string(257, 'a') + "\""},
      {"ScheduleExpressionTimezone", "7"},
      {"ScheduleExpressionTimezone", "\"\\n\""},
      {"StartDate", "\"2026-11-24\""},
      {"StartDate", "-1"},
      {"StartDate", "1e300"},
      {"EndDate", "{}"},
      {"Target", ""},
      {"Target", "[]"},
      {"Target", "{}"},
      {"Target", R"({"Arn":"q"})"},
      {"Target", "{\"Arn\":\"arn:\\u0007\"}"},
  };
  for (const auto& [name, value] : cases) {
    const auto got = parse_schedule(schedule_with(name, value));
    ASSERT_FALSE(got) << name << ' ' << value;
    EXPECT_EQ(got.error().kind, ErrorKind::unavailable) << name << ' ' << value;
  }
  const auto whole = schedule_with();
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_schedule(whole.substr(0, size))) << size;
  EXPECT_FALSE(parse_schedule("[" + whole + "]"));
}

TEST(ParseSchedules, OneOddScheduleIsNoSmallerCount) {
  const std::string good = R"({"Name":"n","GroupName":"g","State":"ENABLED"})";
  const auto list = [](const std::string& items, const std::string& token) {
    return R"({"Schedules":[)" + items + R"(],"NextToken":)" + token + "}";
  };
  const auto page = parse_schedules(list(good + "," + good, "\"t\""));
  ASSERT_TRUE(page) << page.error().text();
  EXPECT_EQ(page->schedules.size(), 2U);
  EXPECT_EQ(page->next, "t");
  EXPECT_TRUE(parse_schedules(list("", "null"))->schedules.empty());
  EXPECT_EQ(parse_schedules(R"({"Schedules":[]})")->next, "");
  for (const auto& items : {std::string("1"), std::string("null"), std::string("{}"),
                            std::string(R"({"Name":"n","GroupName":"g"})"),
                            std::string(R"({"Name":"","GroupName":"g","State":"ENABLED"})")})
    for (const auto& text : {list(good + "," + items, "null"), list(items, "\"t\"")})
      EXPECT_FALSE(parse_schedules(text)) << text;
  EXPECT_FALSE(parse_schedules(list(good, "7")));
  for (const auto* text : {"", "{}", "[]", R"({"Schedules":null})", R"({"Schedules":{}})", "<html></html>"})
    EXPECT_FALSE(parse_schedules(text)) << text;
  std::string many = good;
  for (int i = 1; i < 100; ++i) many += "," + good;
  EXPECT_EQ(parse_schedules(list(many, "null"))->schedules.size(), 100U);
  EXPECT_FALSE(parse_schedules(list(many + "," + good, "null")));
}

EndSchedule schedule_of_a_launch() {
  EndSchedule wanted;
  wanted.name = k_name;
  wanted.instance = "i-7d60bcad5a1c9246a";
  wanted.start = WallTime{Seconds{1'795'000'000}};
  wanted.end = WallTime{Seconds{1'795'021'600}};
  wanted.role = "arn:aws:iam::123456789012:role/curfew-scheduler";
  wanted.client_token = "l-1";
  wanted.description = "curfew";
  return wanted;
}

TEST_F(SchedulerTest, MakesOneThatTerminates) {
  const auto maker = make_schedule_maker(*session, "eu-west-1");
  http.then(200, R"({"ScheduleArn":"arn:aws:scheduler:eu-west-1:123456789012:schedule/default/x"})");
  ASSERT_TRUE(test::run(maker->create_schedule(schedule_of_a_launch())));
  const auto& request = http.requests.at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.url.target, "/schedules/curfew-i-7d60bcad5a1c9246a");
  EXPECT_EQ(test::body_of(request),
            R"({"ActionAfterCompletion":"DELETE","ClientToken":"l-1","Description":"curfew",)"
            R"("EndDate":1795021600,"FlexibleTimeWindow":{"Mode":"OFF"},"GroupName":"default",)"
            R"J("ScheduleExpression":"rate(10 minutes)","ScheduleExpressionTimezone":"UTC",)J"
            R"("StartDate":1795000000,"State":"ENABLED",)"
            R"("Target":{"Arn":"arn:aws:scheduler:::aws-sdk:ec2:terminateInstances",)"
            R"("RoleArn":"arn:aws:iam::123456789012:role/curfew-scheduler",)"
            R"("Input":"{\"InstanceIds\":[\"i-7d60bcad5a1c9246a\"]}",)"
            R"("RetryPolicy":{"MaximumEventAgeInSeconds":600,"MaximumRetryAttempts":10}}})");
  EXPECT_EQ(end_target("cn-north-1"), "arn:aws-cn:scheduler:::aws-sdk:ec2:terminateInstances");
}

TEST_F(SchedulerTest, MovesOneThatStops) {
  const auto maker = make_schedule_maker(*session, "eu-west-1");
  http.then(200, R"({"ScheduleArn":"arn:aws:scheduler:eu-west-1:123456789012:schedule/default/x"})");
  http.then(404, R"({"Message":"m"})", {{"x-amzn-ErrorType", "ResourceNotFoundException"}});
  auto wanted = schedule_of_a_launch();
  wanted.stops = true;
  ASSERT_TRUE(test::run(maker->update_schedule(wanted)));
  const auto& request = http.requests.at(0);
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.url.target, "/schedules/curfew-i-7d60bcad5a1c9246a");
  EXPECT_NE(test::body_of(request).find(R"("Arn":"arn:aws:scheduler:::aws-sdk:ec2:stopInstances")"),
            std::string::npos);
  const auto gone = test::run(maker->update_schedule(wanted));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().kind, ErrorKind::not_found);
}

TEST(ParseSchedule, TellsWhatItCallsWith) {
  const auto read = parse_schedule(schedule_with(
      "Target", R"({"Arn":"arn:aws:scheduler:::aws-sdk:ec2:stopInstances","RoleArn":"arn:aws:iam::1:role/x",)"
                R"("Input":"{\"InstanceIds\":[\"i-7d60bcad5a1c9246a\"]}"})"));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->role, "arn:aws:iam::1:role/x");
  EXPECT_EQ(read->input, end_input("i-7d60bcad5a1c9246a"));
  EXPECT_FALSE(parse_schedule(schedule_with("Target", R"({"Arn":"arn:x","RoleArn":7})")));
  EXPECT_FALSE(parse_schedule(schedule_with("Target", R"({"Arn":"arn:x","RoleArn":"\u0007"})")));
}

TEST_F(SchedulerTest, TellsThatThereIsOneAlready) {
  const auto maker = make_schedule_maker(*session, "eu-west-1");
  http.then(409, R"({"Message":"m"})", {{"x-amzn-ErrorType", "ConflictException"}});
  const auto made = test::run(maker->create_schedule(schedule_of_a_launch()));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::conflict);
}

TEST_F(SchedulerTest, DeletesOneOrFindsItGone) {
  const auto maker = make_schedule_maker(*session, "eu-west-1");
  http.then(200, "{}");
  http.then(404, R"({"Message":"m"})", {{"x-amzn-ErrorType", "ResourceNotFoundException"}});
  http.then(403, R"({"Message":"m"})", {{"x-amzn-ErrorType", "AccessDeniedException"}});
  EXPECT_TRUE(test::run(maker->delete_schedule(k_name, "default")));
  EXPECT_TRUE(test::run(maker->delete_schedule(k_name, "default")));
  EXPECT_FALSE(test::run(maker->delete_schedule(k_name, "default")));
  EXPECT_EQ(http.requests.at(0).method, "DELETE");
  EXPECT_EQ(http.requests.at(0).url.target, "/schedules/curfew-i-7d60bcad5a1c9246a?groupName=default");
}

}  // namespace
}  // namespace curfew::aws
