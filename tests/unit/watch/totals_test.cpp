#include "watch/totals.hpp"

#include <limits>

#include <gtest/gtest.h>

#include "unit/watch/report.hpp"

namespace curfew::watch {
namespace {

constexpr Micros k_most{std::numeric_limits<std::int64_t>::max()};

TEST(Amount, SaysWhatIsMissingFromIt) {
  struct Case {
    Amount amount;
    const char* text;
    const char* cell;
    const char* mark;
  };
  const Case cases[] = {
      {{}, "$0.00", "", "exact"},
      {{Micros{72'432'000}, Micros{72'432'000}, false, false, true}, "$72.43", "$72.43", "exact"},
      {{Micros{72'432'000}, Micros{72'432'000}, true, false, true},
       "at least $72.43",
       ">=$72.43",
       "at_least"},
      {{Micros{72'432'000}, Micros{1'000'000}, false, true, true}, "at most $72.43", "<=$72.43", "at_most"},
      // With a part missing it may be more than any upper bound of the others.
      {{Micros{72'432'000}, Micros{1'000'000}, true, true, true}, "at least $1.00", ">=$1.00", "at_least"},
      {{Micros{72'432'000}, {}, true, true, false}, "unknown", "unknown", "unknown"},
      {{{}, {}, true, false, false}, "unknown", "unknown", "unknown"},
      {{{}, {}, false, false, true}, "$0.00", "$0.00", "exact"},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(describe(each.amount), each.text);
    EXPECT_EQ(cell_of(each.amount), each.cell);
    EXPECT_EQ(mark_of(each.amount), each.mark);
  }
}

TEST(Amount, OfAnInstanceIsItAndItsVolumesAndAddresses) {
  auto made = machine();
  run_for(made, 72h);
  EXPECT_EQ(cell_of(instance_hourly_of(made)), "$1.01");
  EXPECT_EQ(hourly_cell_of(instance_hourly_of(made)), "$1.006");
  EXPECT_EQ(hourly_of(made).sum, Micros{1'021'959});
  EXPECT_EQ(made.cost.so_far, Micros{72'432'000});
  EXPECT_EQ(so_far_of(made).sum, Micros{72'432'000 + 789'048 + 360'000});
  EXPECT_EQ(mark_of(so_far_of(made)), "exact");

  auto no_price = made;
  no_price.cost.hourly.reset();
  no_price.cost.so_far.reset();
  EXPECT_TRUE(hourly_of(no_price).is_unknown());
  EXPECT_TRUE(so_far_of(no_price).is_unknown());
  EXPECT_EQ(so_far_of(no_price).sum, Micros{789'048 + 360'000});

  auto no_volumes = made;
  no_volumes.cost.ebs_hourly.reset();
  no_volumes.cost.ebs_so_far.reset();
  EXPECT_EQ(describe(so_far_of(no_volumes)), "at least $72.79");
  EXPECT_EQ(describe_hourly(hourly_of(no_volumes)), "at least $1.011");
  EXPECT_EQ(describe(instance_hourly_of(no_volumes)), "$1.01");

  auto spot = made;
  spot.cost.at_most = spot.cost.so_far_at_most = true;
  EXPECT_EQ(mark_of(so_far_of(spot)), "at_most");
  EXPECT_EQ(mark_of(extras_hourly_of(spot)), "exact");
  auto estimated = made;
  estimated.cost.ebs_at_most = true;
  EXPECT_EQ(mark_of(so_far_of(estimated)), "at_most");
  EXPECT_EQ(mark_of(instance_hourly_of(estimated)), "exact");
}

TEST(Amount, OfAStoppedInstanceIsItsVolumesOnly) {
  auto made = machine();
  made.state = InstanceState::stopped;
  EXPECT_EQ(hourly_of(made).sum, Micros{15'959});
  EXPECT_EQ(cell_of(so_far_of(made)), "");
  EXPECT_EQ(cell_of(instance_hourly_of(made)), "");
  EXPECT_FALSE(running_for(made, k_now));
}

TEST(Amount, OfOneThatWasEndedIsNoAddressAndAtMostItsVolumes) {
  auto made = machine();
  made.state = InstanceState::shutting_down;
  EXPECT_EQ(describe_hourly(hourly_of(made)), "at most $0.011");
  EXPECT_EQ(describe_hourly(ipv4_hourly_of(made)), "$0.000");
  const auto totals = totals_of(rows_of(report_of({made})));
  EXPECT_EQ(describe_hourly(totals.hourly), "at most $0.011");
}

TEST(Amount, OfOneThatWasStoppedSinceItsAddressesAreAnUpperBound) {
  auto made = machine();
  made.state = InstanceState::stopping;
  made.cost.ipv4_at_most = true;
  EXPECT_EQ(describe_hourly(ipv4_hourly_of(made)), "at most $0.005");
  EXPECT_EQ(describe_hourly(hourly_of(made)), "at most $0.016");
  made.cost.ipv4_hourly = Micros{};
  EXPECT_EQ(describe_hourly(hourly_of(made)), "$0.011");
}

TEST(Amount, NeverWrapsAndIsNeverNegative) {
  auto made = machine();
  made.cost.hourly = k_most;
  made.cost.ebs_hourly = k_most;
  EXPECT_EQ(hourly_of(made).sum, k_most);
  EXPECT_EQ(per_month(hourly_of(made)).sum, k_most);
  made.cost.hourly = Micros{-5};
  made.cost.ebs_hourly = Micros{std::numeric_limits<std::int64_t>::min()};
  EXPECT_EQ(hourly_of(made).sum, Micros{5'000});
  EXPECT_EQ(decimal(Micros{-1}), "0.000000");
  EXPECT_EQ(decimal(k_most), "9223372036854.775807");
}

TEST(Amount, ADayIs24HoursAndAMonth730) {
  const Amount hourly{Micros{1'006'000}, Micros{1'006'000}, true, false, true};
  EXPECT_EQ(describe(per_day(hourly)), "at least $24.14");
  EXPECT_EQ(describe(per_month(hourly)), "at least $734.38");
  EXPECT_EQ(decimal(hourly.sum), "1.006000");
}

TEST(Rows, AreSortedWorstFirst) {
  auto dear = machine("i-1");
  run_for(dear, 100h);
  auto dearer = machine("i-2");
  run_for(dearer, 200h);
  auto unknown = machine("i-3");
  run_for(unknown, 10h);
  unknown.cost = {};
  auto warning = machine("i-4");
  run_for(warning, 3h);
  auto older = machine("i-5");
  run_for(older, 90min);
  older.cost = machine().cost;
  const auto report = report_of({machine("i-7"), machine("i-6"), warning, older, dear, dearer, unknown});
  std::vector<std::string> ids;
  for (const auto& row : rows_of(report)) ids.push_back(row.machine->id);
  EXPECT_EQ(ids, (std::vector<std::string>{"i-3", "i-2", "i-1", "i-4", "i-5", "i-6", "i-7"}));
}

TEST(Totals, CountAndSumWithWhatTheyLeaveOut) {
  auto critical = machine("i-1");
  run_for(critical, 72h);
  auto unguarded = machine("i-2");
  unguarded.deadline.reset();
  unguarded.gpus = {true, std::nullopt};
  unguarded.cost.hourly.reset();
  unguarded.cost.so_far.reset();
  auto kept = machine("i-3");
  kept.keep = Keep{"demo", {}, false};
  kept.gpus = {true, 8U};
  kept.cost.at_most = kept.cost.so_far_at_most = true;
  auto stopped = machine("i-4");
  stopped.state = InstanceState::stopped;
  stopped.gpus = {true, 100U};
  const auto report = report_of({critical, unguarded, kept, stopped});
  const auto totals = totals_of(rows_of(report));
  EXPECT_EQ(totals.instances, 4U);
  EXPECT_EQ(totals.running, 3U);
  EXPECT_EQ(totals.gpus, 9U);
  EXPECT_TRUE(totals.gpus_at_least);
  EXPECT_EQ(totals.critical, 1U);
  EXPECT_EQ(totals.warning, 1U);
  EXPECT_EQ(totals.kept, 1U);
  EXPECT_EQ(totals.needing_attention(), 2U);
  EXPECT_EQ(totals.prices_unknown, 1U);
  EXPECT_EQ(totals.prices_at_most, 1U);
  // One is known, of one the most that it costs, of one nothing.
  EXPECT_EQ(describe_hourly(totals.instances_hourly), "at least $1.006");
  EXPECT_EQ(describe_hourly(totals.ebs_hourly), "$0.044");
  EXPECT_EQ(describe_hourly(totals.ipv4_hourly), "$0.020");
  EXPECT_EQ(totals.hourly.sum, Micros{2 * 1'006'000 + 4 * 10'959 + 4 * 5'000});
  EXPECT_EQ(describe(totals.so_far), "at least $73.61");
}

TEST(Totals, OfOnlyUnknownPricesAreALowerBoundOrUnknown) {
  auto made = machine();
  made.cost.hourly.reset();
  made.cost.so_far.reset();
  EXPECT_EQ(describe(totals_of(rows_of(report_of({made}))).so_far), "at least $0.02");
  made.cost = {};
  EXPECT_EQ(describe(totals_of(rows_of(report_of({made}))).so_far), "unknown");
  EXPECT_EQ(describe_hourly(totals_of(rows_of(report_of({made}))).hourly), "unknown");
  EXPECT_EQ(describe(totals_of(rows_of(report_of({}))).so_far), "$0.00");
}

TEST(Report, IsUnreadWhereAnythingThatWasToBeReadIsnt) {
  using Outcome = RegionReading::Outcome;
  auto report = empty_report();
  EXPECT_FALSE(is_unread(report));
  report.notes = {{"no permission for pricing:GetProducts", false}};
  report.regions.push_back({"111122223333", "me-south-1", Outcome::ignored});
  report.regions.push_back({"111122223333", "ap-east-1", Outcome::denied, "denied"});
  EXPECT_FALSE(is_unread(report));
  auto failed = report;
  failed.regions.push_back({"111122223333", "ap-south-1", Outcome::failed, "timed out"});
  EXPECT_TRUE(is_unread(failed));
  report.notes.push_back({"the role could not be assumed", true});
  EXPECT_TRUE(is_unread(report));
}

}  // namespace
}  // namespace curfew::watch
