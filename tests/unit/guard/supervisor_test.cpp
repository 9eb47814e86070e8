// The supervisor, with all that is around it played by the test.
#include "guard/supervisor.hpp"

#include "unit/guard/supervisor_fixture.hpp"

namespace curfew::guard {
namespace {

using namespace test;

TEST_F(SupervisorTest, climbs_every_rung_in_order_when_each_fails) {
  spec.then = Then::terminate;
  spec.on_ec2 = true;
  start();
  end_job("exited 0");
  EXPECT_TRUE(eventually([&] { return power.sysrq_calls == 1; }));
  EXPECT_EQ(cloud.ends, 1);
  EXPECT_EQ(power.kernel_calls, 1);
  EXPECT_FALSE(done);
  EXPECT_TRUE(published(0));
}

TEST_F(SupervisorTest, stops_at_a_rung_that_is_accepted) {
  spec.then = Then::terminate;
  spec.on_ec2 = true;
  power.shutdown = {"true"};
  start();
  end_job("exited 3");
  EXPECT_TRUE(published(3));
  EXPECT_TRUE(eventually([&] { return saved() && saved()->state.stage == Stage::ending; }));
  EXPECT_EQ(cloud.ends, 0);
  EXPECT_EQ(power.kernel_calls, 0);
}

TEST_F(SupervisorTest, ends_a_job_that_is_quicker_than_imds_as_its_tags_say) {
  spec.on_ec2 = true;
  power.shutdown = {"true"};
  cloud.known.emplace();
  cloud.known->instance_id = "i-0123456789abcdef0";
  cloud.known->tags = {{"curfew:job", "x"}};
  cloud.known->shutdown_behavior = Ending::stop;
  start();
  end_job("exited 0");
  EXPECT_TRUE(published(0));
  EXPECT_TRUE(eventually(
      [&] { return cloud.ends == 1; }));  // TerminateInstances first, for a shutdown would only stop it
  EXPECT_EQ(saved()->state.plan.ending, Ending::terminate);
}

TEST_F(SupervisorTest, ends_nothing_in_a_dry_run_and_leaves) {
  spec.then = Then::terminate;
  spec.rules.dry_run = true;
  start();
  end_job("signalled 11");
  EXPECT_TRUE(eventually([&] { return done.load(); }));
  EXPECT_TRUE(published(139));
  EXPECT_EQ(cloud.ends + power.kernel_calls + power.sysrq_calls, 0);
}

TEST_F(SupervisorTest, saves_before_it_ends_and_never_gives_0_for_what_was_not_saved) {
  spec.then = Then::none;
  spec.rules.has_saves = true;
  spec.rules.limits.save = Seconds{60};
  cloud.saves_all = false;
  start();
  end_job("exited 0");
  EXPECT_TRUE(published(125));
  EXPECT_EQ(cloud.saves, 1);
}

TEST_F(SupervisorTest, tells_the_shim_to_stop_the_tree_when_a_follower_asks) {
  spec.then = Then::none;
  start();
  auto front = connect_to_guard(spec.places.run);
  ASSERT_TRUE(front);
  ASSERT_TRUE(front->send(static_cast<char>(ToGuard::stop), "2 0"));
  std::string heard;
  EXPECT_TRUE(eventually([&] {
    auto message = shim->receive();
    if (message && *message && (*message)->type == static_cast<char>(os::ToShim::signal_tree))
      heard = (*message)->text;
    return !heard.empty();
  }));
  EXPECT_EQ(heard, "2");
  end_job("signalled 2");
  EXPECT_TRUE(published(130));
}

TEST_F(SupervisorTest, takes_a_dead_shim_for_a_lost_job) {
  spec.then = Then::none;
  start();
  listener.reset();
  shim.reset();
  EXPECT_TRUE(published(125));
}

TEST_F(SupervisorTest, a_second_guard_knows_what_the_first_did) {
  spec.then = Then::none;
  start();
  EXPECT_TRUE(eventually([&] { return saved() && saved()->state.stage == Stage::running; }));
  boost::asio::post(io, [this] { io.stop(); });
  guard.join();
  shim.reset();
  io.restart();
  const auto before = saved()->state.times;
  start();
  EXPECT_EQ(saved()->state.times.end_at->boot, before.end_at->boot);
  end_job("exited 7");
  EXPECT_TRUE(published(7));
}

TEST_F(SupervisorTest, a_guard_of_a_later_boot_saves_what_is_there_and_ends_the_machine) {
  spec.then = Then::terminate;
  spec.on_ec2 = true;
  spec.rules.has_saves = true;
  spec.rules.limits.save = Seconds{60};
  cloud.known.emplace();
  cloud.known->instance_id = "i-0123456789abcdef0";
  Saved before;
  before.state.stage = Stage::running;
  before.state.times = job::times_from(spec.rules.limits, {clock.wall(), clock.boot(), "another boot"});
  before.state.plan = ending_plan(spec.then, true, cloud.known);
  before.left_to_stop = Millis{600'000};
  before.instance_id = cloud.known->instance_id;
  ASSERT_TRUE(os::replace_file(spec.state_path(), to_json(before), 0600, os::Sync::no));
  guard = std::thread([this] {
    Supervisor supervisor(spec, {io, clock, power, log, cloud, teller});
    supervisor.run();
  });
  EXPECT_TRUE(published(125));
  EXPECT_EQ(saved()->state.cause, Cause::rebooted);
  EXPECT_EQ(cloud.saves, 1);
  EXPECT_TRUE(eventually([&] { return power.sysrq_calls == 1; }));
}

TEST_F(SupervisorTest, a_machine_guarded_without_a_command_hears_of_a_spot_interruption_after_a_reboot) {
  spec.spot_notice = SpotNotice::on;
  spec.rules.no_command = spec.rules.guards_machine = true;
  cloud.news.interrupted_at = clock.wall() + Seconds{120};
  Saved before;
  before.state.stage = Stage::running;
  before.state.times = job::times_from(spec.rules.limits, {clock.wall(), clock.boot(), "another boot"});
  before.left_to_stop = Millis{600'000};
  ASSERT_TRUE(os::replace_file(spec.state_path(), to_json(before), 0600, os::Sync::no));
  guard = std::thread([this] {
    Supervisor supervisor(spec, {io, clock, power, log, cloud, teller});
    supervisor.run();
  });
  EXPECT_TRUE(published(75));
}

TEST_F(SupervisorTest, a_disk_that_comes_up_in_another_instance_ends_nothing) {
  spec.then = Then::terminate;
  spec.on_ec2 = true;
  cloud.known.emplace();
  cloud.known->instance_id = "i-0123456789abcdef0";
  Saved before;
  before.state.stage = Stage::running;
  before.state.times = job::times_from(spec.rules.limits, {clock.wall(), clock.boot(), "another boot"});
  before.instance_id = "i-ffffffffffffffff0";
  ASSERT_TRUE(os::replace_file(spec.state_path(), to_json(before), 0600, os::Sync::no));
  guard = std::thread([this] {
    Supervisor supervisor(spec, {io, clock, power, log, cloud, teller});
    supervisor.run();
    done = true;
  });
  EXPECT_TRUE(eventually([&] { return done.load(); }));
  EXPECT_EQ(cloud.saves + cloud.ends + power.kernel_calls + power.sysrq_calls, 0);
}

TEST_F(SupervisorTest, answers_status_and_closes_on_garbage) {
  spec.then = Then::none;
  start();
  const auto ask = [&](char type, std::string_view text) {
    auto client = connect_to_guard(spec.places.run);
    EXPECT_TRUE(client && client->send(type, text));
    std::string answer;
    EXPECT_TRUE(eventually([&] {
      auto message = client->receive();
      if (!message) answer = "closed";
      else if (*message) answer = (*message)->text;
      return !answer.empty();
    }));
    return answer;
  };
  EXPECT_NE(ask('?', "").find("\"command\":\"train\""), std::string::npos);
  EXPECT_EQ(ask('s', "9999 0"), "closed");
  EXPECT_EQ(ask('s', ""), "closed");
  EXPECT_EQ(ask('Z', "what"), "closed");
  end_job("exited 0");
  EXPECT_TRUE(published(0));
}

TEST_F(SupervisorTest, the_last_save_cuts_one_that_is_under_way) {
  spec.then = Then::none;
  spec.rules.has_saves = true;
  spec.rules.limits.save = Seconds{60};
  spec.save_every = Seconds{1};
  cloud.midway_hangs = true;
  start();
  EXPECT_TRUE(eventually([&] { return cloud.midway_saves == 1; }));
  end_job("exited 0");
  EXPECT_TRUE(published(0));
  EXPECT_EQ(cloud.saves, 1);
  EXPECT_EQ(cloud.overlaps, 0) << "both would write the same record";
  EXPECT_EQ(cloud.finished_logs, 1);
}

TEST_F(SupervisorTest, tells_of_saves_that_fail_and_of_the_end) {
  spec.then = Then::none;
  spec.rules.has_saves = true;
  spec.rules.limits.save = Seconds{60};
  spec.save_every = Seconds{1};
  spec.notify = {"https://hooks.example.com/x"};
  cloud.midway_works = false;
  start();
  EXPECT_TRUE(eventually([&] { return teller.told().size() >= 2; }));
  end_job("exited 3");
  EXPECT_TRUE(eventually([&] { return done.load(); }));
  const auto told = teller.told();
  ASSERT_GE(told.size(), 3U);
  EXPECT_EQ(told[0].event, notify::Event::started);
  EXPECT_EQ(told[1].event, notify::Event::save_failing);
  EXPECT_NE(told[1].why.find("no such bucket"), std::string::npos) << told[1].why;
  EXPECT_EQ(told.back().event, notify::Event::ended);
  EXPECT_EQ(told.back().exit_code, 3);
  EXPECT_NE(told.back().outcome.find("stays on"), std::string::npos);
  EXPECT_EQ(teller.flushes, 1) << "before the guard leaves";
}

// The notifications of one kind of event.
std::vector<std::string> whys(const FakeTeller& teller, notify::Event event) {
  std::vector<std::string> found;
  for (const auto& facts : teller.told())
    if (facts.event == event) found.push_back(facts.why);
  return found;
}

TEST_F(SupervisorTest, tells_at_the_start_of_a_bucket_that_is_not_there_and_once_for_results_and_logs) {
  spec.then = Then::none;
  spec.rules.has_saves = true;
  spec.rules.limits.save = Seconds{60};
  spec.notify = {"https://hooks.example.com/x"};
  const Error none{ErrorKind::not_found, "put s3://nowhere/x", "NoSuchBucket", "", "NoSuchBucket"};
  cloud.buckets.missing = {"nowhere"};
  cloud.saves_all = false;
  cloud.shipped.error = cloud.finished.error = none;
  cloud.shipped.alert = "sending the logs to S3: " + none.text();
  cloud.finished.all = false;
  start();
  EXPECT_TRUE(eventually([&] { return cloud.ships == 1; }));
  end_job("exited 0");
  EXPECT_TRUE(eventually([&] { return done.load(); }));
  const auto failing = whys(teller, notify::Event::save_failing);
  ASSERT_EQ(failing.size(), 1U) << "one alert, not two";
  EXPECT_NE(failing[0].find("bucket nowhere does not exist; create it"), std::string::npos) << failing[0];
  const auto ended = whys(teller, notify::Event::ended);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_NE(ended[0].find("NOT EVERYTHING IS SAVED: out/model (5 B): this is a test, NOT ALL OF THE LOGS"),
            std::string::npos)
      << ended[0];
}

TEST_F(SupervisorTest, tells_of_logs_that_do_not_get_to_s3_while_the_job_runs_and_at_the_end) {
  spec.then = Then::none;
  spec.rules.has_saves = true;
  spec.rules.limits.save = Seconds{60};
  spec.notify = {"https://hooks.example.com/x"};
  cloud.shipped.error = cloud.finished.error =
      Error{ErrorKind::refused, "put s3://bucket/x", "denied", "", ""};
  cloud.shipped.alert = "sending the logs to S3: denied";
  cloud.finished.all = false;
  start();
  EXPECT_TRUE(eventually([&] { return whys(teller, notify::Event::save_failing).size() == 1; }));
  end_job("exited 0");
  EXPECT_TRUE(published(0)) << "the results are what counts";
  EXPECT_TRUE(eventually([&] { return done.load(); }));
  const auto ended = whys(teller, notify::Event::ended);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_NE(ended[0].find("everything is saved, NOT ALL OF THE LOGS ARE IN S3"), std::string::npos)
      << ended[0];
}

TEST_F(SupervisorTest, an_instance_at_risk_is_saved_without_a_period) {
  spec.then = Then::none;
  spec.on_ec2 = true;
  spec.spot_notice = SpotNotice::on;
  spec.rules.has_saves = true;
  spec.rules.limits.save = Seconds{60};
  cloud.news.at_risk = true;
  start();
  EXPECT_TRUE(eventually([&] { return cloud.midway_saves == 1; }));
  end_job("exited 0");
  EXPECT_TRUE(published(0));
  EXPECT_EQ(cloud.midway_saves, 1) << "once, not at each look";
}

TEST_F(SupervisorTest, knows_from_the_start_that_cost_is_the_limit) {
  spec.then = Then::none;
  spec.rules.limits.max_time = Seconds{1};
  spec.cost_bound = CostBound{{}, clock.wall(), true};
  start();
  EXPECT_TRUE(eventually([&] { return saved() && saved()->state.cause == Cause::cost_limit; }));
}

TEST_F(SupervisorTest, knows_that_a_tag_has_taken_the_place_of_cost) {
  spec.on_ec2 = true;
  spec.rules.dry_run = true;
  spec.cost_bound = CostBound{{}, clock.wall(), true};
  cloud.known.emplace();
  cloud.known->tags = {{"curfew:deadline", "2026-01-01T00:00:00Z"}};
  start();
  EXPECT_TRUE(eventually([&] { return saved() && saved()->state.cause == Cause::time_limit; }));
}

}  // namespace
}  // namespace curfew::guard
