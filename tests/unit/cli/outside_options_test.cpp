#include "cli/outside_options.hpp"

#include <gtest/gtest.h>

namespace curfew::cli {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;
const std::string k_id = "i-0123456789abcdef0";
const std::string k_role = "arn:aws:iam::123456789012:role/curfew-scheduler";

TEST(GuardOptions, TakesIdsAndLimits) {
  const auto options = parse_guard({k_id, "--max-time", "90m", "--then", "terminate", "--scheduler-role",
                                    k_role, "--name", "digits", "--yes", "--region", "us-east-1"});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_EQ(options->targets.ids, Words{k_id});
  EXPECT_EQ(options->wish.max_time, 90min);
  EXPECT_EQ(options->wish.then, watch::Action::terminate);
  EXPECT_EQ(options->wish.scheduler_role, k_role);
  EXPECT_EQ(options->wish.name, "digits");
  EXPECT_TRUE(options->yes && options->wish.schedule);
  const auto without = parse_guard({k_id, "--no-schedule", "--max-hours", "8"});
  ASSERT_TRUE(without) << without.error().text();
  EXPECT_EQ(without->wish.max_time, 8h);
  EXPECT_FALSE(without->wish.schedule || without->wish.then);
}

TEST(GuardOptions, SaysWhatIsWrong) {
  struct Case {
    Words words;
    const char* says;
  };
  const Case cases[] = {
      {{"--no-schedule"}, "needs an instance's id"},
      {{"digits", "--no-schedule"}, "is no instance's id"},
      {{k_id, "--account", "arn:aws:iam::210987654321:role/curfew"}, "a role of that account"},
      {{k_id, "--scheduler-role", "x"}, "is no role's ARN"},
      {{k_id, "--scheduler-role", k_role, "--no-schedule"}, "can't both be"},
      {{k_id, "--no-schedule", "--max-time", "1m"}, "less than 2m"},
      {{k_id, "--no-schedule", "--max-time", "9000h"}, "longer than a year"},
      {{k_id, "--no-schedule", "--max-time", "1h", "--max-hours", "1"}, "say the same thing"},
      {{k_id, "--no-schedule", "--then", "hibernate"}, "neither terminate nor stop"},
      {{k_id, "--no-schedule", "--name", "a\nb"}, "is no name"},
      {{k_id, "--no-schedule", "--shedule"}, "--shedule"},
  };
  for (const auto& each : cases) {
    const auto options = parse_guard(each.words);
    ASSERT_FALSE(options) << each.says;
    EXPECT_NE(options.error().text().find(each.says), std::string::npos) << options.error().text();
  }
  EXPECT_TRUE(parse_guard({"--help"})->help);
}

TEST(ExtendOptions, TimeAloneIsForTheGuardOfThisMachine) {
  const auto options = parse_extend({"2h"});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_TRUE(options->targets.empty());
  EXPECT_EQ(options->by, 2h);
}

TEST(ExtendOptions, WithAnInstanceOrAJobItIsForThose) {
  auto options = parse_extend({k_id, "digits", "2h", "--region", "us-east-1", "--profile", "ops"});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_EQ(options->targets.ids, Words{k_id});
  EXPECT_EQ(options->targets.names, Words{"digits"});
  EXPECT_EQ(options->wish.by, 2h);
  EXPECT_EQ(options->targets.profile, "ops");
  for (const Words& words :
       {Words{"digits", "-30m"}, Words{"-30m", "digits"}, Words{"--region", "us-east-1", "digits", "-30m"}}) {
    options = parse_extend(words);
    ASSERT_TRUE(options) << options.error().text();
    EXPECT_EQ(options->wish.by, -30min);
    EXPECT_EQ(options->targets.names, Words{"digits"});
  }
  options = parse_extend({"digits", "--to", "2026-11-25T06:00Z", "--scheduler-role", k_role});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_TRUE(options->wish.to && !options->wish.by);
  EXPECT_EQ(options->wish.scheduler_role, k_role);
}

TEST(ExtendOptions, SaysWhatIsWrong) {
  struct Case {
    Words words;
    const char* says;
  };
  const Case cases[] = {
      {{}, "takes one TIME"},
      {{"-30m"}, "is less"},
      {{"digits"}, "TIME"},
      {{k_id}, "TIME"},
      {{"2h", k_id}, "TIME"},
      {{k_id, "0s"}, "must be at least 1s"},
      {{k_id, "800h"}, "more than 31 days"},
      {{k_id, "-1h", "-2h"}, "takes one TIME"},
      {{k_id, "-1h", "--to", "2026-11-25T06:00Z"}, "takes one TIME"},
      {{"--to", "2026-11-25T06:00Z"}, "no instance and no job is named"},
      {{"2h", "--region", "us-east-1"}, "no instance and no job is named"},
      {{k_id, "--to", "tomorrow"}, "--to"},
      {{k_id, "3h", "--to", "2026-11-25T06:00Z"}, "TIME '3h' and --to"},
      {{"i-12", "2h"}, "is no instance's id"},
      {{k_id, "2h", "-x"}, "-x"},
  };
  for (const auto& each : cases) {
    const auto options = parse_extend(each.words);
    ASSERT_FALSE(options) << each.says;
    EXPECT_NE(options.error().text().find(each.says), std::string::npos) << options.error().text();
  }
  EXPECT_TRUE(parse_extend({"--help"})->help);
}

}  // namespace
}  // namespace curfew::cli
