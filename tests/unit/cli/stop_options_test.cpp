#include "cli/stop_options.hpp"

#include <gtest/gtest.h>

namespace curfew::cli {
namespace {

using Words = std::vector<std::string>;
const std::string k_id = "i-0123456789abcdef0";

TEST(StopOptions, WithoutIdsItIsTheGuardOfThisMachine) {
  auto options = parse_stop({});
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->targets.ids.empty() && !options->now && !options->help);
  options = parse_stop({"--now"});
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->targets.ids.empty() && options->now);
}

TEST(StopOptions, TakesIdsAndWhatBelongsToThem) {
  const auto options =
      parse_stop({k_id, "--region", "us-east-1,eu-west-1", "i-0fedcba9876543210", "--yes", "--then", "stop",
                  "--profile", "ops", "--account", "arn:aws:iam::123456789012:role/ops", k_id});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_EQ(options->targets.ids, (Words{k_id, "i-0fedcba9876543210"})) << "each once";
  EXPECT_EQ(options->targets.regions, (Words{"us-east-1", "eu-west-1"}));
  EXPECT_EQ(options->targets.roles, (Words{"arn:aws:iam::123456789012:role/ops"}));
  EXPECT_EQ(options->targets.profile, "ops");
  EXPECT_TRUE(options->yes);
  EXPECT_EQ(options->then, watch::Action::stop);
}

TEST(StopOptions, TakesNamesOfJobs) {
  const auto options = parse_stop({"digits", k_id, "run 7/b", "digits", "--yes"});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_EQ(options->targets.ids, Words{k_id});
  EXPECT_EQ(options->targets.names, (Words{"digits", "run 7/b"}));
  EXPECT_FALSE(parse_stop({"digits", "--now"}));
  EXPECT_FALSE(parse_stop({"a\nb"}));
  EXPECT_FALSE(parse_stop({std::string(257, 'x')}));
}

TEST(StopOptions, NoMistakeEndsThisMachineOrAnother) {
  struct Case {
    Words words;
    const char* says;
  };
  const Case cases[] = {
      {{"--yes"}, "no id is named"},
      {{"--region", "us-east-1"}, "no id is named"},
      {{"--then", "stop"}, "no id is named"},
      {{"--profile", "ops"}, "no id is named"},
      {{"--notify", "sns:arn:aws:sns:us-east-1:123456789012:ops"}, "no id is named"},
      {{k_id, "--notify", "gopher://x"}, "--notify"},
      {{"--account", "arn:aws:iam::123456789012:role/ops"}, "no id is named"},
      {{k_id, "--now"}, "--now"},
      {{"i-xyz"}, "is no instance's id"},
      {{""}, "is no instance's id"},
      {{k_id, "-y"}, "-y"},
      {{k_id, "--then", "hibernate"}, "neither terminate nor stop"},
      {{k_id, "--region", "us-east-1.example.com"}, "is no region's name"},
      {{k_id, "--account", "123"}, "is no role's ARN"},
      {{k_id, "--region", ""}, "--region"},
  };
  for (const auto& each : cases) {
    const auto options = parse_stop(each.words);
    ASSERT_FALSE(options) << each.words.front();
    EXPECT_NE(options.error().text().find(each.says), std::string::npos) << options.error().text();
  }
  Words many;
  for (int i = 0; i < 201; ++i) many.push_back("i-" + std::to_string(10'000'000 + i));
  EXPECT_FALSE(parse_stop(many));
}

TEST(StopOptions, TheHelpTellsBothForms) {
  ASSERT_TRUE(parse_stop({"--help"})->help);
  ASSERT_TRUE(parse_stop({k_id, "--help"})->help);
  EXPECT_NE(k_stop_help.find("curfew stop [--now]"), std::string_view::npos);
  EXPECT_NE(k_stop_help.find("curfew stop ID|JOB..."), std::string_view::npos);
}

}  // namespace
}  // namespace curfew::cli
