#include "guard/spec.hpp"

#include <gtest/gtest.h>

namespace curfew::guard {
namespace {

job::Times some_times() {
  job::Times times;
  times.started = WallTime{Millis{1'700'000'000'123}};
  times.stop_at = job::Instant{WallTime{Millis{1'700'000'100'000}}, BootTime{Millis{5'000}}};
  times.end_at = job::Instant{WallTime{Millis{1'700'000'200'000}}, BootTime{Millis{105'000}}};
  times.boot_id = "boot";
  return times;
}

TEST(Spec, survives_the_way_through_its_file) {
  Spec spec;
  spec.then = Then::stop;
  spec.rules.limits = {Seconds{60}, WallTime{Millis{1'800'000'000'000}}, Seconds{7}, Seconds{1},
                       Seconds{900}};
  spec.rules.has_saves = spec.rules.dry_run = spec.rules.on_terminal = true;
  spec.rules.no_command = true;
  spec.rules.keep_on_failure = Seconds{1800};
  spec.rules.early_signal = EarlySignal{10, Seconds{600}};
  spec.before_end = "make report";
  spec.watches = {Seconds{1800},
                  2'500,
                  true,
                  Seconds{1200},
                  Seconds{2700},
                  "/logs",
                  {"/logs/err"},
                  "/done",
                  {true, 1, 2, -3},
                  "^done",
                  "http://127.0.0.1:8888/",
                  "secret"};
  spec.spot_notice = SpotNotice::on;
  spec.times = some_times();
  spec.saves = {"out/=s3://b/p", "x y=s3://b"};
  spec.folder = "/home/u";
  spec.save_every = Seconds{600};
  spec.max_cost = Micros{5'000'000};
  spec.price = Micros{1'006'000};
  spec.cost = MachineCost{Micros{1'022'000}, true, WallTime{Millis{5}}, "g5.xlarge"};
  spec.cost_bound = CostBound{spec.times, WallTime{Millis{6}}, true};
  spec.notify = {"https://hooks.example.com/x"};
  spec.command = "python train.py";
  spec.log = "/tmp/log";
  spec.log_format = os::LogFormat::json;
  spec.on_ec2 = spec.installed = spec.service = spec.root = true;
  spec.owner = 1000;
  spec.owner_group = 1001;
  spec.owner_groups = {1001, 44};
  spec.launched = Launched{"20261124-1", "digits", "s3://b/jobs/20261124-1/", "/home/u/curfew-logs"};
  spec.environment = {{"AWS_REGION", "us-east-1"}, {"HOME", "/home/u"}};
  spec.places.state = "/s";
  spec.places.run = "/r";
  spec.places.program = "/p";
  const auto read = spec_from_json(to_json(spec));
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(to_json(*read), to_json(spec));
  EXPECT_EQ(read->rules.limits.deadline, spec.rules.limits.deadline);
  EXPECT_EQ(read->environment, spec.environment);
  EXPECT_EQ(read->owner, 1000U);
  EXPECT_EQ(read->owner_group, 1001U);
  EXPECT_EQ(read->owner_groups, (std::vector<std::uint32_t>{1001, 44}));
  EXPECT_EQ(read->launched->place, spec.launched->place);
  EXPECT_EQ(read->cost->since, spec.cost->since);
  EXPECT_EQ(read->cost_bound->end_at, spec.cost_bound->end_at);
  EXPECT_EQ(read->cost_bound->times.end_at->boot, spec.times.end_at->boot);
  EXPECT_EQ(read->notify, spec.notify);
  EXPECT_TRUE(read->rules.has_before_end && read->installed);
  EXPECT_EQ(read->rules.early_signal->ahead, Seconds{600});
  EXPECT_EQ(read->watches.idle_millipercent, 2'500);
  EXPECT_EQ(read->watches.done_file_mark, (FileMark{true, 1, 2, -3}));
  EXPECT_EQ(read->watches.jupyter, "http://127.0.0.1:8888/");
  EXPECT_EQ(read->watches.jupyter_token, "secret");
  EXPECT_EQ(read->spot_notice, SpotNotice::on);
}

TEST(Saved, survives_the_way_through_its_file_in_every_stage) {
  for (const auto stage : {Stage::arming, Stage::running, Stage::draining, Stage::killing, Stage::before_end,
                           Stage::saving, Stage::holding, Stage::ending, Stage::done}) {
    Saved saved;
    auto& s = saved.state;
    s.stage = stage;
    s.cause = Cause::time_limit;
    s.times = some_times();
    s.plan = {Ending::terminate, {Rung::instance_api, Rung::sysrq}, true};
    s.going_down = s.tree_gone = s.pausing = true;
    s.result = JobResult{JobResult::How::signalled, 9};
    s.start_failure = 127;
    s.all_saved = false;
    s.published = 124;
    s.signal = 2;
    s.stage_since = WallTime{Millis{5}};
    s.stage_until = BootTime{Millis{6}};
    s.rung = 1;
    s.limit = Cause::cost_limit;
    s.reason = "a reason";
    s.gpu_was_busy = s.early_signal_sent = s.warned = s.disarmed = true;
    s.taken_at = BootTime{Millis{8}};
    s.rounds = 3;
    s.l0_at = BootTime{Millis{9}};
    saved.left_to_stop = Millis{77};
    saved.instance_id = "i-0123456789abcdef0";
    const auto read = saved_from_json(to_json(saved));
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(to_json(*read), to_json(saved));
    EXPECT_EQ(read->state.stage, stage);
    EXPECT_EQ(read->state.result->number, 9);
  }
}

TEST(Saved, refuses_what_curfew_never_wrote) {
  const auto good = to_json(Saved{});
  for (const auto& text :
       {std::string(), std::string("{}"), std::string("[1]"), good.substr(0, good.size() / 2),
        std::string(good).replace(good.find("arming"), 6, "asleep"), std::string(1000, '[')}) {
    EXPECT_FALSE(saved_from_json(text)) << text;
    EXPECT_FALSE(spec_from_json(text)) << text;
  }
}

TEST(Spec, ends_the_machine_only_where_it_may) {
  const auto ends = [](Then then, bool on_ec2, bool dry) {
    Spec spec;
    spec.then = then;
    spec.on_ec2 = on_ec2;
    spec.rules.dry_run = dry;
    return spec.ends_machine();
  };
  EXPECT_TRUE(ends(Then::automatic, true, false));
  EXPECT_FALSE(ends(Then::automatic, false, false));
  EXPECT_TRUE(ends(Then::terminate, false, false));
  EXPECT_FALSE(ends(Then::none, true, false));
  EXPECT_FALSE(ends(Then::terminate, true, true));
}

}  // namespace
}  // namespace curfew::guard
