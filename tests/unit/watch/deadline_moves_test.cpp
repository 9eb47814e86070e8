// The calls as they're made, repeated, refused and read back; and what is left at each cut point.
#include "watch/deadline_moves.hpp"

#include <deque>
#include <map>

#include "support/fake_clock.hpp"
#include "support/run.hpp"
#include "unit/watch/deadline_fixture.hpp"

namespace curfew::watch {
namespace {

using namespace test;

const Error k_lost{ErrorKind::timed_out, "call", "no answer", {}, ""};
const Error k_no{ErrorKind::refused, "CreateTags", "not authorized", {}, "UnauthorizedOperation"};

struct FakeCalls final : DeadlineCalls {
  explicit FakeCalls(curfew::test::FakeClock& fake_clock) : clock(fake_clock) {}

  curfew::test::FakeClock& clock;
  std::vector<std::string> made;
  std::map<std::string, std::deque<Error>> failures;  // what each call answers first
  bool loses_replies = false;                         // what fails is carried out all the same
  std::map<std::string, aws::EndSchedule> schedules;
  std::map<std::string, std::string> held;  // tags
  int blind_looks = 0;                      // so often EC2 shows no tags yet

  std::optional<Error> begin(const std::string& name) {
    made.push_back(name);
    auto& list = failures[name];
    if (list.empty()) return {};
    Error first = list.front();
    list.pop_front();
    return first;
  }
  Awaitable<Status> create_schedule(aws::EndSchedule wanted) override {
    auto failed = begin("create");
    if (!failed && schedules.contains(wanted.name))
      failed = Error{ErrorKind::conflict, "CreateSchedule", "exists", {}, "ConflictException"};
    if (!failed || loses_replies) schedules.emplace(wanted.name, wanted);
    if (failed) co_return fail(*failed);
    co_return Status{};
  }
  Awaitable<Status> update_schedule(aws::EndSchedule wanted) override {
    auto failed = begin("update");
    if (!failed && !schedules.contains(wanted.name))
      failed = Error{ErrorKind::not_found, "UpdateSchedule", "none", {}, "ResourceNotFoundException"};
    if (!failed) schedules[wanted.name] = wanted;
    if (failed) co_return fail(*failed);
    co_return Status{};
  }
  Awaitable<Result<aws::Schedule>> schedule(std::string name) override {
    auto failed = begin("read");
    if (failed) co_return fail(*failed);
    if (!schedules.contains(name))
      co_return fail(Error{ErrorKind::not_found, "GetSchedule", "none", {}, "ResourceNotFoundException"});
    co_return as_read(schedules.at(name));
  }
  Awaitable<Status> delete_schedule(std::string name) override {
    auto failed = begin("delete");
    if (!failed) schedules.erase(name);
    if (failed) co_return fail(*failed);
    co_return Status{};
  }
  Awaitable<Status> tag(std::string, aws::KeyValues tags) override {
    auto failed = begin("tag");
    if (!failed)
      for (const auto& [key, value] : tags) held[key] = value;
    if (failed) co_return fail(*failed);
    co_return Status{};
  }
  Awaitable<Result<aws::TagList>> tags(std::string) override {
    auto failed = begin("look");
    if (failed) co_return fail(*failed);
    aws::TagList list;
    if (blind_looks-- <= 0)
      for (const auto& [key, value] : held) list.add(key, value);
    co_return list;
  }
  Awaitable<void> sleep(Millis time) override {
    clock.advance(time);
    co_return;
  }
};

class CarryOut : public ::testing::Test {
 protected:
  Status carry(const FoundInstance& found, const DeadlinePlan& plan) {
    return curfew::test::run(carry_out(
        calls, found, plan, clock, [this](const std::string& text) { said += text + "\n"; }, "the command"));
  }
  [[nodiscard]] std::string sequence() const {
    std::string text;
    for (const auto& call : calls.made) text += (text.empty() ? "" : ", ") + call;
    return text;
  }
  void has_schedule(const FoundInstance& found, WallTime end_at) {
    auto made = layers::schedule_of({found.machine.id, end_at, false, k_scheduler, "before"});
    calls.schedules[made.name] = made;
  }
  [[nodiscard]] std::optional<WallTime> scheduled() const {
    if (calls.schedules.empty()) return {};
    return calls.schedules.begin()->second.start;
  }

  curfew::test::FakeClock clock;
  FakeCalls calls{clock};
  std::string said;
  FoundInstance it = bare();
  DeadlinePlan guarding = plan_guard(it, guard_wish(), {}, k_now, "t");
};

TEST_F(CarryOut, guards_in_order_and_reads_back) {
  const auto done = carry(it, guarding);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(sequence(), "create, read, tag, look");
  EXPECT_EQ(calls.held.at("curfew:deadline"), "2026-11-26T18:00:00Z");
  EXPECT_TRUE(calls.schedules.begin()->second.stops);
  EXPECT_NE(said.find("tag curfew:then=stop, read back"), std::string::npos) << said;
}

TEST_F(CarryOut, repeats_what_may_pass_and_waits_until_tags_are_shown) {
  calls.failures["create"] = {k_lost};
  calls.loses_replies = true;
  calls.failures["tag"] = {k_lost, k_lost};
  calls.blind_looks = 2;
  const auto done = carry(it, guarding);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(sequence(), "create, create, read, tag, tag, tag, look, look, look");
}

TEST_F(CarryOut, takes_the_schedule_back_where_the_tags_are_refused) {
  calls.failures["tag"] = {k_no};
  const auto done = carry(it, guarding);
  ASSERT_FALSE(done);
  EXPECT_EQ(sequence(), "create, read, tag, delete");
  EXPECT_TRUE(calls.schedules.empty() && calls.held.empty());
  EXPECT_NE(done.error().text().find("nothing else was changed"), std::string::npos) << done.error().text();

  const auto job = guarded();
  has_schedule(job, k_now + 3h);
  calls.failures["tag"] = {k_no};
  const auto plan = plan_move(job, {.by = 2h}, seen_at(job, k_now + 3h), k_now, "t");
  EXPECT_FALSE(carry(job, plan));
  EXPECT_EQ(scheduled(), layers::l3_start(k_now + 3h)) << "as it was";
}

TEST_F(CarryOut, leaves_what_holds_where_nobody_knows_what_became_of_the_rest) {
  calls.failures["tag"] = std::deque<Error>(40, k_lost);
  const auto done = carry(it, guarding);
  ASSERT_FALSE(done);
  EXPECT_EQ(scheduled(), layers::l3_start(k_now + 4h));
  EXPECT_NE(done.error().text().find("again: the command"), std::string::npos) << done.error().text();
}

TEST_F(CarryOut, changes_nothing_where_the_first_call_is_refused) {
  calls.failures["create"] = {k_no};
  EXPECT_FALSE(carry(it, guarding));
  EXPECT_EQ(sequence(), "create");
  const auto job = guarded();
  calls.failures["tag"] = {k_no};
  const auto plan = plan_move(job, {.by = -1h}, seen_at(job, k_now + 3h), k_now, "t");
  calls.made.clear();
  EXPECT_FALSE(carry(job, plan));
  EXPECT_EQ(sequence(), "tag") << "earlier begins with the tag";
}

TEST_F(CarryOut, believes_no_schedule_that_is_another) {
  auto other = layers::schedule_of({it.machine.id, k_now + 9h, true, k_scheduler, "other"});
  calls.schedules[other.name] = other;
  const auto done = carry(it, guarding);
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().text().find("isn't the one that was asked for"), std::string::npos);
  EXPECT_TRUE(calls.held.empty());
}

TEST_F(CarryOut, sees_whether_there_is_a_schedule) {
  const auto see = [&] { return curfew::test::run(see_schedule(calls, it.machine.id)); };
  EXPECT_EQ(see().state, ScheduleSeen::State::none);
  calls.failures["read"] = {k_no};
  EXPECT_EQ(see().state, ScheduleSeen::State::unknown);
  has_schedule(it, k_now + 3h);
  EXPECT_EQ(see().schedule.start, layers::l3_start(k_now + 3h));
}

}  // namespace
}  // namespace curfew::watch
