// What is made of lists that are long, broken, refused or never come, in several regions and accounts at once.
#include "watch/collect.hpp"

#include <functional>
#include <map>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "support/fake_clock.hpp"
#include "support/run.hpp"
#include "unit/watch/scripted_account.hpp"
#include "watch/amount.hpp"
#include "watch/region.hpp"

namespace curfew::watch {
namespace {

class CollectTest : public ::testing::Test {
 protected:
  FakeReads reads;
  CollectPlan plan;
  pricing::PriceCache prices;
  test::FakeClock clock;
  Progress progress;

  Report collect_all(std::vector<AccountReads> accounts) {
    boost::asio::io_context io{1};
    return test::run(io, collect(std::move(accounts), plan, clock, prices,
                                 [this](const Progress& now) { progress = now; }));
  }
  Report collect_all() { return collect_all({{&reads, "", ""}}); }
  static const RegionReading& region(const Report& report, const std::string& name) {
    for (const auto& each : report.regions)
      if (each.region == name) return each;
    static const RegionReading k_none{"", "not in the report", RegionReading::Outcome::ignored, {}};
    return k_none;
  }
  static std::vector<std::string> ids(const Report& report) {
    std::vector<std::string> all;
    for (const auto& machine : report.machines) all.push_back(machine.region + " " + machine.id);
    std::sort(all.begin(), all.end());
    return all;
  }
  static std::string notes(const Report& report) {
    std::string told;
    for (const auto& note : report.notes) told += note.text + "\n";
    return told;
  }
};

TEST_F(CollectTest, reads_each_enabled_region_to_its_last_page) {
  reads.regions["eu-west-1"].pages = {{{"i-1", "i-2"}, "a"}, {{}, "b"}, {{"i-2", "i-3"}, ""}};
  reads.regions["us-east-1"].pages = {{{"i-9"}, ""}};
  const auto report = collect_all();
  EXPECT_EQ(ids(report),
            (std::vector<std::string>{"eu-west-1 i-1", "eu-west-1 i-2", "eu-west-1 i-3", "us-east-1 i-9"}));
  EXPECT_EQ(report.regions.size(), 2U) << "me-south-1 isn't enabled";
  EXPECT_FALSE(is_unread(report));
  EXPECT_EQ(report.accounts.at(0).id, "123456789012");
  EXPECT_EQ(progress.regions, 2U);
  EXPECT_EQ(progress.regions_read, 2U);
  EXPECT_EQ(progress.instances, 4U);
}

TEST_F(CollectTest, a_list_that_is_not_read_whole_is_told_with_what_was_read) {
  reads.regions["eu-west-1"].pages = {{{"i-1"}, "a"}};
  reads.regions["eu-west-2"].pages = {{{"i-2"}, "a"}, {{"i-3"}, "a"}};  // would go round for ever
  reads.regions["us-east-1"].pages = {{{"i-9"}, ""}};
  const auto report = collect_all();
  EXPECT_EQ(ids(report).size(), 4U);
  EXPECT_TRUE(is_unread(report));
  EXPECT_EQ(region(report, "eu-west-1").outcome, RegionReading::Outcome::failed);
  EXPECT_EQ(region(report, "eu-west-2").outcome, RegionReading::Outcome::failed);
  EXPECT_EQ(region(report, "us-east-1").outcome, RegionReading::Outcome::read);
}

std::vector<std::string> many(const std::string& prefix, std::size_t count) {
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(prefix + std::to_string(i));
  return ids;
}

TEST_F(CollectTest, a_region_of_many_pages_is_read_whole) {
  auto& script = reads.regions["eu-west-1"];
  script.fleet = many("i-a", 2010);
  auto report = collect_all();
  EXPECT_FALSE(is_unread(report)) << region(report, "eu-west-1").error;
  EXPECT_EQ(report.machines.size(), 2010U);
  EXPECT_EQ(progress.instances, 2010U);
  script.fleet.clear();
  script.pages = {{many("i-a", 400), "a"}, {many("i-b", 400), "a"}};
  report = collect_all();
  EXPECT_NE(region(report, "eu-west-1").error.find("came a second time"), std::string::npos);
}

TEST_F(CollectTest, more_instances_than_are_held_are_an_error_and_no_smaller_count) {
  auto& script = reads.regions["eu-west-1"];
  plan.most_instances = 1'000;
  script.pages = {{many("i-a", 1'000), "a"}, {{"i-b0"}, "b"}, {{"i-c0"}, ""}};
  const auto report = collect_all();
  EXPECT_EQ(report.machines.size(), 1'000U);
  EXPECT_EQ(region(report, "eu-west-1").outcome, RegionReading::Outcome::failed);
  EXPECT_NE(region(report, "eu-west-1").error.find("more than 1000 instances"), std::string::npos);
}

TEST_F(CollectTest, pages_that_came_before_one_that_hangs_are_told_with_what_they_cost) {
  reads.regions["eu-west-1"].pages = {{{"i-1"}, "a"}, {{"i-2"}, "b"}};
  reads.regions["eu-west-1"].ends_hanging = true;
  plan.limit = 200ms;
  const auto report = collect_all();
  EXPECT_EQ(ids(report), (std::vector<std::string>{"eu-west-1 i-1", "eu-west-1 i-2"}));
  EXPECT_EQ(region(report, "eu-west-1").outcome, RegionReading::Outcome::failed);
  EXPECT_NE(region(report, "eu-west-1").error.find("not read within"), std::string::npos);
  EXPECT_TRUE(report.machines.at(1).cost.hourly) << "by the list that is built in";
}

TEST_F(CollectTest, when_only_prices_come_late_the_region_is_read) {
  auto& script = reads.regions["us-east-1"];
  script.pages = {{{"i-1"}, ""}};
  script.schedules = {"curfew-i-1"};
  reads.prices_hang = true;
  plan.limit = 200ms;
  const auto report = collect_all();
  EXPECT_FALSE(is_unread(report)) << region(report, "us-east-1").error << notes(report);
  ASSERT_EQ(report.machines.size(), 1U);
  EXPECT_EQ(report.machines[0].cost.so_far, Micros{72'432'000}) << "by the list that is built in";
  EXPECT_EQ(report.machines[0].cost.ipv4_hourly, Micros{0}) << "that it has none was read";
  EXPECT_EQ(report.machines[0].schedule, ScheduleState::armed);
  EXPECT_NE(notes(report).find("the on-demand prices of us-east-1"), std::string::npos) << notes(report);
}

// Sixteen terabytes may be what an instance costs.
TEST_F(CollectTest, volumes_that_come_late_or_fail_are_unread) {
  auto& script = reads.regions["us-east-1"];
  script.pages = {{{"i-1"}, ""}};
  script.schedules = {"curfew-i-1"};
  for (const auto& error : {k_unavailable, k_expired, k_proxy}) {
    script.volumes_error = error;
    const auto report = collect_all();
    EXPECT_TRUE(is_unread(report)) << error.text();
    EXPECT_EQ(region(report, "us-east-1").outcome, RegionReading::Outcome::read);
    EXPECT_EQ(notes(report).find("ec2:DescribeVolumes ("), std::string::npos) << notes(report);
  }
  script.volumes_error.reset();
  script.volumes_hang = true;
  plan.limit = 200ms;
  const auto report = collect_all();
  EXPECT_TRUE(is_unread(report));
  EXPECT_FALSE(report.machines.at(0).cost.ebs_hourly);
  EXPECT_NE(notes(report).find("the volumes in us-east-1 could not be read"), std::string::npos);
}

TEST_F(CollectTest, schedules_that_come_late_are_unread) {
  auto& script = reads.regions["us-east-1"];
  script.pages = {{{"i-1"}, ""}};
  script.schedules_hang = true;
  plan.limit = 200ms;
  const auto report = collect_all();
  EXPECT_TRUE(is_unread(report));
  EXPECT_EQ(region(report, "us-east-1").outcome, RegionReading::Outcome::read);
  EXPECT_EQ(report.machines.at(0).schedule, ScheduleState::failed);
  EXPECT_TRUE(report.machines.at(0).cost.hourly);
}

TEST_F(CollectTest, volumes_are_asked_for_by_instance_and_of_many_by_zone) {
  reads.regions["eu-west-1"].pages = {{many("i-a", 450), ""}};
  reads.regions["us-east-1"].pages = {{many("i-a", 899), "more"}, {many("i-b", 899), ""}};
  collect_all();
  EXPECT_EQ(reads.regions["eu-west-1"].volumes_asked, 3U);
  EXPECT_EQ(reads.regions["us-east-1"].volumes_asked, 1U) << "all are in one zone";
}

TEST_F(CollectTest, an_explicit_deny_can_be_allowed_for_and_no_other_failure) {
  reads.regions["eu-west-1"].error = k_explicitly_denied;
  reads.regions["eu-west-2"].error = k_denied;
  reads.regions["us-east-1"].pages = {{{"i-9"}, ""}};
  auto report = collect_all();
  EXPECT_EQ(region(report, "eu-west-1").outcome, RegionReading::Outcome::failed);
  plan.allow_denied = true;
  report = collect_all();
  EXPECT_EQ(region(report, "eu-west-1").outcome, RegionReading::Outcome::denied);
  EXPECT_EQ(region(report, "eu-west-2").outcome, RegionReading::Outcome::failed);
}

TEST_F(CollectTest, one_that_hangs_is_given_up_and_the_others_are_there) {
  reads.regions["eu-west-1"].hangs = true;
  reads.regions["us-east-1"].pages = {{{"i-9"}, ""}};
  plan.limit = 200ms;
  const auto report = collect_all();
  EXPECT_EQ(ids(report), (std::vector<std::string>{"us-east-1 i-9"}));
  EXPECT_EQ(region(report, "eu-west-1").outcome, RegionReading::Outcome::failed);
  EXPECT_NE(region(report, "eu-west-1").error.find("not read within"), std::string::npos);
}

TEST_F(CollectTest, an_account_of_which_every_region_is_denied_is_unread) {
  reads.regions = {{"us-east-1", {}}};
  reads.regions["us-east-1"].error = k_explicitly_denied;
  plan.allow_denied = true;
  auto report = collect_all();
  EXPECT_EQ(region(report, "us-east-1").outcome, RegionReading::Outcome::denied);
  EXPECT_TRUE(is_unread(report));
  // Another account that is read changes nothing in that.
  FakeReads other;
  other.id = std::string("222222222222");
  other.regions["us-east-1"].pages = {{{"i-1"}, ""}};
  report = collect_all({{&reads, "", "123456789012"}, {&other, "arn:aws:iam::222222222222:role/watch", ""}});
  EXPECT_TRUE(is_unread(report));
  EXPECT_NE(notes(report).find("nothing of account 123456789012 was read"), std::string::npos);
  // A proxy's 403 is no explicit deny, whatever it says.
  reads.regions["us-east-1"].error = k_proxy;
  reads.regions["us-east-1"].error->cause = "explicit deny";
  EXPECT_EQ(region(collect_all(), "us-east-1").outcome, RegionReading::Outcome::failed);
}

TEST_F(CollectTest, an_account_whose_regions_are_all_left_out_fails_only_where_nothing_else_is_read) {
  for (const auto* name : {"us-east-1", "eu-west-1"}) reads.regions[name].pages = {{{"i-9"}, ""}};
  plan.except = {"us-east-1", "eu-west-1"};
  auto report = collect_all();
  EXPECT_TRUE(is_unread(report));
  EXPECT_NE(notes(report).find("no region was read"), std::string::npos) << notes(report);
  FakeReads other;
  other.id = std::string("222222222222");
  other.regions["ap-south-1"].pages = {{{"i-1"}, ""}};
  report = collect_all({{&reads, "", "123456789012"}, {&other, "arn:aws:iam::222222222222:role/watch", ""}});
  EXPECT_FALSE(is_unread(report)) << notes(report);
  EXPECT_EQ(region(report, "us-east-1").outcome, RegionReading::Outcome::ignored);
}

TEST_F(CollectTest, without_the_rights_for_costs_the_instances_are_shown_and_nothing_fails) {
  reads.regions["us-east-1"].pages = {{{"i-1"}, ""}};
  reads.regions["us-east-1"].volumes_error = k_denied;
  reads.regions["us-east-1"].schedules = {"curfew-i-1"};
  const auto report = collect_all();
  ASSERT_EQ(report.machines.size(), 1U);
  const auto& cost = report.machines[0].cost;
  EXPECT_EQ(cost.so_far, Micros{72'432'000}) << "the list that is built in";
  EXPECT_FALSE(cost.ebs_hourly) << "not known is not 0";
  ASSERT_TRUE(cost.notes);
  EXPECT_NE(std::find(cost.notes->begin(), cost.notes->end(),
                      "its EBS volumes aren't known; no permission for ec2:DescribeVolumes"),
            cost.notes->end())
      << cost.notes->front();
  EXPECT_EQ(reads.prices_asked, 1);
  EXPECT_EQ(report.machines[0].schedule, ScheduleState::armed);
  EXPECT_FALSE(is_unread(report));
  const auto told = notes(report);
  EXPECT_NE(told.find("ec2:DescribeVolumes (us-east-1)"), std::string::npos) << told;
  EXPECT_NE(told.find("pricing:GetProducts (us-east-1)"), std::string::npos) << told;
}

TEST_F(CollectTest, schedules_that_may_not_be_listed_alarm_nobody_and_those_that_fail_do) {
  auto& script = reads.regions["us-east-1"];
  script.pages = {{{"i-1"}, ""}};
  EXPECT_EQ(collect_all().machines.at(0).schedule, ScheduleState::missing);
  script.schedules_error = k_denied;
  auto report = collect_all();
  EXPECT_EQ(report.machines.at(0).schedule, ScheduleState::refused);
  EXPECT_FALSE(is_unread(report));
  EXPECT_NE(notes(report).find("scheduler:ListSchedules (us-east-1)"), std::string::npos) << notes(report);
  for (const auto& error : {k_unavailable, k_expired, k_proxy}) {
    script.schedules_error = error;
    report = collect_all();
    EXPECT_EQ(report.machines.at(0).schedule, ScheduleState::failed) << error.text();
    EXPECT_TRUE(is_unread(report)) << error.text();
  }
}

TEST_F(CollectTest, a_price_that_is_kept_is_not_asked_for) {
  reads.regions["us-east-1"].pages = {{{"i-1"}, ""}};
  prices.put({"us-east-1", "g5.xlarge", "RunInstances", "Shared"}, {Micros{2'000'000}, clock.now - 24h});
  const auto report = collect_all();
  EXPECT_EQ(reads.prices_asked, 0);
  EXPECT_EQ(report.machines.at(0).cost.hourly, Micros{2'000'000});
}

aws::ListedVolume volume(const std::string& id, const std::vector<std::string>& instances,
                         const std::string& type = "gp3") {
  aws::ListedVolume made;
  made.id = id;
  made.type = type;
  made.gib = 100;
  made.created = test::FakeClock{}.now - 72h;
  for (const auto& instance : instances) made.attachments.push_back({instance, true});
  return made;
}

TEST_F(CollectTest, volumes_are_added_each_once) {
  auto& script = reads.regions["us-east-1"];
  script.pages = {{{"i-1", "i-2", "i-3"}, ""}};
  // One is on two pages, one is attached to two instances; two that are alike are two; the last is of no instance here.
  script.volume_pages = {
      {volume("vol-1", {"i-1"}), volume("vol-2", {"i-1"}), volume("vol-3", {"i-2", "i-3"})},
      {volume("vol-2", {"i-1"}), volume("vol-3", {"i-2", "i-3"}), volume("vol-4", {"i-9"})}};
  const auto report = collect_all();
  ASSERT_EQ(report.machines.size(), 3U);
  // 100 GiB of gp3 at $0.08 a month of 730 hours.
  EXPECT_EQ(report.machines[0].cost.ebs_hourly, Micros{21'918});
  EXPECT_EQ(report.machines[1].cost.ebs_hourly, Micros{10'959});
  EXPECT_EQ(report.machines[2].cost.ebs_hourly, Micros{0});
  EXPECT_EQ(report.machines[1].cost.ebs_so_far, Micros{789'048});
  EXPECT_FALSE(report.machines[0].cost.ebs_at_least || report.machines[0].cost.ebs_at_most);
}

TEST_F(CollectTest, a_volume_of_an_unknown_type_makes_a_lower_bound) {
  auto& script = reads.regions["us-east-1"];
  script.pages = {{{"i-1"}, ""}};
  script.volume_pages = {{volume("vol-1", {"i-1"}), volume("vol-2", {"i-1"}, "gp9")}};
  const auto report = collect_all();
  const auto& cost = report.machines.at(0).cost;
  EXPECT_EQ(cost.ebs_hourly, Micros{10'959});
  EXPECT_TRUE(cost.ebs_at_least);
  EXPECT_EQ(mark_of(hourly_of(report.machines[0])), "at_least");
  EXPECT_EQ(mark_of(so_far_of(report.machines[0])), "at_least");
}

TEST_F(CollectTest, a_spot_instance_costs_what_its_own_history_says) {
  auto& script = reads.regions["us-east-1"];
  script.pages = {{{"i-1"}, ""}};
  script.spot = true;
  const auto now = clock.now;
  // Another zone's and another product's are dear. Its own doubled 24 hours ago.
  script.spot_prices = {{"g5.xlarge", "Linux/UNIX", "us-east-1b", now - 100h, Micros{9'000'000}},
                        {"g5.xlarge", "Windows", "us-east-1a", now - 100h, Micros{9'000'000}},
                        {"g5.xlarge", "Linux/UNIX", "us-east-1a", now - 24h, Micros{600'000}},
                        {"g5.xlarge", "Linux/UNIX", "us-east-1a", now - 100h, Micros{300'000}}};
  auto report = collect_all();
  const auto& cost = report.machines.at(0).cost;
  EXPECT_EQ(cost.hourly, Micros{600'000});
  EXPECT_EQ(cost.so_far, Micros{48 * 300'000 + 24 * 600'000});
  EXPECT_FALSE(cost.at_least || cost.at_most || cost.so_far_at_least || cost.so_far_at_most);
  script.pages = {{{"i-1"}, ""}};
  script.spot_prices.clear();
  report = collect_all();
  EXPECT_EQ(report.machines.at(0).cost.hourly, Micros{1'006'000}) << "on demand";
  EXPECT_TRUE(report.machines[0].cost.at_most);
  // Its history begins after it did: what it costs now is sure, and a part of what it has cost.
  script.pages = {{{"i-1"}, ""}};
  script.spot_prices = {{"g5.xlarge", "Linux/UNIX", "us-east-1a", now - 24h, Micros{600'000}}};
  report = collect_all();
  const auto& late = report.machines.at(0).cost;
  EXPECT_EQ(late.hourly, Micros{600'000});
  EXPECT_FALSE(late.at_most || late.at_least);
  EXPECT_EQ(late.so_far, Micros{48 * 1'006'000 + 24 * 600'000});
  EXPECT_TRUE(late.so_far_at_most);
  EXPECT_EQ(late.so_far_low, Micros{24 * 600'000});
  EXPECT_EQ(mark_of(instance_hourly_of(report.machines[0])), "exact");
  EXPECT_EQ(so_far_of(report.machines[0]).low, Micros{24 * 600'000});
}

TEST_F(CollectTest, an_account_whose_role_is_refused_holds_up_no_other) {
  reads.regions["us-east-1"].pages = {{{"i-1"}, ""}};
  FakeReads other;
  other.id = fail(Error{ErrorKind::refused, "AssumeRole", "not authorized", "", "AccessDenied"});
  const std::string role = "arn:aws:iam::222222222222:role/watch";
  const auto report = collect_all({{&reads, "", "123456789012"}, {&other, role, ""}});
  EXPECT_EQ(ids(report), (std::vector<std::string>{"us-east-1 i-1"}));
  EXPECT_TRUE(is_unread(report));
  EXPECT_EQ(region(report, "all regions, by " + role).outcome, RegionReading::Outcome::failed);
}

TEST_F(CollectTest, an_account_that_hangs_holds_up_no_other) {
  reads.regions["us-east-1"].pages = {{{"i-1"}, ""}};
  FakeReads other;
  other.hangs = true;
  const std::string role = "arn:aws:iam::222222222222:role/watch";
  plan.limit = 300ms;
  const auto report = collect_all({{&other, role, ""}, {&reads, "", ""}});
  EXPECT_EQ(ids(report), (std::vector<std::string>{"us-east-1 i-1"}));
  EXPECT_EQ(region(report, "us-east-1").outcome, RegionReading::Outcome::read);
  EXPECT_NE(region(report, "all regions, by " + role).error.find("not read within"), std::string::npos);
}

TEST_F(CollectTest, one_region_never_takes_all_of_the_time) {
  EXPECT_EQ(limit_of_one(120s), 90s);
  reads.regions["us-east-1"].hangs = true;
  plan.limit = 2s;
  const auto report = collect_all();
  EXPECT_NE(region(report, "us-east-1").error.find("not read within 1s"), std::string::npos)
      << region(report, "us-east-1").error;
}

TEST_F(CollectTest, an_account_that_two_ways_lead_to_is_counted_once) {
  reads.regions["us-east-1"].pages = {{{"i-1"}, ""}};
  const std::string first = "arn:aws:iam::123456789012:role/first";
  const std::string second = "arn:aws:iam::123456789012:role/second";
  for (const auto* own : {"", "123456789012"}) {
    FakeReads one = reads;
    FakeReads other = reads;
    const auto report = collect_all({{&reads, "", own}, {&one, first, ""}, {&other, second, ""}});
    EXPECT_EQ(ids(report), (std::vector<std::string>{"us-east-1 i-1"}));
    EXPECT_EQ(report.accounts.size(), 1U);
    EXPECT_FALSE(is_unread(report));
    for (const auto& way : {first, second})
      EXPECT_NE(notes(report).find("account 123456789012 is read once: " + way + " leads to it as well"),
                std::string::npos)
          << notes(report);
  }
}

TEST_F(CollectTest, an_account_whose_id_is_not_told_is_not_counted_twice_either) {
  reads.regions["us-east-1"].pages = {{{"i-1"}, ""}};
  FakeReads other = reads;
  reads.id = fail(Error{k_unavailable});
  EXPECT_EQ(ids(collect_all()), (std::vector<std::string>{"us-east-1 i-1"}));
  const auto report = collect_all({{&reads, "", ""}, {&other, "arn:aws:iam::123456789012:role/watch", ""}});
  EXPECT_EQ(ids(report), (std::vector<std::string>{"us-east-1 i-1"}));
}

TEST_F(CollectTest, ages_and_costs_are_of_one_time) {
  reads.regions["us-east-1"].pages = {{{"i-1"}, ""}};
  reads.passes = [this] { clock.now += 10h; };
  const auto report = collect_all();
  EXPECT_EQ(report.machines.at(0).cost.so_far, Micros{72'432'000}) << "72 hours, as when it began";
}

TEST_F(CollectTest, regions_that_are_left_out_are_told) {
  reads.regions["eu-west-1"].pages = {{{"i-1"}, ""}};
  reads.regions["us-east-1"].pages = {{{"i-9"}, ""}};
  plan.except = {"eu-west-1"};
  const auto report = collect_all();
  EXPECT_EQ(ids(report), (std::vector<std::string>{"us-east-1 i-9"}));
  EXPECT_EQ(region(report, "eu-west-1").outcome, RegionReading::Outcome::ignored);
  EXPECT_FALSE(is_unread(report));
}

}  // namespace
}  // namespace curfew::watch
