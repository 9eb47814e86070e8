#include <gtest/gtest.h>

#include "cli/check_options.hpp"

namespace curfew::cli {
namespace {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;
using Names = std::vector<std::string>;

std::vector<Setting> settings(const std::string& text) {
  auto parsed = parse_config("[check]\n" + text, "f.toml", configurable_check_options(), k_check_table);
  EXPECT_TRUE(parsed) << text << ": " << parsed.error().text();
  return parsed.value_or(std::vector<Setting>{});
}

Result<CheckOptions> parsed(const std::string& text, const Words& words = {}) {
  return parse_check_with(words, settings(text));
}

CheckOptions options(const std::string& text, const Words& words = {}) {
  auto got = parsed(text, words);
  EXPECT_TRUE(got) << text << ": " << got.error().text();
  return got.value_or(CheckOptions{});
}

TEST(CheckConfig, sets_all_that_it_may) {
  const auto got = options(
      "warn = \"4h\"\ncrit = \"12h\"\nwarn-cost = 5\ncrit-cost = \"20\"\nexit-style = \"nagios\"\n"
      "allow-denied = true\nregion = [\"us-east-1\", \"eu-west-1\"]\nexclude-region = \"eu-west-1\"\n"
      "ignore_regions = [\"ap-east-1\"]\nignore-regions = [\"me-south-1\"]\n"
      "account = [\"arn:aws:iam::210987654321:role/watch\"]\nnotify = [\"https://h.example.com/x\"]\n"
      "notify-state = \"/var/lib/x\"\nnotify-again = \"2d\"\n");
  EXPECT_EQ(got.thresholds.warn, 4h);
  EXPECT_EQ(got.thresholds.crit, 12h);
  EXPECT_EQ(got.thresholds.warn_cost, Micros{5'000'000});
  EXPECT_EQ(got.thresholds.crit_cost, Micros{20'000'000});
  EXPECT_EQ(got.exit_style, watch::ExitStyle::nagios);
  EXPECT_TRUE(got.allow_denied);
  EXPECT_EQ(got.regions, (Names{"us-east-1", "eu-west-1"}));
  EXPECT_EQ(got.excluded, (Names{"eu-west-1", "ap-east-1", "me-south-1"}));
  EXPECT_EQ(got.roles, (Names{"arn:aws:iam::210987654321:role/watch"}));
  EXPECT_EQ(got.notify, (Names{"https://h.example.com/x"}));
  EXPECT_EQ(got.notify_state, "/var/lib/x");
  EXPECT_EQ(got.notify_again, 48h);
}

TEST(CheckConfig, gives_way_to_what_is_typed) {
  const std::string file = "warn = \"4h\"\ncrit = \"12h\"\nexit-style = \"nagios\"\n";
  EXPECT_EQ(options(file, {"--warn", "5h"}).thresholds.warn, 5h);
  EXPECT_EQ(options(file, {"--warn=5h"}).thresholds.crit, 12h);
  EXPECT_EQ(options(file, {"--exit-style", "zero"}).exit_style, watch::ExitStyle::zero);
  // On the wrong side of a typed one a file's is no better than a default.
  EXPECT_EQ(options(file, {"--warn", "20h"}).thresholds.crit, 20h);
  EXPECT_EQ(options(file, {"--crit", "1h"}).thresholds.warn, 1h);
  EXPECT_EQ(options("warn = \"8h\"\n").thresholds.crit, 8h);
  EXPECT_FALSE(options("warn-cost = 50\n", {"--crit-cost", "20"}).thresholds.warn_cost);
  EXPECT_EQ(options("warn-cost = 5\n", {"--crit-cost", "20"}).thresholds.warn_cost, Micros{5'000'000});
}

TEST(CheckConfig, reads_a_region_that_is_typed) {
  const std::string file = "region = [\"us-east-1\"]\nignore_regions = [\"eu-west-1\", \"ap-east-1\"]\n";
  EXPECT_EQ(options(file).regions, (Names{"us-east-1"}));
  const auto got = options(file, {"--region", "eu-west-1,eu-west-2"});
  EXPECT_EQ(got.regions, (Names{"eu-west-1", "eu-west-2"}));
  EXPECT_EQ(got.excluded, (Names{"ap-east-1"}));
  EXPECT_EQ(options(file, {"--exclude-region", "eu-west-3"}).excluded,
            (Names{"eu-west-1", "ap-east-1", "eu-west-3"}));
}

TEST(CheckConfig, waits_with_what_means_nothing_yet) {
  EXPECT_EQ(options("notify-state = \"/x\"\nnotify-again = \"1h\"\n").notify_state, "");
  EXPECT_EQ(options("notify-state = \"/x\"\n", {"--notify", "sns:arn:aws:sns:us-east-1:123456789012:x"})
                .notify_state,
            "/x");
}

TEST(CheckConfig, says_where_a_mistake_is) {
  struct Case {
    std::string text;
    std::string says;
  };
  for (const auto& [text, says] :
       {Case{"warn = \"4x\"\n", "f.toml:2: --warn: duration '4x'"},
        Case{"crit = \"12h\"\nwarn-cost = \"much\"\n", "f.toml:3: --warn-cost"},
        Case{"ignore_regions = [\"us-east-1\", \"no.where\"]\n", "f.toml:2: --exclude-region 'no.where'"},
        Case{"account = \"1\"\n", "f.toml:2: --account"},
        Case{"warn = \"4h\"\ncrit = \"1h\"\n", "f.toml:2: --warn 4h: comes after --crit 1h"},
        Case{"notify = \"https://u:SECRET@h/\"\n", "f.toml:2: --notify …"},
        Case{"notify = \"mailto:a@b.org\"\nnotify-state = \"/x\"\nnotify-again = \"soon\"\n",
             "f.toml:4: --notify-again"}}) {
    const auto got = parsed(text);
    ASSERT_FALSE(got) << text;
    EXPECT_NE(got.error().text().find(says), std::string::npos) << got.error().text();
    EXPECT_EQ(got.error().text().find("SECRET"), std::string::npos);
    const auto mistakes = check_mistakes_in(settings(text));
    ASSERT_EQ(mistakes.size(), 1U) << text;
    EXPECT_EQ(mistakes[0].error.text(), got.error().text());
    EXPECT_TRUE(mistakes[0].setting) << text;
  }
  EXPECT_EQ(check_mistakes_in(settings("warn = \"4x\"\ncrit = \"5y\"\n")).size(), 2U);
  // What is typed is to blame itself.
  const auto typed = parsed("warn = \"4h\"\n", {"--crit", "6y"});
  ASSERT_FALSE(typed);
  EXPECT_EQ(typed.error().text().find("f.toml"), std::string::npos) << typed.error().text();
}

}  // namespace
}  // namespace curfew::cli
