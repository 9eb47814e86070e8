#include "launch/user_data.hpp"

#include <stdlib.h>
#include <unistd.h>

#include "layers/units.hpp"
#include "os/command.hpp"
#include "os/files.hpp"
#include "unit/launch/plan_fixture.hpp"

namespace curfew::launch {
namespace {

const std::string k_sha(64, 'a');

InstanceParts parts() {
  InstanceParts parts;
  parts.launch_id = test::k_id;
  parts.region = "us-east-1";
  parts.l0_at = test::plan().l0_at;
  parts.until_l0 = Seconds{14'640};
  parts.program = {"https://bucket.s3.us-east-1.amazonaws.com/curfew/bin/curfew-" + k_sha, k_sha};
  parts.job = {"https://bucket.s3.us-east-1.amazonaws.com/curfew/jobs/x/job.json", k_sha};
  return parts;
}

// Whether a shell takes it.
os::Outcome checked_by(const std::string& shell, const std::string& script) {
  std::string path = testing::TempDir() + "script.XXXXXX";
  const int fd = ::mkstemp(path.data());
  EXPECT_GE(fd, 0);
  EXPECT_TRUE(os::write_all(fd, script, path));
  ::close(fd);
  const auto outcome = os::run_command({shell, "-n", path}, Millis{10'000});
  ::unlink(path.c_str());
  EXPECT_TRUE(outcome);
  return outcome ? *outcome : os::Outcome{99, {}};
}

TEST(UserData, is_one_document_of_two_parts) {
  const auto text = user_data(parts());
  ASSERT_TRUE(text) << text.error().text();
  EXPECT_LT(text->size(), k_most_user_data);
  EXPECT_TRUE(
      text->starts_with("Content-Type: multipart/mixed; boundary=\"==curfew-launch==\"\nMIME-Version: 1.0\n\n"
                        "--==curfew-launch==\nContent-Type: text/cloud-boothook; charset=\"utf-8\"\n"));
  EXPECT_LT(text->find("text/cloud-boothook"), text->find("text/x-shellscript"));
  EXPECT_TRUE(text->ends_with("\n--==curfew-launch==--\n"));
}

TEST(UserData, is_taken_by_the_shells) {
  for (const std::string shell : {"/bin/sh", "/bin/bash"})
    for (const auto& script : {boothook(parts()), start_script(parts())}) {
      const auto outcome = checked_by(shell, script);
      EXPECT_EQ(outcome.code, 0) << outcome.output;
    }
}

TEST(UserData, arms_what_the_guard_arms_too) {
  const auto script = boothook(parts());
  EXPECT_NE(script.find(layers::l0_service_unit(layers::Places{})), std::string::npos);
  EXPECT_NE(script.find("OnCalendar=2026-11-24 22:04:00 UTC\nOnActiveSec=14640s\n"), std::string::npos)
      << script;
  EXPECT_NE(script.find("shutdown -h +244"), std::string::npos) << "without systemd";
  // Nothing of curfew's own may end the machine: the units do without it.
  EXPECT_EQ(script.find("curfew run"), std::string::npos);
}

TEST(UserData, quotes_what_it_is_given) {
  auto hostile = parts();
  hostile.program.url = "https://h/'; touch /tmp/owned; '$(id)`id`\"\\";
  const auto script = start_script(hostile);
  EXPECT_NE(script.find(R"('https://h/'\''; touch /tmp/owned; '\''$(id)`id`"\')"), std::string::npos)
      << script;
  EXPECT_EQ(checked_by("/bin/bash", script).code, 0);
  hostile.launch_id = "x; reboot";
  EXPECT_FALSE(user_data(hostile));
}

TEST(UserData, refuses_to_be_larger_than_ec2_takes) {
  auto large = parts();
  large.job.url = "https://h/" + std::string(16'000, 'a');
  const auto text = user_data(large);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::invalid_input);
}

JobFile job_of(const std::string& shell) {
  JobFile job;
  job.launch = "x";
  job.name = "digits";
  job.place = {"bucket", "curfew/jobs/x/"};
  job.stages.shell = shell;
  return job;
}

TEST(JobFile, keeps_every_byte_of_what_was_typed) {
  auto job = job_of("echo \"$HOME\" 'a'\n\t`id` \\ é 日本 \x01");
  job.words = {"--save", "a b=s3://bucket/x"};
  job.environment = {{"TOKEN", "a=b \"c\"\n$d"}, {"EMPTY", ""}};
  job.user = "ubuntu";
  const auto read = job_file_from_json(to_json(job));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->words, job.words);
  EXPECT_EQ(read->user, "ubuntu");
  EXPECT_EQ(read->environment, job.environment);
  EXPECT_EQ(read->launch, "x");
  EXPECT_EQ(read->name, "digits");
  EXPECT_EQ(read->place.text(), "s3://bucket/curfew/jobs/x/");
  EXPECT_EQ(read->stages, job.stages);
}

TEST(JobFile, is_refused_where_it_is_none) {
  const auto whole = to_json(job_of("true"));
  ASSERT_TRUE(job_file_from_json(whole));
  const std::pair<const char*, const char*> broken[] = {
      {"\"version\":3", "\"version\":2"},
      {"\"launch\":\"x\"", "\"launch\":\"x y\""},
      {"\"launch\":\"x\",", ""},
      {"\"name\":\"digits\"", "\"name\":\"\""},
      {"jobs/x/\"", "jobs/x\""},
      {"\"words\":[]", "\"words\":\"a\""},
      {"\"environment\":{}", "\"environment\":{\"a b\":\"c\"}"},
      {"\"environment\":{}", "\"environment\":{\"LD=PRELOAD\":\"c\"}"},
      {"\"environment\":{}", "\"environment\":{\"A\":1}"},
      {"\"user\":\"\",", ""},
      {"s3://bucket/", "https://bucket/"},
      {"\"shell\":\"true\"", "\"shell\":\"\""}};
  for (const auto& [from, to] : broken) {
    auto text = whole;
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from << " in " << text;
    text.replace(at, std::string_view(from).size(), to);
    EXPECT_FALSE(job_file_from_json(text)) << text;
  }
  for (const char* text : {"", "{}", "[]"}) EXPECT_FALSE(job_file_from_json(text)) << text;
}

TEST(JobFile, has_the_region_unless_the_user_says_another) {
  auto wanted = test::wishes();
  wanted.environment = {{"AWS_REGION", "eu-west-1"}};
  const auto job = job_file(test::plan(wanted));
  EXPECT_EQ(job.environment,
            (aws::KeyValues{{"AWS_REGION", "eu-west-1"}, {"AWS_DEFAULT_REGION", "us-east-1"}}));
}

TEST(Staging, has_its_objects_below_the_prefix) {
  EXPECT_EQ(program_place({"b", ""}, "abc").key, "bin/curfew-abc");
  EXPECT_EQ(program_place({"b", "x/"}, "abc").key, "x/bin/curfew-abc");
  EXPECT_EQ(job_place({"b", "x"}, "l-1").key, "x/jobs/l-1/job.json");
  EXPECT_EQ(workdir_place({"b", "x"}, "l-1").key, "x/jobs/l-1/workdir.tar.gz");
  EXPECT_EQ(logs_place({"b", ""}, "l-1").key, "jobs/l-1/logs");
}

}  // namespace
}  // namespace curfew::launch
