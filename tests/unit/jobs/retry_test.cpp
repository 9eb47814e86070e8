#include "jobs/retry.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace curfew::jobs {
namespace {

using namespace std::chrono_literals;

const WallTime k_made = *parse_utc("2026-11-24T18:00:00Z");

launch::LaunchFile launched() {
  launch::LaunchFile file;
  file.launch_id = "20261124-180000-00aa";
  file.job = "digits";
  file.region = "us-east-1";
  file.made = k_made;
  file.stop_at = k_made + 4h;
  file.end_at = k_made + 5h;
  file.worst_case = Micros{5'000'000};
  file.saves = {"model/=s3://results/run7", "log.txt=s3://results/logs/"};
  file.options = {{"instance-type", "g5.xlarge"},
                  {"spot", "true"},
                  {"setup", "make"},
                  {"setup", "make data"},
                  {"max-hours", "4"},
                  {"workdir", "."},
                  {"yes", "true"},
                  {"follow", "true"},
                  {"retry", "3"},
                  {"profile", "me"},
                  {"env", "A=b"}};
  file.command = {"python3", "train.py"};
  file.workdir = launch::PackedCode{{"bucket", "jobs/x/workdir.tar.gz"}, std::string(64, 'a'), 1'234};
  return file;
}

Row interrupted() {
  Row row;
  row.launch_id = launched().launch_id;
  row.job = "digits";
  row.region = "us-east-1";
  row.state = JobState::interrupted;
  row.instance = "i-0123456789abcdef0";
  row.type = "g5.xlarge";
  row.zone = "us-east-1b";
  row.over_at = k_made + 1h;
  row.over_for_sure = true;
  row.instance_state = "terminated";
  return row;
}

const aws::S3Location k_staging{"bucket", "curfew/"};

std::string value_of(const Retry& retry, std::string_view name) {
  std::string all;
  for (const auto& [key, value] : retry.options)
    if (key == name) all += value + ";";
  return all;
}

TEST(Retry, goes_on_with_what_the_launch_had) {
  const auto retry = plan_retry(launched(), interrupted(), k_staging, k_made + 90min + 700ms);
  ASSERT_TRUE(retry) << retry.error().text();
  EXPECT_EQ(value_of(*retry, "instance-type"), "g5.xlarge;");
  EXPECT_EQ(value_of(*retry, "setup"), "make;make data;");
  EXPECT_EQ(value_of(*retry, "env"), "A=b;");
  EXPECT_EQ(value_of(*retry, "name"), "digits;");
  EXPECT_EQ(value_of(*retry, "region"), "us-east-1;");
  EXPECT_EQ(value_of(*retry, "staging"), "s3://bucket/curfew/;");
  EXPECT_EQ(value_of(*retry, "max-time"), "2h29m59s;") << "what is left until stop_at, rounded down";
  for (const auto* name : {"max-hours", "max-cost", "workdir", "yes", "follow", "retry", "profile"})
    EXPECT_EQ(value_of(*retry, name), "") << name;
  EXPECT_EQ(retry->command, launched().command);
  EXPECT_EQ(retry->again.attempt, 2);
  EXPECT_EQ(retry->again.retry_of, launched().launch_id);
  EXPECT_EQ(retry->again.latest_stop, launched().stop_at);
  EXPECT_EQ(retry->again.workdir, launched().workdir);
  ASSERT_TRUE(retry->again.last_pool);
  EXPECT_EQ(retry->again.last_pool->zone, "us-east-1b");
  ASSERT_EQ(retry->again.restore.size(), 2U);
  EXPECT_EQ(retry->again.restore[0].from.text(), "s3://results/run7");
  EXPECT_EQ(retry->again.restore[0].path, "model/");
}

TEST(Retry, keeps_all_the_regions_that_were_given) {
  auto file = launched();
  file.options.emplace_back("region", "us-east-1,eu-west-1");
  const auto retry = plan_retry(file, interrupted(), k_staging, k_made + 1h);
  ASSERT_TRUE(retry);
  EXPECT_EQ(value_of(*retry, "region"), "us-east-1,eu-west-1;");
}

TEST(Retry, has_the_money_that_is_left_at_least) {
  auto file = launched();
  file.max_cost = Micros{5'000'000};
  auto row = interrupted();
  // An hour and the five minutes in which the machine may have gone down, of five hours for $5.
  EXPECT_EQ(spent_at_most(file, row, k_made + 2h)->count, 1'083'334);
  const auto retry = plan_retry(file, row, k_staging, k_made + 2h);
  ASSERT_TRUE(retry) << retry.error().text();
  EXPECT_EQ(value_of(*retry, "max-cost"), "3.916666;");
  row.over_at = k_made - 1h;
  EXPECT_EQ(spent_at_most(file, row, k_made + 2h)->count, 2'000'000) << "before it was launched?";
  // Nobody knows when it was over: until now.
  row.over_at = k_made + 1h;
  row.over_for_sure = false;
  EXPECT_EQ(spent_at_most(file, row, k_made + 2h)->count, 2'000'000);
  EXPECT_EQ(spent_at_most(file, row, k_made + 99h)->count, 5'000'000);
  EXPECT_EQ(spent_at_most(file, row, k_made - 1h)->count, 0);
  row.state = JobState::never_launched;
  EXPECT_EQ(spent_at_most(file, row, k_made + 30min)->count, 0) << "EC2 would still show it";
  EXPECT_EQ(spent_at_most(file, row, k_made + 1h)->count, 1'000'000);
  row.complete = false;
  EXPECT_EQ(spent_at_most(file, row, k_made + 30min)->count, 500'000);
  file.nothing_made = true;
  EXPECT_EQ(spent_at_most(file, row, k_made + 99h)->count, 0);
  file.retry_of = "20261124-170000-00bb";
  const auto in_its_place = plan_retry(file, row, k_staging, k_made + 1h);
  ASSERT_FALSE(in_its_place);
  EXPECT_NE(in_its_place.error().text().find("(curfew retry 20261124-170000-00bb)"), std::string::npos)
      << in_its_place.error().text();
  file.retry_of.clear();
  EXPECT_TRUE(plan_retry(file, row, k_staging, k_made + 1h));
  file.nothing_made = false;
  row = interrupted();
  row.over_for_sure = false;
  file.max_cost = Micros{2'005'000};
  EXPECT_FALSE(plan_retry(file, row, k_staging, k_made + 2h)) << "half a cent";
  file.worst_case.reset();
  const auto unknown = plan_retry(file, row, k_staging, k_made + 2h);
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().text().find("isn't known"), std::string::npos);
}

TEST(Retry, is_refused_where_it_can_not_or_need_not_be) {
  const auto text = [](Row row, WallTime now) {
    const auto retry = plan_retry(launched(), row, k_staging, now);
    return retry ? std::string("planned") : retry.error().text();
  };
  const auto now = k_made + 2h;
  auto row = interrupted();
  for (const auto state : {JobState::launching, JobState::starting, JobState::running, JobState::stopping,
                           JobState::saving, JobState::ending, JobState::overdue}) {
    row.state = state;
    EXPECT_NE(text(row, now).find("it is " + std::string(name_of(state))), std::string::npos)
        << text(row, now);
  }
  row.state = JobState::unknown;
  EXPECT_NE(text(row, now).find("isn't known"), std::string::npos);
  row.state = JobState::ended;
  row.instance_state = "running";
  EXPECT_NE(text(row, now).find("its instance i-0123456789abcdef0 is running"), std::string::npos);
  row.instance_state = "terminated";
  row.cause = "job_ended";
  row.exit_code = 0;
  EXPECT_NE(text(row, now).find("has ended well"), std::string::npos);
  row.unsaved = true;
  EXPECT_EQ(text(row, now), "planned") << "its results aren't there";
  row.unsaved = false;
  row.cause = "stop_asked";
  EXPECT_EQ(text(row, now), "planned") << "told to stop, it may have exited with 0 half done";
  row.exit_code = 1;
  for (const auto state :
       {JobState::ended, JobState::failed, JobState::interrupted, JobState::lost, JobState::never_launched}) {
    row.state = state;
    EXPECT_EQ(text(row, now), "planned") << name_of(state);
    EXPECT_NE(text(row, launched().stop_at - launch::k_least_time + 1ms).find("its time is over"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace curfew::jobs
