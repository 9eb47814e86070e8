// What happens between reading and ending, and what is made of it.
#include "watch/enforce.hpp"

#include <gtest/gtest.h>

#include "support/run.hpp"
#include "unit/watch/fake_account.hpp"
#include "watch/listed.hpp"

namespace curfew::watch {
namespace {

using namespace test;
using namespace std::chrono_literals;
using Mode = Enforced::Mode;

class EnforceTest : public ::testing::Test {
 protected:
  // Overdue by `by`, launched under curfew.
  void add(const std::string& id, Seconds by = 1h, const std::string& where = "us-east-1") {
    auto instance = listed_instance(id, clock.now - 10h);
    instance.tags.add("curfew:job", "train");
    instance.tags.add("curfew:deadline", format_utc(clock.now - by));
    account.regions[where].instances[id] = instance;
  }
  void tag(const std::string& id, const std::string& key, const std::string& value) {
    region().instances[id].tags.add(key, value);
  }
  FakeRegion& region() { return account.regions["us-east-1"]; }

  Report read() {
    Report report;
    report.at = clock.now;
    report.accounts = {{k_account, ""}};
    for (const auto& [name, each] : account.regions) {
      report.regions.push_back({k_account, name, RegionReading::Outcome::read, {}, Millis{0}});
      for (const auto& [id, instance] : each.instances)
        report.machines.push_back(machine_from(instance, name));
    }
    return report;
  }
  Enforced enforce_on(Report& report) {
    boost::asio::io_context io{1};
    auto work = [&]() -> Awaitable<bool> {
      std::vector<AccountReads> accounts{{&account, "", k_account}};
      co_await enforce(report, std::move(accounts), options, clock, log, quick_limits());
      co_return true;
    };
    curfew::test::run(io, work());
    return report.enforced.value_or(Enforced{});
  }
  Enforced enforce_all() {
    auto report = read();
    return enforce_on(report);
  }

  curfew::test::FakeClock clock;
  FakeAccount account{clock};
  FakeLog log;
  EnforceOptions options{true, 10, false};
};

TEST_F(EnforceTest, ends_the_overdue_and_nothing_else) {
  add("i-1");
  add("i-2");
  tag("i-2", "curfew:keep", "demo");
  add("i-3", -1h);
  add("i-4", 2h, "eu-west-1");
  auto report = read();
  const auto done = enforce_on(report);
  EXPECT_EQ(done.mode, Mode::on);
  ASSERT_EQ(done.acts.size(), 2U);
  EXPECT_EQ(done.acts[0].instance, "i-4") << "overdue for longest";
  EXPECT_EQ(done.acts[1].instance, "i-1");
  EXPECT_EQ(done.acts[1].by, k_arn);
  EXPECT_TRUE(done.acts[0].done && done.acts[1].done);
  ASSERT_EQ(done.left_alone.size(), 1U);
  EXPECT_EQ(done.left_alone[0].reason, "kept");
  EXPECT_FALSE(has_failed(done));
  for (const auto& machine : report.machines) {
    const bool ended = machine.id == "i-1" || machine.id == "i-4";
    EXPECT_EQ(machine.state, ended ? InstanceState::shutting_down : InstanceState::running) << machine.id;
  }
}

TEST_F(EnforceTest, a_dry_run_changes_nothing_and_says_what_would_be) {
  add("i-1");
  add("i-2");
  region().is_protected["i-2"] = true;
  options.yes = false;
  const auto done = enforce_all();
  EXPECT_EQ(done.mode, Mode::dry_run);
  ASSERT_EQ(done.acts.size(), 1U);
  EXPECT_EQ(done.acts[0].instance, "i-1");
  EXPECT_FALSE(done.acts[0].done);
  ASSERT_EQ(done.left_alone.size(), 1U);
  EXPECT_EQ(done.left_alone[0].reason, "protected");
  EXPECT_TRUE(region().calls.empty());
  EXPECT_TRUE(log.lines.empty());
  EXPECT_FALSE(has_failed(done));
}

struct Change {
  const char* what;
  std::function<void(FakeRegion&)> change;
  const char* reason;
};

TEST_F(EnforceTest, whatever_changes_between_reading_and_ending_saves_it) {
  const auto with = [](const char* key, const char* value) {
    return [=](FakeRegion& region) {
      auto& instance = region.instances["i-1"];
      aws::TagList tags;
      for (const auto& [old_key, old_value] : instance.tags)
        if (old_key != key) tags.add(old_key, old_value);
      tags.add(key, value);
      instance.tags = tags;
    };
  };
  const Change changes[] = {
      {"deadline moved", with("curfew:deadline", "2030-01-01T00:00:00Z"), "deadline_moved"},
      {"kept", with("curfew:keep", "wait"), "kept"},
      {"going already",
       [](FakeRegion& region) { region.instances["i-1"].state = aws::InstanceState::shutting_down; },
       "not_running"},
      {"started again", [](FakeRegion& region) { region.instances["i-1"].launched += 9h + 30min; },
       "started_again"},
      {"in a group", with("aws:autoscaling:groupName", "workers"), "in_group"},
  };
  for (const auto& change : changes) {
    account.regions.clear();
    add("i-1");
    auto report = read();
    region().before_list = change.change;
    const auto done = enforce_on(report);
    EXPECT_TRUE(done.acts.empty()) << change.what;
    ASSERT_EQ(done.left_alone.size(), 1U) << change.what;
    EXPECT_EQ(done.left_alone[0].reason, change.reason) << change.what;
    EXPECT_TRUE(region().calls.empty()) << change.what;
  }
  EXPECT_TRUE(log.lines.empty());
}

TEST_F(EnforceTest, one_that_is_protected_since_it_was_asked_first_is_left_alone) {
  add("i-1");
  region().after_protection = [](FakeRegion& region) { region.is_protected["i-1"] = true; };
  const auto done = enforce_all();
  EXPECT_TRUE(done.acts.empty());
  ASSERT_EQ(done.left_alone.size(), 1U);
  EXPECT_EQ(done.left_alone[0].reason, "protected");
  EXPECT_TRUE(region().calls.empty());
}

TEST_F(EnforceTest, one_that_ec2_does_not_tell_of_is_not_taken_for_ended) {
  add("i-1");
  auto report = read();
  region().before_list = [](FakeRegion& region) { region.instances.clear(); };
  const auto done = enforce_on(report);
  ASSERT_EQ(done.acts.size(), 1U);
  EXPECT_NE(done.acts[0].outcome.find("no longer tells of it"), std::string::npos) << done.acts[0].outcome;
  EXPECT_TRUE(has_failed(done));
  EXPECT_EQ(report.machines[0].state, InstanceState::running);
  EXPECT_TRUE(region().calls.empty());
}

TEST_F(EnforceTest, one_that_is_kept_while_it_is_being_ended_is_left_alone) {
  add("i-1");
  region().end_errors = {k_unavailable};
  region().after_call = [](FakeRegion& region) { region.instances["i-1"].tags.add("curfew:keep", "demo"); };
  auto done = enforce_all();
  EXPECT_TRUE(done.acts.empty());
  ASSERT_EQ(done.left_alone.size(), 1U);
  EXPECT_EQ(done.left_alone[0].reason, "kept");
  EXPECT_EQ(region().calls.size(), 1U);
  EXPECT_EQ(log.lines.size(), 2U) << "what was tried stands in the ledger";

  account.regions.clear();
  add("i-1");
  region().instances["i-1"].spot_request = "sir-abcd1234";
  region().requests["sir-abcd1234"] = {"sir-abcd1234", "active", true, "i-1"};
  region().after_call = [](FakeRegion& region) { region.instances["i-1"].tags.add("curfew:keep", "demo"); };
  done = enforce_all();
  ASSERT_EQ(done.left_alone.size(), 1U);
  EXPECT_NE(done.left_alone[0].why.find("sir-abcd1234 is cancelled"), std::string::npos)
      << done.left_alone[0].why;
  EXPECT_EQ(region().calls, (std::vector<std::string>{"cancel sir-abcd1234"}));
}

TEST_F(EnforceTest, a_call_whose_answer_was_lost_is_no_reason_to_leave_it_alone) {
  add("i-1");
  region().end_errors = {k_unavailable};
  region().after_call = [](FakeRegion& region) {
    region.instances["i-1"].state = aws::InstanceState::shutting_down;
  };
  EXPECT_TRUE(enforce_all().acts.at(0).done);
}

TEST_F(EnforceTest, whether_it_is_protected_must_be_known_before_it_is_stopped) {
  add("i-1");
  tag("i-1", "curfew:then", "stop");
  region().protection_error = k_denied;
  for (const bool yes : {false, true}) {
    options.yes = yes;
    const auto done = enforce_all();
    EXPECT_TRUE(done.acts.empty());
    ASSERT_EQ(done.left_alone.size(), 1U);
    EXPECT_EQ(done.left_alone[0].reason, "protection_unknown");
  }
  EXPECT_TRUE(region().calls.empty());
  // Asked for in vain only when it's read again.
  region().protection_error.reset();
  auto report = read();
  region().before_list = [](FakeRegion& region) { region.protection_error = k_denied; };
  region().first_page_is_empty = true;
  region().end_errors = {k_unavailable};
  const auto done = enforce_on(report);
  ASSERT_EQ(done.left_alone.size(), 1U);
  EXPECT_EQ(done.left_alone[0].reason, "protection_unknown");
  EXPECT_EQ(region().calls.size(), 1U);
}

TEST_F(EnforceTest, a_tag_then_that_is_not_understood_ends_nothing) {
  add("i-1");
  tag("i-1", "curfew:then", "Stop ");
  EXPECT_EQ(enforce_all().acts.at(0).outcome, "stopping");
  account.regions.clear();
  add("i-1");
  tag("i-1", "curfew:then", "halt");
  const auto done = enforce_all();
  EXPECT_TRUE(done.acts.empty());
  ASSERT_EQ(done.left_alone.size(), 1U);
  EXPECT_EQ(done.left_alone[0].reason, "then_unclear");
  EXPECT_TRUE(region().calls.empty());
}

TEST_F(EnforceTest, one_that_can_not_be_read_again_is_not_ended_and_counts_as_failed) {
  add("i-1");
  region().list_error = k_unavailable;
  auto done = enforce_all();
  ASSERT_EQ(done.acts.size(), 1U);
  EXPECT_FALSE(done.acts[0].done);
  EXPECT_TRUE(done.acts[0].outcome.starts_with("not tried: ")) << done.acts[0].outcome;
  EXPECT_TRUE(has_failed(done));
  EXPECT_TRUE(region().calls.empty());

  region().list_error.reset();
  region().protection_error = k_unavailable;
  done = enforce_all();
  EXPECT_TRUE(has_failed(done)) << "it may be protected";
  EXPECT_TRUE(region().calls.empty());
}

TEST_F(EnforceTest, an_empty_first_page_does_not_mean_that_it_is_gone) {
  add("i-1");
  region().first_page_is_empty = true;
  EXPECT_TRUE(enforce_all().acts.at(0).done);
}

TEST_F(EnforceTest, who_may_not_ask_whether_it_is_protected_leaves_that_to_ec2) {
  add("i-1");
  region().protection_error = k_denied;
  EXPECT_TRUE(enforce_all().acts.at(0).done);
}

TEST_F(EnforceTest, one_that_fails_keeps_no_other) {
  add("i-1", 2h);
  add("i-2", 1h);
  region().end_errors = {k_denied};
  auto report = read();
  const auto done = enforce_on(report);
  ASSERT_EQ(done.acts.size(), 2U);
  EXPECT_FALSE(done.acts[0].done);
  EXPECT_TRUE(done.acts[1].done);
  EXPECT_TRUE(has_failed(done));
  EXPECT_EQ(report.machines[0].state, InstanceState::running) << "it still needs attention";
}

TEST_F(EnforceTest, then_stop_stops) {
  add("i-1");
  tag("i-1", "curfew:then", "stop");
  auto report = read();
  EXPECT_FALSE(report.machines.at(0).cost.ipv4_at_most);
  EXPECT_EQ(enforce_on(report).acts.at(0).outcome, "stopping");
  EXPECT_EQ(region().calls, (std::vector<std::string>{"stop i-1"}));
  EXPECT_TRUE(report.machines.at(0).cost.ipv4_at_most);  // what isn't elastic goes
}

TEST_F(EnforceTest, a_clock_that_is_wrong_ends_nothing) {
  add("i-1");
  auto report = read();
  report.regions[0].skew = -61s;
  auto done = enforce_on(report);
  EXPECT_EQ(done.mode, Mode::refused);
  EXPECT_NE(done.refused.find("ahead of AWS's"), std::string::npos) << done.refused;
  EXPECT_TRUE(has_failed(done));
  EXPECT_TRUE(region().calls.empty());

  region().aws_ahead = -90s;  // found when it's read again only
  done = enforce_all();
  EXPECT_FALSE(done.acts.at(0).done);
  EXPECT_NE(done.acts.at(0).outcome.find("clock"), std::string::npos) << done.acts.at(0).outcome;
  region().aws_ahead.reset();
  EXPECT_FALSE(enforce_all().acts.at(0).done) << "nobody knows";
  EXPECT_TRUE(region().calls.empty());
}

TEST_F(EnforceTest, it_is_past_by_both_clocks_or_not_at_all) {
  add("i-1", 10s);
  region().aws_ahead = -30s;
  const auto done = enforce_all();
  EXPECT_TRUE(done.acts.empty());
  EXPECT_TRUE(region().calls.empty());
}

TEST_F(EnforceTest, without_knowing_who_we_are_nothing_is_done) {
  add("i-1");
  account.identity = fail(k_unavailable);
  auto done = enforce_all();
  EXPECT_FALSE(done.acts.at(0).done);
  account.identity = aws::CallerIdentity{"999999999999", k_arn, {}};
  done = enforce_all();
  EXPECT_FALSE(done.acts.at(0).done);
  EXPECT_TRUE(region().calls.empty());
}

TEST_F(EnforceTest, a_persistent_spot_request_is_cancelled) {
  add("i-1");
  region().instances["i-1"].spot_request = "sir-abcd1234";
  region().requests["sir-abcd1234"] = {"sir-abcd1234", "active", true, "i-1"};
  enforce_all();
  EXPECT_EQ(region().calls, (std::vector<std::string>{"cancel sir-abcd1234", "terminate i-1"}));
}

TEST_F(EnforceTest, at_most_so_many_and_the_longest_overdue) {
  for (int i = 1; i <= 5; ++i) add("i-" + std::to_string(i), Seconds{i * 100});
  options.max_kills = 2;
  auto done = enforce_all();
  ASSERT_EQ(done.acts.size(), 2U);
  EXPECT_EQ(done.acts[0].instance, "i-5");
  EXPECT_EQ(done.acts[1].instance, "i-4");
  ASSERT_EQ(done.left_alone.size(), 3U);
  EXPECT_EQ(done.left_alone[0].reason, "over_max_kills");
  options.any_number = true;
  EXPECT_EQ(enforce_all().acts.size(), 3U);
}

TEST_F(EnforceTest, what_is_protected_takes_no_place_of_the_few) {
  add("i-1", 3h);
  add("i-2", 2h);
  region().is_protected["i-1"] = true;
  options.max_kills = 1;
  EXPECT_EQ(enforce_all().acts.at(0).instance, "i-2");
}

TEST_F(EnforceTest, listed_twice_is_ended_once) {
  add("i-1");
  auto report = read();
  report.machines.push_back(report.machines.front());
  EXPECT_EQ(enforce_on(report).acts.size(), 1U);
}

}  // namespace
}  // namespace curfew::watch
