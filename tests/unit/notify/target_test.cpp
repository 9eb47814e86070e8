#include "notify/target.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "notify/secret_file.hpp"

namespace curfew::notify {
namespace {

constexpr const char* k_secret = "T0SECRET/B0SECRET/verysecret";
const std::string k_hook = std::string("https://hooks.slack.com/services/") + k_secret;

Result<SecretFile> no_file(const std::string& path) {
  return fail(ErrorKind::not_found, "read " + path, "No such file or directory");
}

// A folder that goes with the test.
struct Folder {
  Folder() {
    std::string name = testing::TempDir() + "curfew-notify-XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string write(const std::string& text, mode_t mode) const {
    const auto file = path + "/hook";
    std::ofstream(file, std::ios::binary) << text;
    ::chmod(file.c_str(), mode);
    return file;
  }
  std::string path;
};

TEST(Target, is_shown_without_its_secret) {
  struct Case {
    std::string text;
    const char* shown;
  };
  for (const auto& c :
       {Case{k_hook, "https://hooks.slack.com/…"}, Case{"https://a:8443/x?y=z", "https://a:8443/…"},
        Case{"http://127.0.0.1:9/hook", "http://127.0.0.1:9/…"},
        Case{"http://127.9.8.7/hook", "http://127.9.8.7/…"}, Case{"http://[::1]:9/h", "http://[::1]:9/…"},
        Case{"http://localhost/h", "http://localhost/…"},
        Case{"sns:arn:aws:sns:us-east-1:123456789012:alerts", "SNS topic alerts in us-east-1"},
        Case{"sns:arn:aws-cn:sns:cn-north-1:123456789012:a-b_C1", "SNS topic a-b_C1 in cn-north-1"},
        Case{"sns:arn:aws-us-gov:sns:us-gov-west-1:123456789012:a", "SNS topic a in us-gov-west-1"},
        Case{"ssm:/curfew/slack", "ssm:/curfew/slack"}}) {
    const auto target = parse_target(c.text);
    ASSERT_TRUE(target) << c.text << ": " << target.error().text();
    EXPECT_EQ(target->shown(), c.shown);
    EXPECT_EQ(target->secret_text(), c.text);
    EXPECT_EQ(shown_option(c.text), c.shown);
  }
}

TEST(Target, goes_with_a_launch_only_where_it_holds_no_secret) {
  EXPECT_TRUE(check_without_secret("sns:arn:aws:sns:us-east-1:123456789012:alerts"));
  EXPECT_TRUE(check_without_secret("ssm:/curfew/slack"));
  struct Case {
    std::string option, why;
  };
  for (const auto& c :
       {Case{k_hook, "its password"}, Case{"http://127.0.0.1/" + std::string(k_secret), "its password"},
        Case{"env:HOOK", "on this machine"}, Case{"file:/root/hook", "on this machine"},
        Case{"mailto:a@example.com", "when it ends"}, Case{"ssm:", "no parameter's name"},
        Case{"ssm:hooks/SECRET", "no parameter's name"}, Case{"ssm:/a b SECRET", "no parameter's name"},
        Case{"SECRET", "names none"}}) {
    const auto good = check_without_secret(c.option);
    ASSERT_FALSE(good) << c.option;
    const auto text = good.error().text();
    EXPECT_NE(text.find(c.why), std::string::npos) << text;
    EXPECT_EQ(text.find("SECRET"), std::string::npos) << text;
    const bool has_fix = text.find("aws ssm put-parameter") != std::string::npos;
    EXPECT_EQ(has_fix, c.why == "its password" || c.why == "on this machine") << text;
  }
}

TEST(Target, in_a_parameter_is_a_webhook_or_a_topic) {
  EXPECT_EQ(parse_held(" " + k_hook + "\n")->secret_text(), k_hook);
  EXPECT_TRUE(parse_held("sns:arn:aws:sns:us-east-1:123456789012:alerts"));
  for (const auto* text :
       {"", "ssm:/another", "mailto:a@example.com", "env:SECRET", "file:/SECRET", "SECRET"}) {
    const auto held = parse_held(text);
    ASSERT_FALSE(held) << text;
    EXPECT_EQ(held.error().text().find("SECRET"), std::string::npos) << held.error().text();
  }
}

TEST(Target, is_refused_without_telling_it) {
  for (const std::string text : {"",
                                 "hooks.slack.com/SECRET",
                                 "http://hooks.slack.com/SECRET",
                                 "ftp://a/SECRET",
                                 "https://user:SECRET@a/",
                                 "https://SECRET@a/",
                                 "https://169.254.169.254/SECRET",
                                 "https://[fe80::1]/SECRET",
                                 "https://[fd00:ec2::254]/SECRET",
                                 "https://100.100.100.200/SECRET",
                                 "https://[::ffff:169.254.169.254]/SECRET",
                                 "https://2852039166/SECRET",
                                 "https://0xa9fea9fe/SECRET",
                                 "https://0251.0376.0251.0376/SECRET",
                                 "https://169.254.43518/SECRET",
                                 "https://127.1/SECRET",
                                 "http://0/SECRET",
                                 "http://0.0.0.0/SECRET",
                                 "http://2130706433/SECRET",
                                 "http://127.0.0.1.example.com/SECRET",
                                 "http://localhost.example.com/SECRET",
                                 "http://10.0.0.1/SECRET",
                                 "http://[::ffff:10.0.0.1]/SECRET",
                                 "https://a/SECRET#x",
                                 "https://a/SECRET\n",
                                 "https://a b/SECRET",
                                 "https://a/SEC\x1b[31mRET",
                                 "https://169.254.169.254./SECRET",
                                 "https:///SECRET",
                                 "sns:SECRET",
                                 "sns:",
                                 "sns:arn:aws:sqs:us-east-1:123456789012:SECRET",
                                 "sns:arn:aws:sns:us-east-1:123456789012:SECRET:0000",
                                 "sns:arn:aws:sns:us-east-1:12345:SECRET",
                                 "sns:arn:aws-cn:sns:us-east-1:123456789012:SECRET",
                                 "sns:arn:aws:sns:cn-north-1:123456789012:SECRET",
                                 "sns:arn:aws:sns:us-east-1.evil.com/:123456789012:SECRET",
                                 "sns:arn:aws:sns:us-east-1:123456789012:SECRET.fifo",
                                 "sns:arn:aws:sns:us-east-1:123456789012:SECRET&x=y",
                                 "env:SECRET",
                                 "file:/SECRET"}) {
    const auto target = parse_target(text);
    ASSERT_FALSE(target) << text;
    EXPECT_EQ(target.error().text().find("SEC"), std::string::npos) << target.error().text();
    EXPECT_TRUE(target.error().kind == ErrorKind::invalid_input || target.error().kind == ErrorKind::refused);
  }
  EXPECT_FALSE(parse_target("https://a/" + std::string(10'000, 'x')));
  EXPECT_FALSE(parse_target("sns:arn:aws:sns:us-east-1:123456789012:" + std::string(257, 'x')));
}

TEST(Target, comes_from_a_variable) {
  const net::Environment environment{
      {"HOOK", " " + k_hook + "\n"}, {"BAD", "http://a/SECRET"}, {"LOOP", "env:HOOK"}};
  const auto found = resolve_target("env:HOOK", environment, no_file);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_EQ(found->target.secret_text(), k_hook);
  EXPECT_EQ(found->warning, "");
  EXPECT_EQ(shown_option("env:HOOK"), "env:HOOK");
  for (const auto* option : {"env:NONE", "env:BAD", "env:LOOP", "env:", "env:A=B", "env:1A", "env:SEC RET"}) {
    const auto bad = resolve_target(option, environment, no_file);
    ASSERT_FALSE(bad) << option;
    EXPECT_EQ(bad.error().text().find("SEC"), std::string::npos) << bad.error().text();
  }
  EXPECT_NE(resolve_target("env:BAD", environment, no_file).error().text().find("the variable BAD"),
            std::string::npos);
}

TEST(Target, comes_from_a_file) {
  const Folder folder;
  const auto file = folder.write(k_hook + "\r\nsecond line", 0600);
  auto found = resolve_target("file:" + file, {}, read_secret_file);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_EQ(found->target.secret_text(), k_hook);
  EXPECT_EQ(found->warning, "");
  EXPECT_EQ(shown_option("file:" + file), "file:" + file);

  folder.write(k_hook, 0644);
  found = resolve_target("file:" + file, {}, read_secret_file);
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_NE(found->warning.find("every user"), std::string::npos);
  EXPECT_EQ(found->warning.find("SECRET"), std::string::npos);

  for (const auto& text : {std::string(), std::string("\n") + k_hook, std::string("env:HOOK"), "file:" + file,
                           std::string("https://a/SECRET ") + k_secret, std::string(5'000, 'x')}) {
    folder.write(text, 0600);
    const auto bad = resolve_target("file:" + file, {{"HOOK", k_hook}}, read_secret_file);
    ASSERT_FALSE(bad) << text;
    EXPECT_EQ(bad.error().text().find("SECRET"), std::string::npos) << bad.error().text();
    EXPECT_NE(bad.error().text().find(file), std::string::npos) << bad.error().text();
  }
  folder.write(k_hook + std::string(4096 - k_hook.size(), '\n'), 0600);
  EXPECT_TRUE(resolve_target("file:" + file, {}, read_secret_file));
}

TEST(Target, comes_from_no_pipe_folder_or_missing_file) {
  const Folder folder;
  ASSERT_EQ(::mkfifo((folder.path + "/pipe").c_str(), 0600), 0);
  for (const auto& path : {folder.path + "/pipe", folder.path, folder.path + "/none",
                           std::string("/dev/zero"), std::string(), std::string("a\0b", 3)})
    EXPECT_FALSE(resolve_target("file:" + path, {}, read_secret_file)) << path;
}

TEST(Target, that_is_none_is_not_shown) {
  for (const auto* option : {"http://a/SECRET", "SECRET", "env:SEC RET", "sns:SECRET"})
    EXPECT_EQ(shown_option(option), "…");
  EXPECT_EQ(shown_option("file:a\x1b[31m"), "file:a\\x1b[31m");
}

}  // namespace
}  // namespace curfew::notify
