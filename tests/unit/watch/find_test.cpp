// Instances found by their ids, wherever they are.
#include "watch/find.hpp"

#include <gtest/gtest.h>

#include "support/run.hpp"
#include "unit/watch/fake_account.hpp"

namespace curfew::watch {
namespace {

using namespace test;
using namespace std::chrono_literals;

class FindTest : public ::testing::Test {
 protected:
  Findings find(FindPlan plan) {
    boost::asio::io_context io{1};
    plan.limit = limit;
    std::vector<AccountReads> accounts{{&own, "", k_account}, {&other, "arn:aws:iam::2:role/x", ""}};
    return curfew::test::run(io, find_instances(std::move(accounts), std::move(plan), clock));
  }
  FindPlan plan_of(std::vector<std::string> ids) {
    FindPlan plan;
    plan.ids = std::move(ids);
    return plan;
  }

  curfew::test::FakeClock clock;
  FakeAccount own{clock};
  FakeAccount other{clock};
  Millis limit{5'000};
};

TEST_F(FindTest, in_any_region_and_account_with_what_has_to_be_known) {
  own.regions["us-east-1"].instances["i-1"] = listed_instance("i-1", clock.now - 1h);
  auto& there = own.regions["eu-west-1"];
  there.instances["i-2"] = listed_instance("i-2", clock.now - 1h);
  there.instances["i-2"].spot_request = "sir-abcd1234";
  there.requests["sir-abcd1234"] = {"sir-abcd1234", "active", true, "i-2"};
  there.is_protected["i-2"] = true;
  there.volumes["i-2"] = {{"vol-1", "/dev/sda1", true}};
  other.regions["us-east-1"].instances["i-3"] = listed_instance("i-3", clock.now - 1h);
  const auto findings = find(plan_of({"i-3", "i-2", "i-1", "i-4"}));
  ASSERT_EQ(findings.found.size(), 3U);
  EXPECT_EQ(findings.found[0].machine.id, "i-3") << "in the order of the ids";
  EXPECT_EQ(findings.found[0].reads, &other);
  EXPECT_EQ(findings.found[1].machine.region, "eu-west-1");
  EXPECT_TRUE(findings.found[1].persistent);
  EXPECT_EQ(findings.found[1].machine.protected_from_end, true);
  EXPECT_EQ(findings.found[1].volumes.value().size(), 1U);
  EXPECT_FALSE(findings.found[2].volumes) << "may not be asked";
  EXPECT_EQ(findings.missing, (std::vector<std::string>{"i-4"}));
  EXPECT_TRUE(findings.unread.empty());
}

TEST_F(FindTest, regions_that_fail_or_hang_hold_up_no_other_and_are_told) {
  own.regions["us-east-1"].instances["i-1"] = listed_instance("i-1", clock.now - 1h);
  own.regions["us-east-1"].first_page_is_empty = true;
  own.regions["eu-west-1"].list_error = k_denied;
  own.regions["eu-west-2"].list_hangs = true;
  limit = Millis{100};
  const auto findings = find(plan_of({"i-1", "i-2"}));
  EXPECT_EQ(findings.found.size(), 1U);
  EXPECT_EQ(findings.missing, (std::vector<std::string>{"i-2"}));
  EXPECT_EQ(findings.unread.size(), 2U);
}

TEST_F(FindTest, nothing_that_hangs_is_waited_for_once_all_are_found) {
  auto& here = own.regions["us-east-1"];
  here.instances["i-1"] = listed_instance("i-1", clock.now - 1h);
  here.before_list = [this](FakeRegion&) { clock.advance(limit); };  // it took all of the time
  here.instances["i-1"].spot_request = "sir-abcd1234";
  here.requests["sir-abcd1234"] = {"sir-abcd1234", "active", true, "i-1"};
  here.is_protected["i-1"] = true;
  own.regions["eu-west-2"].list_hangs = true;
  other.regions["us-east-1"].regions_hang = true;
  limit = 60s;
  const auto began = std::chrono::steady_clock::now();
  auto findings = find(plan_of({"i-1"}));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
  ASSERT_EQ(findings.found.size(), 1U);
  EXPECT_EQ(findings.found[0].machine.protected_from_end, true);
  EXPECT_TRUE(findings.found[0].persistent);
  EXPECT_TRUE(findings.missing.empty());

  here.protection_hangs = true;
  auto plan = plan_of({"i-1"});
  plan.ask_limit = Millis{50};
  findings = find(plan);
  ASSERT_EQ(findings.found.size(), 1U);
  EXPECT_FALSE(findings.found[0].machine.protected_from_end);
  EXPECT_TRUE(findings.found[0].persistent) << "each question has its own limit";
}

TEST_F(FindTest, a_request_that_is_over_launches_nothing) {
  auto& here = own.regions["us-east-1"];
  here.instances["i-1"] = listed_instance("i-1", clock.now - 1h);
  here.instances["i-1"].spot_request = "sir-abcd1234";
  here.requests["sir-abcd1234"] = {"sir-abcd1234", "cancelled", true, "i-1"};
  EXPECT_FALSE(find(plan_of({"i-1"})).found.at(0).persistent);
}

TEST_F(FindTest, only_where_it_is_told_to_look) {
  own.regions["us-east-1"].instances["i-1"] = listed_instance("i-1", clock.now - 1h);
  own.regions["eu-west-1"].list_error = k_denied;
  auto plan = plan_of({"i-1"});
  plan.only = {"us-east-1"};
  const auto findings = find(plan);
  EXPECT_EQ(findings.found.size(), 1U);
  EXPECT_TRUE(findings.unread.empty());
}

aws::ListedInstance of_job(const std::string& id, const char* key, const char* value) {
  auto instance = listed_instance(id, curfew::test::FakeClock{}.now - 1h);
  instance.tags.add(key, value);
  return instance;
}

TEST_F(FindTest, by_the_name_of_a_job_or_of_a_launch) {
  auto& here = own.regions["us-east-1"].instances;
  here["i-1"] = of_job("i-1", "curfew:job", "digits");
  here["i-1"].tags.add("curfew:launch", "20261124-1");
  here["i-1"].tags.add("curfew:max-deadline", "2026-11-24T22:00Z");
  here["i-2"] = of_job("i-2", "curfew:job", "other");
  here["i-3"] = of_job("i-3", "curfew:job", "digits");
  here["i-3"].state = aws::InstanceState::terminated;  // an earlier run of the same job
  own.regions["eu-west-1"].instances["i-4"] = of_job("i-4", "curfew:job", "twice");
  other.regions["us-east-1"].instances["i-5"] = of_job("i-5", "curfew:launch", "twice");
  FindPlan plan;
  plan.names = {"digits", "twice", "none", "20261124-1"};
  const auto findings = find(plan);
  ASSERT_EQ(findings.found.size(), 1U) << "two names for one instance";
  EXPECT_EQ(findings.found[0].machine.id, "i-1");
  EXPECT_EQ(findings.found[0].launch, "20261124-1");
  EXPECT_TRUE(findings.found[0].max_deadline && findings.found[0].max_deadline->at);
  ASSERT_EQ(findings.several.size(), 1U);
  EXPECT_EQ(findings.several[0].name, "twice");
  ASSERT_EQ(findings.several[0].machines.size(), 2U);
  EXPECT_EQ(findings.several[0].machines[1].id, "i-5");
  EXPECT_EQ(findings.missing, (std::vector<std::string>{"none"}));
}

TEST_F(FindTest, a_name_is_looked_for_everywhere_though_one_was_found) {
  own.regions["us-east-1"].instances["i-1"] = of_job("i-1", "curfew:job", "digits");
  own.regions["eu-west-1"].list_error = k_denied;
  FindPlan plan;
  plan.names = {"digits"};
  plan.ids = {"i-1"};
  const auto findings = find(plan);
  EXPECT_EQ(findings.found.size(), 1U);
  EXPECT_EQ(findings.unread.size(), 1U) << "there may be another of that name";
}

}  // namespace
}  // namespace curfew::watch
