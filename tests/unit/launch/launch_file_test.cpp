#include "launch/launch_file.hpp"

#include <gtest/gtest.h>

#include "launch/plan.hpp"

namespace curfew::launch {
namespace {

LaunchFile whole() {
  LaunchFile file;
  file.launch_id = "20261124-180000-00aa";
  file.job = "digits";
  file.region = "us-east-1";
  file.owner = "arn:aws:iam::123456789012:user/me";
  file.made = *parse_utc("2026-11-24T18:00:00Z");
  file.stop_at = *parse_utc("2026-11-24T22:00:00Z");
  file.end_at = *parse_utc("2026-11-24T22:16:00Z");
  file.max_cost = Micros{5'000'000};
  file.worst_case = Micros{4'100'000};
  file.saves = {"model/=s3://results/run7"};
  file.options = {{"spot", "true"}, {"setup", "make"}, {"setup", "pip install -r \"a b\""}};
  file.command = {"python3", "train.py"};
  file.workdir = PackedCode{{"bucket", "jobs/x/workdir.tar.gz"}, std::string(64, 'a'), 1'234};
  file.attempt = 3;
  file.retry_of = "20261124-170000-00bb";
  return file;
}

TEST(LaunchFile, is_read_as_it_was_written) {
  for (const bool is_whole : {true, false}) {
    auto file = whole();
    if (!is_whole) {
      file.max_cost.reset();
      file.worst_case.reset();
      file.workdir.reset();
      file.retry_of.clear();
      file.nothing_made = true;
      file.command.clear();
    }
    const auto again = launch_file_from_json(to_json(file));
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_EQ(to_json(*again), to_json(file));
    EXPECT_EQ(again->options, file.options);
    EXPECT_EQ(again->end_at, file.end_at);
    EXPECT_EQ(again->workdir, file.workdir);
    EXPECT_EQ(again->max_cost, file.max_cost);
    EXPECT_EQ(again->worst_case, file.worst_case);
    EXPECT_EQ(again->nothing_made, file.nothing_made);
  }
}

TEST(LaunchFile, is_refused_where_it_is_not_what_curfew_writes) {
  const auto text = to_json(whole());
  const auto with = [&text](std::string_view from, std::string_view to) {
    auto changed = text;
    const auto at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return changed.replace(at, from.size(), to);
  };
  const std::string bad[] = {
      "",
      "[]",
      with(R"("version":1)", R"("version":2)"),
      with("20261124-180000-00aa", "../../etc"),
      with(R"("digits")", R"("dig\u001b[31mits")"),
      with("us-east-1", "evil.example"),
      with("2026-11-24T22:00:00Z", "soon"),
      with(R"(["spot","true"])", R"(["--spot","true"])"),
      with(R"(["spot","true"])", R"("spot")"),
      with(R"("attempt":3)", R"("attempt":0)"),
      with(R"("worst_case_micros":4100000)", R"("worst_case_micros":-1)"),
      with("20261124-170000-00bb", "a/b"),
      with(std::string(64, 'a'), "00"),
      text + std::string(k_largest_launch_file, ' '),
  };
  for (const auto& one : bad) EXPECT_FALSE(launch_file_from_json(one)) << one.substr(0, 400);
}

TEST(LaunchFile, lies_below_the_staging_prefix) {
  EXPECT_EQ(launch_file_place({"bucket", ""}, "id").text(), "s3://bucket/jobs/id/launch.json");
  EXPECT_EQ(launch_file_place({"bucket", "a"}, "id").text(), "s3://bucket/a/jobs/id/launch.json");
  EXPECT_EQ(status_place({"bucket", "a/"}, "id").text(), "s3://bucket/a/jobs/id/status.json");
}

TEST(LaunchFile, says_what_is_planned) {
  Plan plan;
  plan.launch_id = "20261124-180000-00aa";
  plan.wishes.name = "digits";
  plan.region = "us-east-1";
  plan.end_at = *parse_utc("2026-11-24T22:16:00Z");
  plan.wishes.saves = {"a=s3://b/c"};
  plan.wishes.stages.command = {"true"};
  plan.worst_case = Micros{7};
  plan.wishes.again = Again{4, "20261124-170000-00bb", {}, {}, {}, {}, {}};
  const auto file = launch_file(plan);
  EXPECT_EQ(file.launch_id, plan.launch_id);
  EXPECT_EQ(file.end_at, plan.end_at);
  EXPECT_EQ(file.saves, plan.wishes.saves);
  EXPECT_EQ(file.worst_case, plan.worst_case);
  EXPECT_EQ(file.attempt, 4);
  EXPECT_EQ(file.retry_of, "20261124-170000-00bb");
  EXPECT_EQ(file.command, plan.wishes.stages.command);
  EXPECT_TRUE(launch_file_from_json(to_json(file)));
}

}  // namespace
}  // namespace curfew::launch
