// The launch against an AWS that the test plays: each cut point, lost replies, refusals.
#include "unit/launch/sequence_fixture.hpp"

namespace curfew::launch::test {
namespace {

TEST_F(SequenceTest, goes_in_the_order_that_bounds_each_cut) {
  std::string record_at_run, record_at_schedule;
  calls.after = [&](const std::string& name) {
    if (name == "run") record_at_run = records.kept ? records.kept->client_token : "none";
    if (name == "create_schedule") record_at_schedule = records.kept ? records.kept->instance : "none";
  };
  const auto done = launch_it();
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(sequence(),
            "head, put bin/curfew, put job.json, put launch.json, run g5.xlarge, create_schedule, schedule, "
            "tag, find");
  EXPECT_EQ(done->instance, k_instance);
  EXPECT_EQ(record_at_run, std::string(k_id) + "-1") << "the token is on disk before it's sent";
  EXPECT_EQ(record_at_schedule, k_instance);
  EXPECT_FALSE(records.kept);
  const auto& schedule = calls.schedules.at("curfew-" + std::string(k_instance));
  EXPECT_EQ(schedule.instance, k_instance);
  EXPECT_EQ(schedule.start, the_plan.schedule_from);
  EXPECT_EQ(schedule.end, the_plan.schedule_from + Seconds{6 * 3'600});
  EXPECT_EQ(calls.instances[0].schedule, "armed");
}

TEST_F(SequenceTest, uploads_the_program_once) {
  calls.is_staged = true;
  ASSERT_TRUE(launch_it());
  EXPECT_TRUE(sequence().starts_with("head, put job.json, put launch.json, run")) << sequence();
}

TEST_F(SequenceTest, makes_nothing_where_it_can_not_note_it) {
  records.is_full = true;
  EXPECT_FALSE(launch_it());
  EXPECT_EQ(sequence(), "head, put bin/curfew, put job.json, put launch.json");
}

TEST_F(SequenceTest, makes_one_instance_though_the_reply_is_lost) {
  calls.reply_of_run_is_lost = true;
  const auto done = launch_it();
  ASSERT_TRUE(done) << done.error().text();
  ASSERT_EQ(calls.requests.size(), 2U);
  EXPECT_EQ(calls.requests[0].client_token, calls.requests[1].client_token);
  EXPECT_EQ(calls.instances.size(), 1U);
}

TEST_F(SequenceTest, looks_for_the_instance_where_no_answer_comes_at_all) {
  calls.reply_of_run_is_lost = true;
  calls.after = [&](const std::string& name) {
    if (name == "run") calls.failures["run g5.xlarge"].push_back(k_lost);
  };
  const auto done = launch_it();
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->instance, k_instance);
  EXPECT_GT(calls.requests.size(), 5U);
  for (const auto& request : calls.requests) EXPECT_EQ(request.client_token, calls.requests[0].client_token);
}

TEST_F(SequenceTest, says_that_it_does_not_know_and_keeps_the_record) {
  for (int i = 0; i < 100; ++i) calls.failures["run g5.xlarge"].push_back(k_lost);
  const auto done = launch_it();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().text().find("isn't known"), std::string::npos) << done.error().text();
  EXPECT_TRUE(records.kept);
  EXPECT_LT(clock.boot() - BootTime{}, Millis{k_ambiguous_limit + k_look_up_limit + Seconds{60}} +
                                           curfew::test::FakeClock{}.boot().time_since_epoch());
}

TEST_F(SequenceTest, goes_on_to_the_next_type_where_there_is_no_capacity) {
  auto wanted = wishes();
  wanted.types = {"g5.xlarge", "g6.xlarge"};
  also(found, offered("g6.xlarge", {}));
  the_plan = plan(wanted, found);
  calls.failures["run g5.xlarge"] = {k_no_capacity};
  const auto done = launch_it();
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(done->type, "g6.xlarge");
  ASSERT_EQ(calls.requests.size(), 2U);
  EXPECT_NE(calls.requests[0].client_token, calls.requests[1].client_token);
  EXPECT_NE(said.find("g5.xlarge, on demand in us-east-1: InsufficientInstanceCapacity"), std::string::npos)
      << said;
}

TEST_F(SequenceTest, does_not_go_on_where_the_first_was_carried_out_after_all) {
  auto wanted = wishes();
  wanted.types = {"g5.xlarge", "g6.xlarge"};
  also(found, offered("g6.xlarge", {}));
  the_plan = plan(wanted, found);
  calls.reply_of_run_is_lost = true;
  calls.after = [&](const std::string& name) {
    if (name == "run" && calls.requests.size() == 1) calls.failures["run g5.xlarge"].push_back(k_no_capacity);
  };
  const auto done = launch_it();
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(living(), std::vector<std::string>{k_instance});
  for (const auto& request : calls.requests) EXPECT_EQ(request.type, "g5.xlarge");
}

TEST_F(SequenceTest, ends_a_second_one_that_shows_up_late) {
  calls.after = [&](const std::string& name) {
    if (name == "tag") calls.instances.push_back({k_other, "running", ""});
  };
  ASSERT_TRUE(launch_it());
  EXPECT_EQ(living(), std::vector<std::string>{k_instance});
}

TEST_F(SequenceTest, tells_that_there_is_no_capacity_anywhere) {
  calls.failures["run g5.xlarge"] = {k_no_capacity};
  const auto done = launch_it();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().text().find(
                "there is no capacity (g5.xlarge, on demand in us-east-1: InsufficientInstanceCapacity)"),
            std::string::npos)
      << done.error().text();
  EXPECT_FALSE(records.kept);
}

TEST_F(SequenceTest, ends_the_instance_where_the_schedule_can_not_be_made) {
  struct Case {
    const char* call;
    std::size_t times;
    Error failure;
  };
  for (const auto& c : {Case{"create_schedule", 1, k_denied}, Case{"create_schedule", 99, k_lost},
                        Case{"create_schedule", 99, k_young}, Case{"schedule", 1, k_denied},
                        Case{"tag", 99, k_lost}, Case{"tag", 1, k_denied}}) {
    calls.made.clear();
    calls.instances.clear();
    calls.requests.clear();
    calls.schedules.clear();
    calls.failures.clear();
    for (std::size_t i = 0; i < c.times; ++i) calls.failures[c.call].push_back(c.failure);
    const auto done = launch_it();
    ASSERT_FALSE(done) << c.call;
    EXPECT_EQ(done.error().code, k_ended) << done.error().text();
    EXPECT_NE(done.error().text().find("was ended again"), std::string::npos) << done.error().text();
    EXPECT_TRUE(living().empty()) << c.call;
    EXPECT_TRUE(calls.schedules.empty()) << c.call;
    EXPECT_FALSE(records.kept);
  }
}

TEST_F(SequenceTest, waits_for_a_role_that_is_new_and_takes_a_schedule_whose_answer_was_lost) {
  calls.failures["create_schedule"] = {k_young, k_young};
  ASSERT_TRUE(launch_it());
  const auto mine = calls.schedules;
  calls.instances.clear();
  calls.requests.clear();
  calls.failures["create_schedule"] = {k_lost, error(ErrorKind::conflict, "ConflictException")};
  const auto done = launch_it();
  ASSERT_TRUE(done) << done.error().text();
  // But not another's.
  calls.instances.clear();
  calls.requests.clear();
  calls.schedules.at("curfew-" + std::string(k_instance)).start += Seconds{3'600};
  calls.failures["create_schedule"] = {error(ErrorKind::conflict, "ConflictException")};
  EXPECT_FALSE(launch_it());
  EXPECT_TRUE(living().empty());
}

TEST_F(SequenceTest, waits_until_a_new_instance_is_known_to_be_tagged) {
  calls.failures["tag"] = {error(ErrorKind::not_found, "InvalidInstanceID.NotFound")};
  EXPECT_TRUE(launch_it());
}

TEST_F(SequenceTest, is_undone_wherever_it_is_interrupted) {
  std::vector<std::string> points;
  calls.after = [&](const std::string& name) { points.push_back(name); };
  ASSERT_TRUE(launch_it());
  ASSERT_GE(points.size(), 7U);
  for (std::size_t cut = 0; cut < points.size(); ++cut) {
    FakeCalls fresh(clock);
    FakeRecords notes;
    interrupted = false;
    std::size_t count = 0;
    fresh.after = [&](const std::string&) { interrupted = interrupted || count++ == cut; };
    World one{fresh, notes, clock, [this] { return interrupted; }, [](const std::string&) {}};
    const auto done = curfew::test::run(launch(one, the_plan, package));
    ASSERT_FALSE(done) << points[cut];
    EXPECT_EQ(done.error().code, k_interrupted) << points[cut];
    for (const auto& instance : fresh.instances) EXPECT_EQ(instance.state, "shutting-down") << points[cut];
    EXPECT_TRUE(fresh.schedules.empty()) << points[cut];
    EXPECT_FALSE(notes.kept) << points[cut];
  }
}

TEST_F(SequenceTest, does_not_take_a_refusal_for_the_answer_to_a_try_before_it) {
  calls.reply_of_run_is_lost = true;
  calls.is_listed = false;
  calls.after = [&](const std::string& name) {
    if (name == "run" && calls.requests.size() == 1) calls.failures["run g5.xlarge"].push_back(k_denied);
  };
  const auto done = launch_it();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().text().find("isn't known"), std::string::npos) << done.error().text();
  EXPECT_TRUE(records.kept) << "the next launch looks for it";
}

TEST_F(SequenceTest, keeps_the_record_of_a_refused_launch_only_where_nobody_could_look) {
  calls.failures["run g5.xlarge"] = {k_denied};
  EXPECT_FALSE(launch_it());
  EXPECT_FALSE(records.kept);
  calls.failures["run g5.xlarge"] = {k_denied};
  calls.failures["find"] = {k_denied};
  EXPECT_FALSE(launch_it());
  EXPECT_TRUE(records.kept);
}

TEST_F(SequenceTest, does_not_call_a_launch_done_that_the_guard_has_given_up) {
  for (const auto slept : {Seconds{400}, Seconds{10}}) {
    calls.instances.clear();
    calls.requests.clear();
    calls.after = [&](const std::string& name) {
      if (name != "tag") return;
      clock.advance(slept);
      calls.instances[0].state = "terminated";
    };
    const auto done = launch_it();
    EXPECT_EQ(done.has_value(), slept < Seconds{300}) << "a short job may be over by then";
    EXPECT_EQ(done ? "" : done.error().code, done ? "" : k_ended);
    EXPECT_FALSE(records.kept);
  }
}

TEST_F(SequenceTest, says_what_it_could_not_end) {
  calls.failures["create_schedule"] = {k_denied};
  for (int i = 0; i < 99; ++i) calls.failures["terminate " + std::string(k_instance)].push_back(k_denied);
  const auto done = launch_it();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().text().find("could not be ended"), std::string::npos) << done.error().text();
  EXPECT_TRUE(records.kept) << "the next launch looks for it";
}

TEST_F(SequenceTest, does_without_a_schedule_where_that_is_wanted) {
  auto wanted = wishes();
  wanted.schedule = false;
  wanted.scheduler_role.clear();
  the_plan = plan(wanted);
  ASSERT_TRUE(launch_it());
  EXPECT_EQ(sequence(), "head, put bin/curfew, put job.json, put launch.json, run g5.xlarge, tag, find");
  EXPECT_EQ(calls.instances[0].schedule, "none");
}

}  // namespace
}  // namespace curfew::launch::test
