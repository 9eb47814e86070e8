#include "jobs/render.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "unit/jobs/seen_fixture.hpp"

namespace curfew::jobs {
namespace {

// CURFEW_GOLDEN=write makes them anew, to be read before they're committed.
void expect_golden(const std::string& name, const std::string& text) {
  const auto path = std::string(CURFEW_TEST_DATA) + "/" + name;
  if (std::getenv("CURFEW_GOLDEN") != nullptr) {
    std::ofstream(path) << text;
    return;
  }
  std::ifstream file(path);
  std::stringstream expected;
  expected << file.rdbuf();
  EXPECT_EQ(text, expected.str()) << path;
}

Row ended(int code, bool saved) {
  auto seen = running_job();
  seen.launch_id = "20261127-090000-000000000000000000000001";
  seen.status->phase = Phase::ended;
  seen.status->exit_code = code;
  seen.status->cause = "job_ended";
  seen.status->saved = saved;
  seen.status->written = k_now - std::chrono::minutes{20};
  seen.machines.clear();
  return assess(seen, k_now);
}

JobList list() {
  JobList jobs;
  jobs.at = k_now;
  jobs.staging = "s3://curfew-123456789012-us-east-1/";
  jobs.launches = 42;
  jobs.rows.push_back(assess(running_job(), k_now));
  auto saving = running_job();
  saving.launch->job = "a-job-with-a-name-that-is-quite-a-bit-longer-than-others";
  saving.status->phase = Phase::saving;
  saving.status->guard.save_in_trouble = true;
  saving.status->guard.cost_is_complete = false;
  jobs.rows.push_back(assess(saving, k_now));
  jobs.rows.push_back(ended(0, true));
  jobs.rows.push_back(ended(3, false));
  auto overdue = running_job();
  overdue.machines[0].deadline = k_now - std::chrono::minutes{30};
  jobs.rows.push_back(assess(overdue, k_now));
  auto lost = running_job();
  lost.machines.clear();
  lost.launch->job = "über\033[2J";
  jobs.rows.push_back(assess(lost, k_now));
  auto unread = running_job();
  unread.launch.reset();
  unread.status.reset();
  unread.machines.clear();
  unread.launch_problem = "read launch.json: Access Denied";
  jobs.rows.push_back(assess(unread, k_now));
  return jobs;
}

TEST(RenderJobs, for_people) {
  expect_golden("ps.txt", render_table(list(), {}));
  expect_golden("ps_120.txt", render_table(list(), {120, false}));
  expect_golden("ps_80.txt", render_table(list(), {80, false}));
  expect_golden("ps_40_colours.txt", render_table(list(), {40, true}));
}

TEST(RenderJobs, says_that_there_are_none) {
  JobList none;
  none.staging = "s3://bucket/";
  EXPECT_EQ(render_table(none, {}), "No launches below s3://bucket/jobs/\n");
  EXPECT_FALSE(boost::json::parse(render_json(none)).at("jobs").as_array().size());
}

TEST(RenderJobs, fits_into_any_width) {
  for (unsigned width = 20; width < 200; ++width) {
    std::istringstream lines(render_table(list(), {width, false}));
    for (std::string line; std::getline(lines, line);) {
      // Of UTF-8 there are a few bytes more than columns.
      EXPECT_LE(line.size(), width + 20) << width << ": " << line;
      EXPECT_EQ(line.find('\033'), std::string::npos) << line;
    }
  }
}

TEST(RenderJobs, for_programs) {
  const auto text = render_json(list());
  expect_golden("ps.json", text);
  const auto document = boost::json::parse(text);
  EXPECT_FALSE(document.at("complete").as_bool());
  const auto& jobs = document.at("jobs").as_array();
  ASSERT_EQ(jobs.size(), 7U);
  EXPECT_EQ(jobs[0].at("state").as_string(), "running");
  EXPECT_EQ(jobs[2].at("exit_code").as_int64(), 0);
  EXPECT_TRUE(jobs[6].at("job").is_null());
  EXPECT_TRUE(jobs[6].at("cost").at("so_far").is_null()) << "unknown is never 0";
}

}  // namespace
}  // namespace curfew::jobs
