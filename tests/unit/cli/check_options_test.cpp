#include "cli/check_options.hpp"

#include <gtest/gtest.h>

namespace curfew::cli {
namespace {

using namespace std::chrono_literals;

TEST(CheckOptions, without_any_reads_what_runs_everywhere) {
  const auto options = parse_check({});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_TRUE(options->regions.empty() && options->excluded.empty() && options->roles.empty());
  EXPECT_EQ(options->thresholds.warn, 2h);
  EXPECT_EQ(options->thresholds.crit, 6h);
  EXPECT_FALSE(options->thresholds.warn_cost || options->thresholds.crit_cost || options->allow_denied ||
               options->help);
  EXPECT_EQ(options->filter.states, (std::set{watch::InstanceState::pending, watch::InstanceState::running}));
  EXPECT_EQ(options->format, watch::Format::table);
  EXPECT_EQ(options->exit_style, watch::ExitStyle::count);
}

TEST(CheckOptions, takes_all_of_them) {
  const auto options = parse_check({"--region",
                                    "us-east-1,eu-west-1",
                                    "--region",
                                    "us-east-1",
                                    "--exclude-region",
                                    "eu-west-1",
                                    "--account",
                                    "arn:aws:iam::123456789012:role/watch",
                                    "--tag",
                                    "team=a=b",
                                    "--tag",
                                    "x=",
                                    "--warn",
                                    "30m",
                                    "--crit",
                                    "1h",
                                    "--warn-cost",
                                    "5",
                                    "--crit-cost",
                                    "$20",
                                    "--older-than",
                                    "10m",
                                    "--state",
                                    "stopped,running",
                                    "--format",
                                    "prometheus",
                                    "--output",
                                    "/tmp/x.prom",
                                    "--exit-style",
                                    "nagios",
                                    "--allow-denied",
                                    "--limit",
                                    "30s",
                                    "--profile",
                                    "work"});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_EQ(options->regions, (std::vector<std::string>{"us-east-1", "eu-west-1"}));
  EXPECT_EQ(options->excluded, (std::vector<std::string>{"eu-west-1"}));
  EXPECT_EQ(options->roles, (std::vector<std::string>{"arn:aws:iam::123456789012:role/watch"}));
  ASSERT_EQ(options->filter.tags.size(), 2U);
  EXPECT_EQ(options->filter.tags[0].key, "team");
  EXPECT_EQ(options->filter.tags[0].value, "a=b");
  EXPECT_EQ(options->filter.tags[1].value, "");
  EXPECT_EQ(options->thresholds.warn, 30min);
  EXPECT_EQ(options->thresholds.crit, 1h);
  EXPECT_EQ(options->thresholds.warn_cost, Micros{5'000'000});
  EXPECT_EQ(options->thresholds.crit_cost, Micros{20'000'000});
  EXPECT_EQ(options->filter.older_than, 10min);
  EXPECT_EQ(options->filter.states, (std::set{watch::InstanceState::stopped, watch::InstanceState::running}));
  EXPECT_EQ(options->format, watch::Format::prometheus);
  EXPECT_EQ(options->output, "/tmp/x.prom");
  EXPECT_EQ(options->exit_style, watch::ExitStyle::nagios);
  EXPECT_EQ(options->limit, 30s);
  EXPECT_EQ(options->profile, "work");
  EXPECT_TRUE(options->allow_denied);
}

TEST(CheckOptions, a_threshold_takes_the_default_of_the_other_along) {
  EXPECT_EQ(parse_check({"--warn", "8h"})->thresholds.crit, 8h);
  EXPECT_EQ(parse_check({"--crit", "1h"})->thresholds.warn, 1h);
}

TEST(CheckOptions, tells_and_watches) {
  const auto options = parse_check({"--notify", "mailto:a@b.org", "--notify", "env:SLACK", "--notify-state",
                                    "/x", "--notify-again", "12h"});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_EQ(options->notify, (std::vector<std::string>{"mailto:a@b.org", "env:SLACK"}));
  EXPECT_EQ(options->notify_state, "/x");
  EXPECT_EQ(options->notify_again, 12h);
  EXPECT_FALSE(options->watch);
  EXPECT_EQ(parse_check({"--notify", "env:SLACK"})->notify_again, 24h);
  EXPECT_EQ(parse_check({"--watch", "10s"})->watch, 10s);
  EXPECT_TRUE(parse_check({"--watch", "30s", "--format", "csv", "--output", "/x"}));
  // What was told is known while watching, too.
  EXPECT_TRUE(parse_check({"--watch", "30s", "--notify", "env:SLACK", "--notify-again", "1h"}));
}

TEST(CheckOptions, says_what_is_wrong) {
  struct Case {
    std::vector<std::string> words;
    const char* says;
  };
  const Case cases[] = {
      {{"--regoin", "us-east-1"}, "did you mean --region?"},
      {{"us-east-1"}, "'us-east-1': is not an option"},
      {{"--region", "us-east-1,"}, "is no region's name"},
      {{"--region", "us-east-1.evil.example"}, "is no region's name"},
      {{"--region", "us-east-1", "--exclude-region", "us-east-1"}, "leaves no --region to read"},
      {{"--region", ""}, "is empty"},
      {{"--account", "123456789012"}, "is no role's ARN"},
      {{"--tag", "=a"}, "--tag"},
      {{"--warn", "0s"}, "--warn"},
      {{"--warn", "3"}, "--warn"},
      {{"--warn", "3h", "--crit", "2h"}, "comes after --crit 2h"},
      {{"--warn-cost", "3", "--crit-cost", "2"}, "is more than --crit-cost 2"},
      {{"--warn-cost", "-1"}, "--warn-cost"},
      {{"--warn", "1h", "--warn", "2h"}, "--warn was given more than once"},
      {{"--state", "runing"}, "--state"},
      {{"--format", "yaml"}, "--format"},
      {{"--exit-style", "1"}, "--exit-style"},
      {{"--limit", "forever"}, "--limit"},
      {{"--format"}, "--format needs a value"},
      {{"--notify", "http://h.example.com/SECRET"}, "--notify …: "},
      {{"--notify-state", "/x"}, "--notify-state: means nothing without --notify"},
      {{"--notify", "mailto:a@b.org", "--notify-again", "1h"},
       "means nothing without --notify and --notify-state"},
      {{"--watch", "9s"}, "is too often"},
      {{"--watch", "30s", "--enforce"}, "don't go together"},
      {{"--watch", "30s", "--format", "csv"}, "give it an --output"},
  };
  for (const auto& c : cases) {
    const auto options = parse_check(c.words);
    ASSERT_FALSE(options) << c.says;
    EXPECT_NE(options.error().text().find(c.says), std::string::npos) << options.error().text();
  }
}

TEST(CheckOptions, enforce_is_a_dry_run_unless_told_otherwise) {
  auto options = parse_check({});
  ASSERT_TRUE(options);
  EXPECT_FALSE(options->enforce || options->enforcement.yes);
  options = parse_check({"--enforce"});
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->enforce);
  EXPECT_FALSE(options->enforcement.yes || options->enforcement.any_number || options->no_ledger);
  EXPECT_EQ(options->enforcement.max_kills, 10U);
  options = parse_check({"--enforce", "--yes", "--max-kills", "3", "--no-ledger"});
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->enforcement.yes && options->no_ledger);
  EXPECT_EQ(options->enforcement.max_kills, 3U);
  options = parse_check({"--enforce", "--yes", "--yes-all"});
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->enforcement.yes && options->enforcement.any_number);
  const std::vector<std::vector<std::string>> wrong{{"--yes"},
                                                    {"--yes-all"},
                                                    {"--max-kills", "3"},
                                                    {"--enforce", "--yes-all"},
                                                    {"--no-ledger"},
                                                    {"--enforce", "--max-kills", "0"},
                                                    {"--enforce", "--max-kills", "-1"},
                                                    {"--enforce", "--max-kills", "10001"},
                                                    {"--enforce", "--yes", "--yes-all", "--max-kills", "3"}};
  for (const auto& words : wrong) EXPECT_FALSE(parse_check(words)) << words.back();
}

}  // namespace
}  // namespace curfew::cli
