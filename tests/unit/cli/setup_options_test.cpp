#include "cli/setup_options.hpp"

#include <gtest/gtest.h>

namespace curfew::cli {
namespace {

TEST(SetupBillingOptions, AreRead) {
  const auto options = parse_setup_billing({"--limit", "49.99", "--email", "you@example.org", "--profile",
                                            "lab", "--name", "team-billing", "--yes", "--dry-run"});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_EQ(options->limit.count, 49'990'000);
  EXPECT_EQ(options->email, "you@example.org");
  EXPECT_EQ(options->profile, "lab");
  EXPECT_EQ(options->name, "team-billing");
  EXPECT_TRUE(options->yes && options->dry_run);
}

TEST(SetupBillingOptions, HaveDefaultsThatAskFirst) {
  const auto options = parse_setup_billing({"--limit=50", "--email=you@example.org"});
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_EQ(options->name, "curfew-billing");
  EXPECT_FALSE(options->yes || options->dry_run || options->help);
}

TEST(SetupBillingOptions, AreRefusedByTheirName) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{}, "--limit"},
      {{"--limit", "50"}, "--email"},
      {{"--email", "you@example.org"}, "--limit"},
      {{"--limit", "", "--email", "you@example.org"}, "--limit"},
      {{"--limit", "0", "--email", "you@example.org"}, "more than zero"},
      {{"--limit", "1.005", "--email", "you@example.org"}, "part of a cent"},
      {{"--limit", "50", "--email", "you"}, "is no e-mail address"},
      {{"--limit", "50", "--email", "you@example.org", "--name", "a b"}, "--name"},
      {{"--limit", "50", "--limit", "60", "--email", "you@example.org"}, "more than once"},
      {{"--limit", "50", "--emial", "you@example.org"}, "--email"},
      {{"--limit", "50", "--email", "you@example.org", "more"}, "'more'"}};
  for (const auto& [words, says] : cases) {
    const auto options = parse_setup_billing(words);
    ASSERT_FALSE(options) << says;
    EXPECT_NE(options.error().text().find(says), std::string::npos) << options.error().text();
  }
}

TEST(SetupBillingOptions, HelpNeedsNothingElse) { EXPECT_TRUE(parse_setup_billing({"--help"})->help); }

}  // namespace
}  // namespace curfew::cli
