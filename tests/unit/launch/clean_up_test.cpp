// What is done about a launch that died: each point at which it can.
#include "layers/l3.hpp"
#include "unit/launch/sequence_fixture.hpp"

namespace curfew::launch::test {
namespace {

using CleanUpTest = SequenceTest;

TEST_F(CleanUpTest, is_cleaned_up_by_the_next_wherever_it_died) {
  for (const char* died_at : {"run", "create_schedule", "schedule"}) {
    SCOPED_TRACE(died_at);
    FakeCalls fresh(clock);
    FakeRecords notes;
    struct Death {};
    fresh.after = [&](const std::string& name) {
      if (name == died_at) throw Death{};
    };
    World one{fresh, notes, clock, [] { return false; }, [](const std::string&) {}};
    EXPECT_THROW((void)curfew::test::run(launch(one, the_plan, package)), Death) << died_at;
    ASSERT_TRUE(notes.kept) << died_at;
    fresh.after = [](const std::string&) {};
    const auto left = *notes.kept;
    EXPECT_TRUE(curfew::test::run(clean_up(one, left))) << died_at;
    for (const auto& instance : fresh.instances) EXPECT_EQ(instance.state, "shutting-down") << died_at;
    EXPECT_TRUE(fresh.schedules.empty()) << died_at;
    EXPECT_FALSE(notes.kept) << died_at;
  }
}

TEST_F(CleanUpTest, leaves_alone_what_was_finished_though_its_record_was_not_removed) {
  calls.instances = {{k_instance, "running", "armed"}};
  records.kept = Record{k_id, "us-east-1", "digits", "t", k_instance, clock.wall()};
  const auto left = *records.kept;
  EXPECT_TRUE(curfew::test::run(clean_up(world(), left)));
  EXPECT_EQ(living(), std::vector<std::string>{k_instance});
  EXPECT_FALSE(records.kept);
}

TEST_F(CleanUpTest, keeps_a_record_until_nothing_can_show_up_any_more) {
  records.kept = Record{k_id, "us-east-1", "digits", "t", "", clock.wall()};
  const auto left = *records.kept;
  EXPECT_TRUE(curfew::test::run(clean_up(world(), left)));
  EXPECT_TRUE(records.kept) << "an instance may not be listed yet";
  clock.advance(k_forget_after);
  EXPECT_TRUE(curfew::test::run(clean_up(world(), left)));
  EXPECT_FALSE(records.kept);
}

TEST_F(CleanUpTest, does_not_take_the_schedule_from_an_instance_that_is_not_listed_yet) {
  calls.instances = {{k_instance, "pending", "armed"}};
  calls.is_listed = false;
  calls.schedules[layers::l3_name(k_instance)] = {};
  records.kept = Record{k_id, "us-east-1", "digits", "t", k_instance, clock.wall()};
  const auto left = *records.kept;
  EXPECT_TRUE(curfew::test::run(clean_up(world(), left)));
  EXPECT_TRUE(records.kept);
  EXPECT_FALSE(calls.schedules.empty());
  clock.advance(k_forget_after);
  EXPECT_TRUE(curfew::test::run(clean_up(world(), left)));
  EXPECT_FALSE(records.kept);
  EXPECT_TRUE(calls.schedules.empty());
}

TEST_F(CleanUpTest, forgets_at_once_what_is_seen_to_have_ended) {
  calls.instances = {{k_instance, "terminated", ""}};
  calls.schedules[layers::l3_name(k_instance)] = {};
  records.kept = Record{k_id, "us-east-1", "digits", "t", "", clock.wall()};
  const auto left = *records.kept;
  EXPECT_TRUE(curfew::test::run(clean_up(world(), left)));
  EXPECT_FALSE(records.kept);
  EXPECT_TRUE(calls.schedules.empty());
  EXPECT_EQ(sequence(), "find, delete_schedule");
}

TEST_F(CleanUpTest, is_cleaned_up_after_without_a_schedule_too) {
  auto wanted = wishes();
  wanted.schedule = false;
  wanted.scheduler_role.clear();
  the_plan = plan(wanted);
  struct Death {};
  calls.after = [](const std::string& name) {
    if (name == "run") throw Death{};
  };
  EXPECT_THROW((void)launch_it(), Death);
  ASSERT_TRUE(records.kept);
  calls.after = [](const std::string&) {};
  const auto left = *records.kept;
  EXPECT_TRUE(curfew::test::run(clean_up(world(), left)));
  EXPECT_TRUE(living().empty());
  EXPECT_FALSE(records.kept);
}

}  // namespace
}  // namespace curfew::launch::test
