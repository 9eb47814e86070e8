#include "launch/fetch_repo.hpp"

#include <sys/stat.h>

#include <algorithm>

#include <gtest/gtest.h>

#include "os/command.hpp"
#include "os/files.hpp"

namespace curfew::launch {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += word + "\n";
  return text;
}

TEST(Credential, is_what_git_reads_of_its_helper) {
  EXPECT_EQ(*credential_text("hunter2\n"), "username=x-access-token\npassword=hunter2\n");
  EXPECT_EQ(*credential_text("me:hun:ter2"), "username=me\npassword=hun:ter2\n");
  for (const std::string_view text :
       {std::string_view(""), std::string_view(" \n"), std::string_view("a\nhost=evil"),
        std::string_view("a\rb"), std::string_view("a\0b", 3)})
    EXPECT_FALSE(credential_text(text));
}

TEST(Credential, is_for_one_host) {
  EXPECT_EQ(origin_of("https://github.com/me/train"), "https://github.com/");
  EXPECT_EQ(origin_of("https://h:8443/r"), "https://h:8443/");
  EXPECT_EQ(origin_of("git@h:r"), "");
}

// What git would run for its helper.
std::string helper_of(const GitCredential& credential) {
  const auto& options = credential.options();
  const auto at = options.back().find("=!");
  return at == std::string::npos ? "" : options.back().substr(at + 2);
}

TEST(Credential, is_in_a_file_that_is_gone_after_it_and_on_no_command_line) {
  std::string helper;
  {
    const auto credential = GitCredential::make("https://github.com/me/train", "hunter2");
    ASSERT_TRUE(credential) << credential.error().text();
    EXPECT_EQ(joined(credential->options()).find("hunter2"), std::string::npos);
    EXPECT_NE(joined(credential->options()).find("credential.https://github.com/.helper=!"),
              std::string::npos);
    helper = helper_of(*credential);
    const auto told = os::run_command({"sh", "-c", helper + " get"}, Millis{10'000});
    ASSERT_TRUE(told);
    EXPECT_EQ(told->output, "username=x-access-token\npassword=hunter2");
    const auto quoted = helper.find('\'');
    const auto file = helper.substr(quoted + 1, helper.find('\'', quoted + 1) - quoted - 1);
    struct stat about {};
    ASSERT_EQ(::stat(file.c_str(), &about), 0) << file;
    EXPECT_EQ(about.st_mode & 0777U, 0600U);
    EXPECT_EQ(os::run_command({"sh", "-c", helper + " store"}, Millis{10'000})->output, "");
  }
  EXPECT_NE(os::run_command({"sh", "-c", helper + " get"}, Millis{10'000})->code, 0);
}

TEST(Credential, is_none_for_a_public_repository) {
  const auto credential = GitCredential::make("https://h/r", "");
  ASSERT_TRUE(credential);
  EXPECT_TRUE(credential->options().empty());
}

TEST(GitSteps, look_among_all_for_what_may_be_a_commit) {
  const auto none = GitCredential::make("https://h/r", "");
  for (const auto& [ref, is_looked_for] :
       {std::pair{"main", false}, std::pair{"v1.0", false}, std::pair{"", false}, std::pair{"0123abc", true},
        std::pair{"abc", false}}) {
    const auto steps = git_steps({"https://h/r", ref, ""}, "/job", *none);
    const auto fetch = std::find_if(steps.begin(), steps.end(),
                                    [](const GitStep& step) { return step.says.starts_with("git fetch"); });
    ASSERT_NE(fetch, steps.end());
    EXPECT_EQ(!fetch->instead.empty(), is_looked_for) << ref;
    for (const auto& step : steps) EXPECT_EQ(step.argv[0] + step.argv[1] + step.argv[2], "git-C/job");
  }
}

}  // namespace
}  // namespace curfew::launch
