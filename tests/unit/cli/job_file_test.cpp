#include "cli/job_file.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/text.hpp"
#include "cli/launch_options.hpp"

namespace curfew::cli {
namespace {

using Words = std::vector<std::string>;

constexpr const char* k_enough = R"(
instance-type = ["g5.xlarge", "g6.xlarge"]
instance-profile = "trainer"
staging = "s3://bucket/curfew"
scheduler-role = "arn:aws:iam::123456789012:role/curfew-scheduler"
)";

Result<LaunchOptions> parse(const std::string& more, Words typed = {}) {
  typed.insert(typed.begin(), "a/job.toml");
  return parse_launch(typed, JobText{"a/job.toml", k_enough + more});
}

TEST(JobFile, says_what_options_say) {
  const auto options = parse(R"(
spot = true
max-cost = 5.5
disk = 200
workdir = "code"
setup = ["a", "b"]
data = "s3://bkt/x=y"
save = ["out/=s3://bkt/run"]
command = ["python3", "train.py", "--lr", "1", ""]
[env]
A = "b=c"
N = 3
[secret]
K = "ssm:/k"
)");
  ASSERT_TRUE(options) << options.error().text();
  const auto& wishes = options->wishes;
  EXPECT_EQ(wishes.types, (Words{"g5.xlarge", "g6.xlarge"}));
  EXPECT_TRUE(wishes.spot);
  EXPECT_EQ(wishes.max_cost, Micros{5'500'000});
  EXPECT_EQ(wishes.disk_gib, 200U);
  EXPECT_EQ(wishes.workdir, "a/code") << "below the file's folder";
  EXPECT_EQ(wishes.stages.setup, (Words{"a", "b"}));
  EXPECT_EQ(wishes.stages.data.size(), 1U);
  EXPECT_EQ(wishes.stages.command, (Words{"python3", "train.py", "--lr", "1", ""}));
  EXPECT_EQ(wishes.environment, (aws::KeyValues{{"A", "b=c"}, {"N", "3"}}));
  EXPECT_EQ(wishes.stages.secrets, (std::vector<launch::Secret>{{"K", "/k"}}));
  EXPECT_EQ(wishes.name, "python3");
}

TEST(JobFile, takes_lists_of_places_and_all_ways_to_pay) {
  const auto options = parse(R"(
spot-then-on-demand = true
wait-capacity = "90m"
region = ["us-east-1", "us-west-2"]
zone = ["us-east-1a", "us-west-2b"]
command = ["a"]
)");
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_TRUE(options->wishes.spot && options->wishes.then_on_demand);
  EXPECT_EQ(options->wishes.wait_capacity, Seconds{5'400});
  EXPECT_EQ(options->regions, (Words{"us-east-1", "us-west-2"}));
  EXPECT_EQ(options->wishes.zones, (Words{"us-east-1a", "us-west-2b"}));
  const auto typed = parse("spot-then-on-demand = true\ncommand = [\"a\"]\n", {"--on-demand"});
  ASSERT_TRUE(typed) << typed.error().text();
  EXPECT_FALSE(typed->wishes.spot);
}

TEST(JobFile, gives_way_to_what_is_typed) {
  const std::string file = R"(
spot = true
max-time = "4h"
repo = "https://h/r@v1"
repo-token = "ssm:/t"
save = ["out/=s3://bkt/run"]
shell = "a && b"
[env]
A = "1"
B = "2"
)";
  const auto options = parse(file, {"--on-demand", "--max-hours", "2", "--workdir", "x", "--env", "A=3",
                                    "--save", "log=s3://bkt/log", "--", "train"});
  ASSERT_TRUE(options) << options.error().text();
  const auto& wishes = options->wishes;
  EXPECT_FALSE(wishes.spot);
  EXPECT_EQ(wishes.max_time, Seconds{7'200});
  EXPECT_EQ(wishes.workdir, "x");
  EXPECT_FALSE(wishes.stages.repo);
  EXPECT_EQ(wishes.environment, (aws::KeyValues{{"B", "2"}, {"A", "3"}}));
  EXPECT_EQ(wishes.saves, (Words{"out/=s3://bkt/run", "log=s3://bkt/log"})) << "lists are added to";
  EXPECT_EQ(wishes.stages.command, (Words{"train"}));
  EXPECT_EQ(wishes.stages.shell, "");
  const auto shell = parse("command = [\"a\"]\n", {"--shell", "b"});
  ASSERT_TRUE(shell) << shell.error().text();
  EXPECT_TRUE(shell->wishes.stages.command.empty());
}

TEST(JobFile, is_refused_with_its_line_and_never_a_value) {
  const struct {
    const char* text;
    const char* why;
  } cases[] = {
      {"stpo = true\n", "a/job.toml:6: there is no option 'stpo'"},
      {"max_time = \"hunter2\"\n", "did you mean max-time?"},
      {"comand = [\"hunter2\"]\n", "did you mean command?"},
      {"spot = \"hunter2\"\n", "takes true or false"},
      {"yes = true\n", "nobody would ever be asked"},
      {"dry-run = true\n", "can't stand in a file"},
      {"command = \"hunter2\"\n", "takes a list of texts"},
      {"command = []\n", "takes a list of texts"},
      {"command = [1]\n", "no text"},
      {"env = 3\n", "takes a list"},
      {"[env]\nA = [\"hunter2\"]\n", "a/job.toml:7: 'A' of [env]"},
      {"[env]\n\"A=hunter2\" = \"x\"\n", "of [env]"},
      {"command = [\"a\"]\n[secret]\nK = \"hunter2!\"\n", "is no parameter"},
      {"[launch]\nspot = true\n", "there is no option 'launch'"},
      {"max-time = \"4\"\ncommand = [\"a\"]\n", "a/job.toml:6: --max-time"},
      {"setup = [\"\"]\n", "'setup' is empty"},
      {"spot = true\non-demand = true\ncommand = [\"a\"]\n", "can't both be"},
      {"x = hunter2\n", "is not TOML"},
      {"setup-limit = \"5\"\ncommand = [\"a\"]\n", "a/job.toml:6: --setup-limit"},
  };
  for (const auto& [text, why] : cases) {
    const auto options = parse(text);
    ASSERT_FALSE(options) << text;
    EXPECT_NE(options.error().text().find(why), std::string::npos) << text << options.error().text();
    EXPECT_EQ(options.error().text().find("hunter2"), std::string::npos) << options.error().text();
  }
  EXPECT_FALSE(parse(std::string(70'000, '#')));
}

TEST(JobFile, is_the_one_word_that_ends_so) {
  EXPECT_EQ(named_job_file({"--spot", "job.toml", "--", "x.toml"}), "job.toml");
  EXPECT_EQ(named_job_file({"--env", "A=b", "job.toml"}), "job.toml");
  EXPECT_EQ(named_job_file({"--secret=A=ssm:/b", "job.toml"}), "job.toml");
  EXPECT_EQ(named_job_file({"--name", "job.toml", "--", "x"}), std::nullopt);
  EXPECT_EQ(named_job_file({"--spot", "--", "x.toml"}), std::nullopt);
  EXPECT_EQ(named_job_file({"job.toml", "--init"}), std::nullopt);
  EXPECT_EQ(parse_launch({"--init"})->init, "job.toml");
  EXPECT_EQ(parse_launch({"--init", "b.toml"})->init, "b.toml");
}

// Every key of the template is known, those too that are commented out.
TEST(JobTemplate, is_a_job_file_whole_and_uncommented) {
  const auto whole = parse_launch({"job.toml"}, JobText{"job.toml", std::string(k_job_template)});
  ASSERT_TRUE(whole) << whole.error().text();
  EXPECT_EQ(whole->wishes.workdir, ".");
  std::string all;
  for (const auto line : split(k_job_template, '\n')) {
    const bool is_key = line.starts_with('#') && !line.starts_with("# ");
    all += std::string(is_key ? line.substr(1) : line) + "\n";
  }
  const auto settings = parse_job_settings(all, "job.toml", launch_file_options(), k_joined_options);
  ASSERT_TRUE(settings) << settings.error().text();
  for (const auto& option : launch_file_options()) {
    if (!option.why_not.empty() || option.name == "max-hours" || option.name == "on-demand" ||
        option.name == "no-schedule" || option.name == "profile")
      continue;  // other words for what is there
    EXPECT_TRUE(std::any_of(settings->settings.begin(), settings->settings.end(), [&](const Setting& one) {
      return one.name == option.name;
    })) << option.name;
  }
}

}  // namespace
}  // namespace curfew::cli
