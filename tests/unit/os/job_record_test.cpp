// What the shim is told, and what it writes down.
#include "os/job_record.hpp"

#include <gtest/gtest.h>

namespace curfew::os {
namespace {

TEST(JobSpec, survives_its_json_whatever_its_bytes_are) {
  JobSpec spec;
  spec.argv = {"python3", "train.py", "--name=\xff\xfe", "", "quote\" back\\slash\n"};
  spec.cwd = "/data/\xc3\xa9t\xc3\xa9";
  spec.env = {"A=1", "LATIN=\xe9t\xe9", "EMPTY="};
  spec.umask = 0027;
  spec.uid = 4'294'967'294U;
  spec.gid = 1000;
  spec.groups = {1000, 27, 4'294'967'294U};
  spec.limits = {{RLIMIT_NOFILE, {1024, 4096}}, {RLIMIT_CORE, {RLIM_INFINITY, RLIM_INFINITY}}};
  spec.stdin_tty = true;
  spec.stderr_tty = true;
  spec.one_output = true;
  spec.rows = 50;
  spec.columns = 65'535;
  spec.terminal_settings = std::string("\0\x01\xff\x7f", 4);
  spec.oom_score = -1000;
  spec.output_bytes = 1ULL << 40U;
  const auto read = job_spec_from_json(to_json(spec));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->argv, spec.argv);
  EXPECT_EQ(read->cwd, spec.cwd);
  EXPECT_EQ(read->env, spec.env);
  EXPECT_EQ(read->umask, spec.umask);
  EXPECT_EQ(read->uid, spec.uid);
  EXPECT_EQ(read->gid, spec.gid);
  EXPECT_EQ(read->groups, spec.groups);
  ASSERT_EQ(read->limits.size(), 2U);
  EXPECT_EQ(read->limits[0].first, RLIMIT_NOFILE);
  EXPECT_EQ(read->limits[0].second.rlim_cur, 1024U);
  EXPECT_EQ(read->limits[1].second.rlim_max, RLIM_INFINITY);
  EXPECT_TRUE(read->stdin_tty && !read->stdout_tty && read->stderr_tty && read->one_output);
  EXPECT_EQ(read->oom_score, -1000);
  EXPECT_EQ(read->rows, 50);
  EXPECT_EQ(read->columns, 65'535);
  EXPECT_EQ(read->terminal_settings, spec.terminal_settings);
  EXPECT_EQ(read->output_bytes, spec.output_bytes);
}

TEST(JobSpec, that_lacks_something_names_it) {
  JobSpec spec;
  spec.argv = {"true"};
  std::string text = to_json(spec);
  text.replace(text.find("\"umask\""), 7, "\"unask\"");
  const auto read = job_spec_from_json(text);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::invalid_input);
  EXPECT_NE(read.error().text().find("'umask'"), std::string::npos) << read.error().text();
  for (const char* broken : {"", "null", "[1]", "{}", "{\"argv\":", "{\"argv\":\"true\"}"})
    EXPECT_FALSE(job_spec_from_json(broken)) << broken;
}

TEST(ExitRecord, survives_its_json) {
  for (const auto how : {ExitRecord::How::not_started, ExitRecord::How::exited, ExitRecord::How::signalled}) {
    const ExitRecord record{how, 127, "train: command not found", 1'795'530'000'123, "a-boot"};
    const auto read = exit_record_from_json(to_json(record));
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(read->how, how);
    EXPECT_EQ(read->number, 127);
    EXPECT_EQ(read->why, record.why);
    EXPECT_EQ(read->ended_ms, record.ended_ms);
    EXPECT_EQ(read->boot_id, record.boot_id);
  }
  EXPECT_FALSE(exit_record_from_json(R"({"how":"maybe","number":0,"why":"","ended_ms":0,"boot_id":""})"));
  EXPECT_FALSE(exit_record_from_json(R"({"how":"exited","number":1e30,"why":"","ended_ms":0,"boot_id":""})"));
  EXPECT_FALSE(exit_record_from_json(""));  // a crash may leave an empty file
}

}  // namespace
}  // namespace curfew::os
