#include "setup/teardown.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "unit/setup/account_fixture.hpp"

namespace curfew::setup {
namespace {

const Error k_denied{ErrorKind::refused, "read it", "no", "", "AccessDenied"};

TeardownFound found_with(std::vector<Heap> heaps) {
  TeardownFound found;
  found.account = all_there();
  found.heaps = std::move(heaps);
  return found;
}

std::size_t steps_of(const TeardownPlan& plan) {
  std::size_t count = 0;
  for (const auto& part : plan.parts) count += part.steps.size();
  return count;
}

TEST(Teardown, DeletesAllThatWasMade) {
  const auto plan = plan_teardown({k_place}, found_with({{"bin/", 2, 30'000'000}}));
  EXPECT_TRUE(plan.is_complete());
  EXPECT_EQ(plan.parts.size(), 5U);
  EXPECT_EQ(steps_of(plan), 9U);
  for (const auto& part : plan.parts) EXPECT_EQ(part.fate, Fate::deleted);
  EXPECT_TRUE(plan.lost.empty()) << "curfew itself is no loss";
}

TEST(Teardown, WhereNothingIsThereNothingIsDone) {
  TeardownFound found;
  found.account = nothing_there();
  const auto plan = plan_teardown({k_place}, found);
  EXPECT_FALSE(plan.has_steps());
  EXPECT_TRUE(plan.is_complete());
}

TEST(Teardown, ObjectsAreLostOnlyByTheUsersWord) {
  const auto found = found_with({{"bin/", 1, 1}, {"jobs/", 3, 2048}, {"results/", 1, 5}, {"mine", 1, 1}});
  auto plan = plan_teardown({k_place, false, false}, found);
  EXPECT_EQ(plan.in_the_way.size(), 3U);
  EXPECT_FALSE(plan.is_complete());
  plan = plan_teardown({k_place, false, true}, found);
  EXPECT_TRUE(plan.in_the_way.empty());
  ASSERT_EQ(plan.lost.size(), 3U);
  EXPECT_EQ(plan.lost[0], "s3://curfew-123456789012-us-east-1/jobs/: 3 objects, 2.0 KiB");
}

TEST(Teardown, InstancesAreInTheWayAndSoIsNotKnowing) {
  auto found = found_with({});
  found.instances = std::vector<std::string>{"i-1 in us-east-1 (running)"};
  EXPECT_EQ(plan_teardown({k_place, false, true}, found).in_the_way.size(), 1U);
  found.instances = fail(k_denied);
  EXPECT_EQ(plan_teardown({k_place, false, true}, found).in_the_way.size(), 1U);
}

TEST(Teardown, WhatLacksTheTagOrCannotBeReadIsNotTouched) {
  const struct {
    std::function<void(TeardownFound&)> make;
    Fate fate;
    std::size_t part;
  } cases[] = {
      {[](TeardownFound& found) { found.account.bucket.tags = aws::ResourceTags{}; }, Fate::foreign, 0},
      {[](TeardownFound& found) { found.account.bucket.is_there = fail(k_denied); }, Fate::foreign, 0},
      {[](TeardownFound& found) { found.account.bucket.tags = fail(k_denied); }, Fate::unreadable, 0},
      {[](TeardownFound& found) { found.heaps = fail(k_denied); }, Fate::unreadable, 0},
      {[](TeardownFound& found) { (*found.account.group.group)->tags.clear(); }, Fate::foreign, 1},
      {[](TeardownFound& found) { found.account.group.vpc = fail(k_denied); }, Fate::unreadable, 1},
      {[](TeardownFound& found) { (*found.account.profile)->tags.clear(); }, Fate::foreign, 2},
      {[](TeardownFound& found) { (*found.account.instance.role)->tags.clear(); }, Fate::foreign, 3},
      {[](TeardownFound& found) { found.account.scheduler.role = fail(k_denied); }, Fate::unreadable, 4},
  };
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    auto found = found_with({});
    cases[i].make(found);
    const auto plan = plan_teardown({k_place}, found);
    EXPECT_EQ(plan.parts[cases[i].part].fate, cases[i].fate) << i;
    EXPECT_TRUE(plan.parts[cases[i].part].steps.empty()) << i;
    EXPECT_EQ(plan.is_complete(), cases[i].fate == Fate::foreign) << i;
  }
}

TEST(Teardown, RolesStayOnDemandAndWhereSomebodyElseUsesThem) {
  const auto kept = plan_teardown({k_place, true, false}, found_with({}));
  EXPECT_EQ(steps_of(kept), 3U);
  for (const std::size_t part : {2U, 3U, 4U}) EXPECT_EQ(kept.parts[part].fate, Fate::kept);
  auto found = found_with({});
  found.account.instance.policies = std::vector<std::string>{"curfew", "theirs"};
  EXPECT_EQ(plan_teardown({k_place}, found).in_the_way.size(), 1U);
}

TEST(Teardown, HeapsAreFewAndLeaveNothingOut) {
  std::vector<Heap> heaps;
  add_object(heaps, "jobs/1/job.json", 10);
  add_object(heaps, "jobs/2/job.json", 5);
  add_object(heaps, "/odd", 1);
  ASSERT_EQ(heaps.size(), 2U);
  EXPECT_EQ(heaps[0].bytes, 15U);
  for (int i = 0; i < 1000; ++i) add_object(heaps, "file" + std::to_string(i), 1);
  EXPECT_EQ(heaps.size(), k_most_heaps + 1);
  std::uint64_t objects = 0;
  for (const auto& heap : heaps) objects += heap.objects;
  EXPECT_EQ(objects, 1003U);
}

}  // namespace
}  // namespace curfew::setup
