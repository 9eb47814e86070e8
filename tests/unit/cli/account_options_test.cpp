#include "cli/account_options.hpp"

#include <gtest/gtest.h>

namespace curfew::cli {
namespace {

using Words = std::vector<std::string>;

TEST(SetupOptions, AreRead) {
  const auto options = parse_setup({"--apply", "--results", "s3://models/runs/", "--results", "s3://other",
                                    "--data", "s3://corpus/a", "--remove", "s3://old", "--keep-jobs", "7",
                                    "--region", "eu-west-1", "--profile", "lab"});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_TRUE(options->apply);
  ASSERT_EQ(options->results.size(), 2U);
  EXPECT_EQ(options->results[0].text(), "s3://models/runs");
  EXPECT_EQ(options->data.at(0).key, "a");
  EXPECT_EQ(options->remove.at(0).bucket, "old");
  EXPECT_EQ(options->keep_days, 7U);
  EXPECT_EQ(options->region, "eu-west-1");
  EXPECT_EQ(options->profile, "lab");
}

TEST(SetupOptions, OnlyLookByDefault) {
  const auto options = parse_setup({});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_FALSE(options->apply || options->print_policy || options->help);
  EXPECT_FALSE(options->keep_days);
}

TEST(SetupOptions, PrintOnePolicyOrAll) {
  EXPECT_EQ(parse_setup({"--print-policy"})->policy, "");
  EXPECT_EQ(parse_setup({"--print-policy", "scheduler-trust", "--account", "123456789012"})->policy,
            "scheduler-trust");
}

TEST(SetupOptions, AreRefusedByTheirName) {
  const std::vector<std::pair<Words, std::string>> cases{
      {{"--aply"}, "--apply"},
      {{"more"}, "'more'"},
      {{"--print-policy", "shceduler"}, "did you mean scheduler?"},
      {{"--print-policy", "instance", "more"}, "'instance'"},
      {{"--print-policy", "--apply"}, "can't both be"},
      {{"--account", "123456789012"}, "--print-policy alone"},
      {{"--print-policy", "--account", "12345678901"}, "is no account's number"},
      {{"--keep-jobs", "0"}, "--keep-jobs"},
      {{"--keep-jobs", "soon"}, "--keep-jobs"},
      {{"--results", "models/runs"}, "--results"},
      {{"--data", "s3://models/*"}, "--data"},
      {{"--remove", ""}, "--remove"},
      {{"--region", "US East"}, "is no region"}};
  for (const auto& [words, says] : cases) {
    const auto options = parse_setup(words);
    ASSERT_FALSE(options) << says;
    EXPECT_NE(options.error().text().find(says), std::string::npos) << options.error().text();
  }
}

TEST(TeardownOptions, DeleteNothingByDefault) {
  const auto plain = parse_teardown({});
  ASSERT_TRUE(plain) << plain.error().text();
  EXPECT_FALSE(plain->apply || plain->delete_results || plain->keep_roles);
  EXPECT_TRUE(parse_teardown({"--yes"})->apply);
  const auto all = parse_teardown({"--apply", "--delete-results", "--keep-roles", "--region", "eu-west-1"});
  ASSERT_TRUE(all) << all.error().text();
  EXPECT_TRUE(all->apply && all->delete_results && all->keep_roles);
  EXPECT_EQ(all->region, "eu-west-1");
  EXPECT_FALSE(parse_teardown({"everything"}));
  EXPECT_FALSE(parse_teardown({"--region", "x y"}));
}

TEST(DoctorOptions, AreRead) {
  const auto options = parse_doctor({"--instance-type", "p4d.24xlarge", "--spot", "--image", "ssm:/a/b"});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_EQ(options->type, "p4d.24xlarge");
  EXPECT_TRUE(options->spot);
  EXPECT_EQ(parse_doctor({})->type, "g5.xlarge");
  for (const Words& bad : {Words{"--instance-type", "big one"}, Words{"--image", "ubuntu"}, Words{"x"}})
    EXPECT_FALSE(parse_doctor(bad)) << bad.front();
}

}  // namespace
}  // namespace curfew::cli
