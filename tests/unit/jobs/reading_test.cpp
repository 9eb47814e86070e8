#include "jobs/reading.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include "support/fake_clock.hpp"
#include "support/run.hpp"
#include "unit/jobs/seen_fixture.hpp"

namespace curfew::jobs {
namespace {

using enum aws::InstanceState;

// Launch number n, of the first of which the oldest is 1.
std::string id_of(int n) {
  const auto number = std::to_string(n);
  return "20261127-" + std::string(6 - number.size(), '0') + number + "-4f2a9c0d1e2f3a4b5c6d7e8f";
}

class FakeSource final : public Source {
 public:
  std::map<std::pair<std::string, std::string>, std::string> files;  // launch, name
  std::vector<MachineSeen> all_machines;
  std::optional<Error> machines_error;
  std::set<std::string> unreadable;  // launches
  int machine_calls = 0;

  std::map<std::string, std::string> region_of;  // a machine's; us-east-1 where it isn't named
  std::vector<std::string> asked_regions;

  void add(int n, const std::string& job, const std::string& region = "us-east-1") {
    auto file = launched();
    file.launch_id = id_of(n);
    file.job = job;
    file.region = region;
    files[{id_of(n), "launch.json"}] = launch::to_json(file);
  }
  void set_status(int n, const std::string& state, const std::string& instance = "i-0123456789abcdef0") {
    files[{id_of(n), "status.json"}] = R"({"launch":")" + id_of(n) +
                                       R"(","written":"2026-11-27T10:59:00Z","state":")" + state +
                                       R"(","instance":")" + instance + R"(","exit_code":0,"saved":true})";
  }

  Awaitable<Result<std::vector<std::string>>> launches() override {
    std::set<std::string, std::greater<>> ids;
    for (const auto& [key, text] : files) ids.insert(key.first);
    co_return std::vector<std::string>(ids.begin(), ids.end());
  }
  Awaitable<Result<bool>> is_there(std::string launch_id) override {
    co_return files.lower_bound({launch_id, ""})->first.first == launch_id;
  }
  Awaitable<Result<std::optional<std::string>>> read(std::string launch_id, std::string name,
                                                     std::size_t) override {
    if (unreadable.contains(launch_id)) co_return fail(ErrorKind::refused, "read " + name, "Access Denied");
    const auto found = files.find({launch_id, name});
    if (found == files.end()) co_return std::optional<std::string>{};
    co_return std::optional(found->second);
  }
  Awaitable<Result<std::vector<MachineSeen>>> machines(std::string, std::vector<std::string> ids) override {
    ++machine_calls;
    if (machines_error) co_return fail(Error{*machines_error});
    std::vector<MachineSeen> found;
    for (const auto& machine : all_machines)
      if (std::find(ids.begin(), ids.end(), machine.launch_id) != ids.end()) found.push_back(machine);
    co_return found;
  }
  Awaitable<Result<std::optional<MachineSeen>>> machine(std::string region, std::string instance) override {
    asked_regions.push_back(region);
    if (machines_error) co_return fail(Error{*machines_error});
    for (const auto& one : all_machines) {
      const auto where = region_of.find(one.id);
      const bool is_there = region == (where == region_of.end() ? "us-east-1" : where->second);
      if (one.id == instance && is_there) co_return std::optional(one);
    }
    co_return std::optional<MachineSeen>{};
  }
};

std::string found(FakeSource& source, const std::string& job) {
  auto finding = find_job(source, job, "us-east-1");
  const auto result = test::run(std::move(finding));
  return result ? result->launch_id : result.error().text();
}

TEST(FindJob, takes_the_newest_launch_of_a_name) {
  FakeSource source;
  for (int n = 1; n <= 120; ++n) source.add(n, n % 60 == 0 ? "digits" : "other");
  EXPECT_EQ(found(source, "digits"), id_of(120));
  EXPECT_EQ(found(source, id_of(60)), id_of(60));
  source.files.erase({id_of(120), "launch.json"});
  EXPECT_EQ(found(source, "digits"), id_of(60)) << "in another batch";
  EXPECT_NE(found(source, "nobody").find("no launch there"), std::string::npos);
}

TEST(FindJob, finds_a_launch_by_its_instance) {
  FakeSource source;
  source.add(1, "digits");
  source.add(2, "digits");
  auto machine = machine_in(running);
  machine.launch_id = id_of(1);
  source.all_machines = {machine};
  EXPECT_EQ(found(source, machine.id), id_of(1));
  source.all_machines.clear();
  EXPECT_NE(found(source, machine.id).find("no launch is known"), std::string::npos);
  source.set_status(1, "ended");
  EXPECT_EQ(found(source, machine.id), id_of(1)) << "EC2 shows it no more";
  source.machines_error = {ErrorKind::refused, "DescribeInstances", "denied", "", ""};
  EXPECT_EQ(found(source, machine.id), id_of(1));
}

TEST(FindJob, finds_an_instance_in_each_region_that_a_launch_went_to) {
  FakeSource source;
  source.add(1, "digits", "eu-west-1");
  source.add(2, "digits", "us-west-2");
  source.add(3, "digits", "eu-west-1");
  auto machine = machine_in(running);
  machine.launch_id = id_of(2);
  source.all_machines = {machine};
  source.region_of[machine.id] = "us-west-2";
  EXPECT_EQ(found(source, machine.id), id_of(2));
  source.asked_regions.clear();
  source.region_of[machine.id] = "ap-south-1";
  EXPECT_NE(found(source, machine.id).find("in us-east-1, eu-west-1, us-west-2"), std::string::npos)
      << found(source, machine.id);
  EXPECT_EQ(std::vector<std::string>(source.asked_regions.begin(), source.asked_regions.begin() + 3),
            (std::vector<std::string>{"us-east-1", "eu-west-1", "us-west-2"}));
}

TEST(FindJob, guesses_nothing_where_a_newer_launch_cannot_be_read) {
  FakeSource source;
  source.add(1, "digits");
  source.add(2, "digits");
  source.unreadable = {id_of(2)};
  EXPECT_NE(found(source, "digits").find("Access Denied"), std::string::npos);
  EXPECT_NE(found(source, "nobody").find("Access Denied"), std::string::npos);
}

TEST(ReadJobs, tells_each_what_could_not_be_read) {
  FakeSource source;
  for (int n = 1; n <= 30; ++n) source.add(n, "digits");
  source.files[{id_of(3), "launch.json"}] = "{";
  source.files[{id_of(4), "launch.json"}] = source.files[{id_of(5), "launch.json"}];
  source.set_status(6, "flying");
  std::vector<std::string> ids;
  for (int n = 1; n <= 30; ++n) ids.push_back(id_of(n));
  auto reading = read_jobs(source, ids, "us-east-1");
  const auto seen = test::run(std::move(reading));
  ASSERT_EQ(seen.size(), 30U);
  EXPECT_EQ(source.machine_calls, 1);
  for (int n = 1; n <= 30; ++n) {
    const auto& one = seen[static_cast<std::size_t>(n - 1)];
    EXPECT_EQ(one.launch_id, id_of(n));
    EXPECT_EQ(one.launch_problem.empty(), n != 3 && n != 4) << one.launch_problem;
    EXPECT_EQ(one.status_problem.empty(), n != 6) << one.status_problem;
  }
}

class Watching : public ::testing::Test {
 protected:
  Watching() {
    clock_.now = k_now;
    source_.add(1, "digits");
    source_.set_status(1, "running");
    auto machine = machine_in(running);
    machine.launch_id = id_of(1);
    source_.all_machines = {machine};
  }
  JobState look() {
    auto looking = watch_.look();
    const auto row = test::run(std::move(looking));
    EXPECT_TRUE(row) << row.error().text();
    return row ? row->state : JobState::unknown;
  }
  void pass(Seconds time) { clock_.advance(time); }

  FakeSource source_;
  test::FakeClock clock_;
  JobWatch watch_{source_, clock_, id_of(1), "us-east-1"};
};

TEST_F(Watching, asks_ec2_only_every_half_minute) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(look(), JobState::running);
    pass(Seconds{3});
  }
  EXPECT_EQ(source_.machine_calls, 1);
  pass(Seconds{3});
  EXPECT_EQ(look(), JobState::running);
  EXPECT_EQ(source_.machine_calls, 2);
}

TEST_F(Watching, believes_the_last_word_once_the_machine_goes) {
  EXPECT_EQ(look(), JobState::running);
  source_.set_status(1, "ended");
  EXPECT_EQ(look(), JobState::ending);
  pass(Seconds{3});
  EXPECT_EQ(look(), JobState::ending);
  for (auto& machine : source_.all_machines) machine.state = aws::InstanceState::shutting_down;
  pass(Seconds{3});
  EXPECT_EQ(look(), JobState::ended) << "EC2 is asked each time now";
}

TEST_F(Watching, takes_a_job_for_lost_only_when_ec2_says_so_twice) {
  const auto machines = source_.all_machines;
  source_.all_machines.clear();
  EXPECT_EQ(look(), JobState::unknown);
  source_.all_machines = machines;
  pass(Seconds{3});
  EXPECT_EQ(look(), JobState::running) << "its list lagged behind";
  source_.all_machines.clear();
  pass(Seconds{31});
  EXPECT_EQ(look(), JobState::unknown);
  pass(k_sure_after);
  EXPECT_EQ(look(), JobState::lost);
}

TEST(Patience, grows_to_a_minute) {
  EXPECT_EQ(pause_after(1), Seconds{5});
  EXPECT_EQ(pause_after(2), Seconds{10});
  EXPECT_EQ(pause_after(5), Seconds{60});
  EXPECT_EQ(pause_after(5'000), Seconds{60});
}

}  // namespace
}  // namespace curfew::jobs
