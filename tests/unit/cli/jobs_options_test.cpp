#include "cli/jobs_options.hpp"

#include <gtest/gtest.h>

namespace curfew::cli {
namespace {

template <class T>
std::string text_of(const Result<T>& result) {
  return result ? "fine" : result.error().text();
}

TEST(JobsOptions, have_defaults) {
  const auto ps = parse_ps({});
  ASSERT_TRUE(ps);
  EXPECT_EQ(ps->newest, 30U);
  EXPECT_FALSE(ps->json);
  EXPECT_TRUE(ps->place.staging.bucket.empty());
  const auto logs = parse_logs({"digits"});
  ASSERT_TRUE(logs);
  EXPECT_EQ(logs->names, (std::vector<std::string>{"secrets", "fetch", "setup", "data", "train"}));
  EXPECT_FALSE(logs->follow);
}

TEST(JobsOptions, are_taken_from_words) {
  const auto ps = parse_ps({"--all", "--format", "json", "--staging", "s3://bucket/x", "--region",
                            "eu-west-1", "--profile", "lab"});
  ASSERT_TRUE(ps) << ps.error().text();
  EXPECT_EQ(ps->newest, 0U);
  EXPECT_TRUE(ps->json);
  EXPECT_EQ(ps->place.staging.text(), "s3://bucket/x");
  EXPECT_EQ(ps->place.region, "eu-west-1");
  const auto logs =
      parse_logs({"-f", "digits", "--stage", "setup", "--stage", "guard", "--tail", "20", "--raw"});
  ASSERT_TRUE(logs) << logs.error().text();
  EXPECT_EQ(logs->job, "digits");
  EXPECT_EQ(logs->names, (std::vector<std::string>{"setup", "guard"}));
  EXPECT_EQ(logs->tail, 20U);
  EXPECT_TRUE(logs->follow && logs->raw);
  const auto before = parse_logs({"--stage", "train", "digits"});
  ASSERT_TRUE(before) << before.error().text();
  EXPECT_EQ(before->job, "digits");
  const auto wait = parse_wait({"digits", "--timeout", "6h", "--quiet"});
  ASSERT_TRUE(wait);
  EXPECT_EQ(wait->limit, std::chrono::hours{6});
  const auto result = parse_result({"digits", "--to", "out", "--list", "--force"});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->to, "out");
  const auto ssh = parse_ssh({"digits", "--print", "--user", "me", "--key", "/k"});
  ASSERT_TRUE(ssh);
  EXPECT_EQ(ssh->user, "me");
}

TEST(JobsOptions, are_refused_with_what_would_be_right) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {text_of(parse_ps({"digits"})), "'digits'"},
      {text_of(parse_ps({"--newest", "0"})), "from 1 to"},
      {text_of(parse_ps({"--newest", "5", "--all"})), "can't both be"},
      {text_of(parse_ps({"--format", "xml"})), "neither table nor json"},
      {text_of(parse_ps({"--region", "no where"})), "no region's name"},
      {text_of(parse_ps({"--staging", "bucket"})), "--staging"},
      {text_of(parse_logs({})), "needs a JOB"},
      {text_of(parse_logs({"a", "b"})), "'b'"},
      {text_of(parse_logs({"a", "--stage", "../train"})), "no stage's name"},
      {text_of(parse_logs({"a", "--tail", "-1"})), "--tail"},
      {text_of(parse_wait({"a", "--timeout", "5"})), "--timeout"},
      {text_of(parse_wait({})), "needs a JOB"},
      {text_of(parse_retry({"a", "--retry", "2"})), "needs --follow"},
      {text_of(parse_retry({"a", "--follow", "--retry", "101"})), "--retry"},
      {text_of(parse_wait({"a", "--qiet"})), "--quiet"},
      {text_of(parse_result({"a", "--to", ""})), "--to"},
      {text_of(parse_ssh({"a", "--ssm", "--user", "me"})), "--ssm"},
  };
  for (const auto& [text, said] : cases) EXPECT_NE(text.find(said), std::string::npos) << text;
}

}  // namespace
}  // namespace curfew::cli
