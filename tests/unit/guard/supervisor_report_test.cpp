// What the guard of a launched job writes of it to S3, and that nothing waits for that for long.
#include <sys/stat.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "guard/supervisor.hpp"
#include "unit/guard/supervisor_fixture.hpp"

namespace curfew::guard {
namespace {

using namespace test;
namespace json = boost::json;

constexpr Millis k_soon{1'500};

class ReportTest : public SupervisorTest {
 protected:
  void SetUp() override {
    SupervisorTest::SetUp();
    spec.then = Then::terminate;
    spec.on_ec2 = true;
    power.shutdown = {"true"};
    cloud.known.emplace();
    cloud.known->instance_id = "i-0123456789abcdef0";
    spec.launched = Launched{"l-1", "digits", "s3://b/jobs/l-1/", spec.places.state};
  }
  void write_stages(const std::string& name, const std::string& state) const {
    const json::object stage{
        {"name", name}, {"state", state}, {"began", "2026-11-24T18:00:00Z"}, {"ms", 1}, {"exit_code", 0}};
    const json::object all{{"version", 1}, {"stages", json::array{stage}}};
    EXPECT_TRUE(
        os::replace_file(spec.places.state + "/stages.json", json::serialize(all), 0644, os::Sync::no));
  }
  std::vector<json::object> written() {
    const std::lock_guard lock(cloud.mutex);
    std::vector<json::object> all;
    for (const auto& text : cloud.written) all.push_back(json::parse(text).as_object());
    return all;
  }
  bool last_is(const char* name, const json::value& value) {
    return eventually([&] {
      const auto all = written();
      return !all.empty() && all.back().at(name) == value;
    });
  }
  [[nodiscard]] Millis waited_for(const std::function<bool()>& holds) const {
    const auto began = clock.boot();
    EXPECT_TRUE(eventually(holds));
    return clock.boot() - began;
  }
};

TEST_F(ReportTest, follows_the_job_from_its_start_to_its_end) {
  start();
  EXPECT_TRUE(last_is("state", "running"));
  EXPECT_TRUE(last_is("instance", "i-0123456789abcdef0"));
  write_stages("setup", "running");
  EXPECT_TRUE(last_is("stage", "setup"));
  end_job("exited 3");
  EXPECT_TRUE(last_is("state", "ended"));
  const auto last = written().back();
  EXPECT_EQ(last.at("exit_code").as_int64(), 3);
  EXPECT_EQ(last.at("cause").as_string(), "job_ended");
  EXPECT_EQ(last.at("launch").as_string(), "l-1");
  EXPECT_EQ(last.at("job").as_string(), "digits");
  EXPECT_FALSE(last.at("interrupted").as_bool());
  EXPECT_EQ(last.at("guard").as_object().at("command").as_string(), "train");
  EXPECT_TRUE(eventually([&] { return saved() && saved()->state.stage == Stage::ending; }));
  EXPECT_EQ(cloud.finished_live, 1);
  const auto count = written().size();
  ::usleep(2'500'000);
  EXPECT_EQ(written().size(), count) << "something came after the end";
}

TEST_F(ReportTest, is_of_no_job_that_was_not_launched) {
  spec.launched.reset();
  start();
  end_job("exited 0");
  EXPECT_TRUE(published(0));
  EXPECT_TRUE(eventually([&] { return saved() && saved()->state.stage == Stage::ending; }));
  EXPECT_TRUE(written().empty());
  EXPECT_EQ(cloud.finished_live, 0);
}

TEST_F(ReportTest, that_hangs_holds_up_neither_the_save_nor_the_end) {
  cloud.status_hangs = true;
  spec.rules.has_saves = true;
  spec.rules.limits.save = Seconds{60};
  power.shutdown = {"false"};
  start();
  EXPECT_TRUE(eventually([&] { return !written().empty(); }));
  end_job("exited 0");
  EXPECT_LT(waited_for([&] { return cloud.saves == 1; }), k_soon);
  // The next rung shows that the first was tried.
  EXPECT_LT(waited_for([&] { return cloud.ends == 1; }), Millis{2'000} + k_soon);
  EXPECT_EQ(written().back().at("state").as_string(), "ended") << "what hung was given up for it";
}

TEST_F(ReportTest, that_is_refused_is_said_once_and_tried_again) {
  cloud.status_refused = true;
  start();
  EXPECT_TRUE(eventually([&] { return written().size() >= 2; }));
  end_job("exited 0");
  EXPECT_TRUE(last_is("state", "ended"));
}

TEST_F(ReportTest, says_that_a_spot_interruption_ended_it) {
  spec.spot_notice = SpotNotice::on;
  cloud.news.interrupted_at = clock.wall() + Millis{120'000};
  start();
  EXPECT_TRUE(last_is("interrupted", true));
  end_job("exited 0");
  EXPECT_TRUE(last_is("state", "ended"));
  EXPECT_TRUE(written().back().at("interrupted").as_bool());
  EXPECT_EQ(written().back().at("exit_code").as_int64(), 75);
}

TEST_F(ReportTest, goes_on_with_the_next_guard) {
  Saved before;
  before.state.stage = Stage::running;
  before.state.times = job::times_from(spec.rules.limits, {clock.wall(), clock.boot(), os::boot_id()});
  before.state.plan = ending_plan(spec.then, spec.on_ec2, std::nullopt);
  before.instance_id = "i-0123456789abcdef0";
  ASSERT_TRUE(os::replace_file(spec.state_path(), to_json(before), 0600, os::Sync::no));
  start();
  ASSERT_TRUE(last_is("state", "running"));
  EXPECT_EQ(written().front().at("instance").as_string(), "i-0123456789abcdef0");
  end_job("exited 0");
  EXPECT_TRUE(last_is("state", "ended"));
}

TEST_F(ReportTest, reads_no_stages_that_are_not_the_jobs_users_own_file) {
  const auto path = spec.places.state + "/stages.json";
  write_stages("train", "running");
  ASSERT_EQ(::rename(path.c_str(), (path + ".real").c_str()), 0);
  ASSERT_EQ(::symlink((path + ".real").c_str(), path.c_str()), 0);
  start();
  EXPECT_TRUE(last_is("state", "running"));
  ::unlink(path.c_str());
  ASSERT_EQ(::mkfifo(path.c_str(), 0644), 0);
  ::usleep(2'500'000);
  EXPECT_TRUE(written().back().at("stages").as_array().empty());
  // A pipe that nobody writes to has held up nothing.
  ::unlink(path.c_str());
  write_stages("train", "running");
  EXPECT_TRUE(last_is("stage", "train"));
}

}  // namespace
}  // namespace curfew::guard
