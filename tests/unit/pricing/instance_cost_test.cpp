#include "pricing/instance_cost.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace curfew::pricing {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

const WallTime k_launched{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + 18h};
const WallTime k_now = k_launched + 72h;
const std::vector<BilledVolume> k_no_volumes;

// Without volumes and addresses, to look at the instance alone.
CostFacts g5() {
  CostFacts facts;
  facts.instance.type = "g5.xlarge";
  facts.instance.region = "us-east-1";
  facts.instance.zone = "us-east-1a";
  facts.instance.platform_details = "Linux/UNIX";
  facts.instance.usage_operation = "RunInstances";
  facts.instance.tenancy = "default";
  facts.instance.state = "running";
  facts.instance.launched = k_launched;
  facts.volumes = k_no_volumes;
  facts.public_ipv4 = 0;
  return facts;
}

CostFacts spot_g5() {
  auto facts = g5();
  facts.instance.market = Market::spot;
  return facts;
}

TEST(InstanceCost, OfTheIncidentIs72Dollars43) {
  const auto cost = instance_cost(g5(), k_now);
  EXPECT_EQ(describe(cost.so_far()), "$72.43");
  EXPECT_EQ(cost.so_far(), Amount::exact({72'432'000}));
  EXPECT_EQ(describe_hourly(cost.per_hour()), "$1.006");
  EXPECT_EQ(cost.source, PriceSource::built_in_list);
  EXPECT_EQ(cost.date, "2025-05-28");
  EXPECT_EQ(cost.source_text, "list price of 2025-05-28");
  EXPECT_EQ(cost.notes, Texts{});
}

TEST(InstanceCost, ShowsVolumesAndAddressesApart) {
  auto facts = g5();
  facts.volumes = {{{"gp3", 100}}};
  facts.public_ipv4 = 2;
  const auto cost = instance_cost(facts, k_now);
  EXPECT_EQ(cost.instance_per_hour, Amount::exact({1'006'000}));
  EXPECT_EQ(cost.ebs_per_hour, Amount::exact({10'959}));
  EXPECT_EQ(cost.ipv4_per_hour, Amount::exact({10'000}));
  EXPECT_EQ(cost.per_hour(), Amount::exact({1'026'959}));
  EXPECT_EQ(cost.ebs_so_far, Amount::exact({72 * 10'959}));
  EXPECT_EQ(cost.ipv4_so_far, Amount::exact({720'000}));
  EXPECT_EQ(cost.so_far(), Amount::exact({72'432'000 + 789'048 + 720'000}));
}

TEST(InstanceCost, TakesTheBestPriceAndNamesIt) {
  auto facts = g5();
  facts.on_demand = OnDemandPrice{{1'100'000}, false, k_now};
  auto cost = instance_cost(facts, k_now);
  EXPECT_EQ(cost.instance_per_hour, Amount::exact({1'100'000}));
  EXPECT_EQ(cost.source, PriceSource::pricing_api);
  EXPECT_EQ(cost.source_text, "Pricing API");
  EXPECT_EQ(cost.date, "");

  facts.on_demand->cached = true;
  facts.on_demand->read_at = k_now - 24h;
  cost = instance_cost(facts, k_now);
  EXPECT_EQ(cost.source, PriceSource::cached);
  EXPECT_EQ(cost.source_text, "Pricing API, read on 2026-11-26");
  EXPECT_EQ(cost.date, "2026-11-26");

  facts.given = GivenPrice{{400'000}, "the tag curfew:price"};
  facts.instance.market = Market::spot;
  facts.instance.platform_details = "Windows";
  cost = instance_cost(facts, k_now);
  EXPECT_EQ(cost.instance_per_hour, Amount::exact({400'000}));
  EXPECT_EQ(cost.so_far(), Amount::exact({28'800'000}));
  EXPECT_EQ(cost.source, PriceSource::given);
  EXPECT_EQ(cost.source_text, "the tag curfew:price");
  EXPECT_EQ(cost.notes, Texts{});
}

TEST(InstanceCost, OfWhatTheListDoesntTellIsMarked) {
  struct Case {
    const char* name;
    void (*change)(CostFacts&);
    const char* per_hour;
    const char* so_far;
    PriceSource source;
    const char* note;
  };
  for (const auto& [name, change, per_hour, so_far, source, note] : {
           Case{"Windows", [](CostFacts& facts) { facts.instance.platform_details = "Windows"; },
                "at least $1.006", "at least $72.43", PriceSource::built_in_list,
                "at least: Windows costs more than Linux, whose list price this is"},
           Case{"SUSE", [](CostFacts& facts) { facts.instance.platform_details = "SUSE Linux"; },
                "at least $1.006", "at least $72.43", PriceSource::built_in_list,
                "at least: SUSE Linux costs more than Linux, whose list price this is"},
           Case{"no platform",
                [](CostFacts& facts) {
                  facts.instance.platform_details = "";
                  facts.instance.usage_operation = "";
                },
                "at least $1.006", "at least $72.43", PriceSource::built_in_list,
                "at least: EC2 doesn't tell its platform, and the list price is that of Linux"},
           Case{"dedicated", [](CostFacts& facts) { facts.instance.tenancy = "dedicated"; },
                "at least $1.006", "at least $72.43", PriceSource::built_in_list,
                "at least: the list price is for shared tenancy"},
           Case{"a new type", [](CostFacts& facts) { facts.instance.type = "g9.mega"; }, "price unknown",
                "price unknown", PriceSource::unknown, "the list has no price of g9.mega in us-east-1"},
           Case{"a Local Zone",
                [](CostFacts& facts) {
                  facts.instance.region = "us-west-2";
                  facts.instance.zone = "us-west-2-lax-1a";
                },
                "price unknown", "price unknown", PriceSource::unknown,
                "the list has no price of g5.xlarge in us-west-2-lax-1"},
           Case{"a Dedicated Host", [](CostFacts& facts) { facts.instance.tenancy = "host"; },
                "price unknown", "price unknown", PriceSource::elsewhere,
                "it runs on a Dedicated Host, which is billed instead of it"},
           Case{"a capacity block",
                [](CostFacts& facts) {
                  facts.instance.market = Market::capacity_block;
                  facts.on_demand = OnDemandPrice{{1'006'000}, false, k_now};
                },
                "price unknown", "price unknown", PriceSource::elsewhere,
                "it runs in a capacity block, which is paid for in advance"},
           Case{"another market", [](CostFacts& facts) { facts.instance.market = Market::other; },
                "price unknown", "price unknown", PriceSource::unknown,
                "it was bought in a way whose prices aren't known here"},
       }) {
    auto facts = g5();
    change(facts);
    const auto cost = instance_cost(facts, k_now);
    EXPECT_EQ(describe_hourly(cost.per_hour()), per_hour) << name;
    EXPECT_EQ(describe(cost.so_far()), so_far) << name;
    EXPECT_EQ(cost.source, source) << name;
    EXPECT_EQ(cost.notes, (Texts{note})) << name;
  }
}

TEST(InstanceCost, NamesThePermissionThatWouldTellMore) {
  auto facts = spot_g5();
  facts.volumes.reset();
  facts.missing_permissions = {"pricing:GetProducts", "ec2:DescribeVolumes", "ec2:DescribeSpotPriceHistory",
                               "ec2:DescribeTags"};
  const auto cost = instance_cost(facts, k_now);
  EXPECT_EQ(cost.notes, (Texts{"list price of 2025-05-28; no permission for pricing:GetProducts",
                               "its spot prices aren't known: at most the on-demand price; no permission for "
                               "ec2:DescribeSpotPriceHistory",
                               "its EBS volumes aren't known; no permission for ec2:DescribeVolumes"}));
  EXPECT_EQ(cost.missing_permissions,
            (Texts{"pricing:GetProducts", "ec2:DescribeSpotPriceHistory", "ec2:DescribeVolumes"}));
  // What isn't needed isn't named.
  auto all_known = g5();
  all_known.on_demand = OnDemandPrice{{1'006'000}, true, k_now};
  all_known.missing_permissions = facts.missing_permissions;
  EXPECT_EQ(instance_cost(all_known, k_now).missing_permissions, Texts{});
  EXPECT_EQ(instance_cost(all_known, k_now).notes, Texts{});
}

TEST(InstanceCost, SaysWhyThePricingApiToldNoPrice) {
  auto facts = g5();
  facts.on_demand_problem = "the Pricing API tells several prices";
  EXPECT_EQ(instance_cost(facts, k_now).notes,
            (Texts{"list price of 2025-05-28; the Pricing API tells several prices"}));
  facts.instance.type = "g9.mega";
  EXPECT_EQ(instance_cost(facts, k_now).notes,
            (Texts{"the list has no price of g9.mega in us-east-1; the Pricing API tells several prices"}));
}

TEST(InstanceCost, OfSpotIsByItsHistory) {
  const SpotHistory history({{k_launched - 1h, {300'000}}, {k_launched + 24h, {500'000}}});
  auto facts = spot_g5();
  facts.spot_history = &history;
  facts.missing_permissions = {"pricing:GetProducts"};
  const auto cost = instance_cost(facts, k_now);
  EXPECT_EQ(cost.so_far(), Amount::exact({24 * 300'000 + 48 * 500'000}));
  EXPECT_EQ(cost.per_hour(), Amount::exact({500'000}));
  EXPECT_EQ(cost.source, PriceSource::spot_history);
  EXPECT_EQ(cost.source_text, "spot price history");
  EXPECT_EQ(cost.notes, Texts{});
  EXPECT_EQ(cost.missing_permissions, Texts{});
}

TEST(InstanceCost, OfSpotWhoseHistoryBeginsLaterIsABound) {
  const SpotHistory history({{k_launched + 24h, {500'000}}});
  auto facts = spot_g5();
  facts.spot_history = &history;
  auto cost = instance_cost(facts, k_now);
  EXPECT_EQ(cost.so_far(), (Amount{{24'000'000}, Micros{24'000'000 + 24 * 1'006'000}}));
  EXPECT_EQ(describe(cost.so_far()), "at most $48.14");
  EXPECT_EQ(cost.source, PriceSource::spot_history);
  EXPECT_EQ(cost.date, "");
  EXPECT_EQ(cost.notes,
            (Texts{"its spot prices are known only from 24h after its start on: until then at most the "
                   "on-demand price (list price of 2025-05-28)"}));
  // Of Windows the list knows no upper bound.
  facts.instance.platform_details = "Windows";
  cost = instance_cost(facts, k_now);
  EXPECT_EQ(cost.so_far(), Amount::at_least({24'000'000}));
  EXPECT_EQ(cost.per_hour(), Amount::exact({500'000}));
}

TEST(InstanceCost, OfSpotWithoutHistoryIsAtMostTheOnDemandPrice) {
  const SpotHistory none;
  for (const auto* history : {static_cast<const SpotHistory*>(nullptr), &none}) {
    auto facts = spot_g5();
    facts.spot_history = history;
    auto cost = instance_cost(facts, k_now);
    EXPECT_EQ(describe_hourly(cost.per_hour()), "at most $1.006");
    EXPECT_EQ(describe(cost.so_far()), "at most $72.43");
    EXPECT_EQ(cost.source, PriceSource::built_in_list);
    EXPECT_EQ(cost.source_text, "on demand (list price of 2025-05-28), the most that spot costs");
    EXPECT_EQ(cost.notes, (Texts{"its spot prices aren't known: at most the on-demand price"}));
    // The list's price of Linux says nothing of spot prices of Windows.
    facts.instance.platform_details = "Windows";
    cost = instance_cost(facts, k_now);
    EXPECT_EQ(cost.per_hour(), Amount::unknown());
    EXPECT_EQ(cost.source, PriceSource::unknown);
    EXPECT_EQ(cost.source_text, "price unknown");
    facts.on_demand = OnDemandPrice{{1'190'000}, false, k_now};
    EXPECT_EQ(instance_cost(facts, k_now).per_hour(), Amount::at_most({1'190'000}));
  }
}

TEST(InstanceCost, OfSpotOnDedicatedHardwareIsntToldByTheHistory) {
  const SpotHistory history({{k_launched, {300'000}}});
  auto facts = spot_g5();
  facts.spot_history = &history;
  facts.instance.tenancy = "dedicated";
  facts.on_demand = OnDemandPrice{{1'100'000}, false, k_now};
  EXPECT_EQ(instance_cost(facts, k_now).per_hour(), Amount::at_most({1'100'000}));
}

TEST(InstanceCost, OfWhatDoesntRunIsItsVolumesAndAddresses) {
  struct Case {
    const char* state;
    std::optional<WallTime> ended;
    Amount instance;
  };
  for (const auto& [state, ended, instance] : {
           Case{"pending", {}, Amount::exact({})},
           Case{"stopping", k_launched + 10h, Amount::exact({10'060'000})},
           Case{"stopped", k_launched + 10h, Amount::exact({10'060'000})},
           Case{"stopped", {}, Amount::unknown()},
           Case{"shutting-down", k_launched + 10h, Amount::exact({10'060'000})},
       }) {
    auto facts = g5();
    facts.instance.state = state;
    facts.instance.ended = ended;
    facts.volumes = {{{"gp3", 100}}};
    facts.public_ipv4 = 1;
    const auto cost = instance_cost(facts, k_now);
    EXPECT_EQ(cost.instance_per_hour, Amount::exact({})) << state;
    EXPECT_EQ(cost.running_per_hour, Amount::exact({1'006'000})) << state;
    EXPECT_EQ(cost.per_hour(), Amount::exact({10'959 + 5'000})) << state;
    EXPECT_EQ(cost.instance_so_far, instance) << state;
    EXPECT_EQ(cost.ebs_so_far, Amount::exact({72 * 10'959})) << state;
    EXPECT_EQ(cost.ipv4_so_far, Amount::exact({72 * 5'000})) << state;
  }
  auto unknown_end = g5();
  unknown_end.instance.state = "stopped";
  EXPECT_EQ(instance_cost(unknown_end, k_now).notes, (Texts{"EC2 doesn't tell when it stopped running"}));
}

TEST(InstanceCost, OfAHibernatedInstanceIsAtLeastWhatItRanFor) {
  auto facts = g5();
  facts.instance.state_reason = "Client.UserInitiatedHibernate";
  facts.instance.state = "stopping";
  EXPECT_EQ(instance_cost(facts, k_now).per_hour(), Amount::exact({1'006'000}));
  facts.instance.state = "stopped";
  facts.instance.ended = k_launched + 10h;
  EXPECT_EQ(instance_cost(facts, k_now).so_far(), Amount::at_least({10'060'000}));
}

TEST(InstanceCost, OfWhatEc2TookBackEarlyIsNothing) {
  auto facts = spot_g5();
  facts.instance.state = "terminated";
  facts.instance.state_reason = "Server.SpotInstanceTermination";
  facts.instance.ended = k_launched + 59min;
  facts.instance.type = "g9.mega";  // free, whatever its price
  EXPECT_EQ(instance_cost(facts, k_now).instance_so_far, Amount::exact({}));
}

TEST(InstanceCost, OfATerminatedInstancesVolumesIsntKnown) {
  auto facts = g5();
  facts.instance.state = "terminated";
  facts.instance.ended = k_launched + 10h;
  const auto cost = instance_cost(facts, k_now);
  EXPECT_EQ(cost.per_hour(), Amount::exact({}));
  EXPECT_EQ(cost.ebs_so_far, Amount::unknown());
  EXPECT_EQ(cost.so_far(), Amount::at_least({10'060'000}));
}

TEST(InstanceCost, CountsAYoungerVolumeSinceItWasMade) {
  auto facts = g5();
  facts.volumes = {{{"gp3", 100}, k_launched - 24h}, {{"gp3", 100}, k_launched + 62h}, {{"gp3", 100}}};
  const auto cost = instance_cost(facts, k_now);
  EXPECT_EQ(cost.ebs_per_hour, Amount::exact({32'877}));
  EXPECT_EQ(cost.ebs_so_far, Amount::exact({(72 + 10 + 72) * 10'959}));
}

TEST(InstanceCost, MarksEstimatedAndUnknownVolumes) {
  auto facts = g5();
  facts.instance.region = "eu-west-1";
  facts.instance.zone = "eu-west-1a";
  facts.volumes = {{{"gp3", 100}}};
  auto cost = instance_cost(facts, k_now);
  EXPECT_EQ(cost.ebs_per_hour, Amount::at_most({21'918}));
  EXPECT_EQ(cost.per_hour().mark(), Mark::at_most);
  EXPECT_EQ(cost.notes, (Texts{"EBS: at most, an estimate: twice the price in us-east-1"}));
  facts = g5();
  facts.volumes = {{{"gp3", 100}}, {{"gp9", 100}}};
  cost = instance_cost(facts, k_now);
  EXPECT_EQ(cost.ebs_per_hour, Amount::at_least({10'959}));
  EXPECT_EQ(cost.ebs_so_far, Amount::at_least({72 * 10'959}));
  EXPECT_EQ(cost.notes, (Texts{"the price of gp9 volumes isn't known"}));
  facts.volumes.reset();
  cost = instance_cost(facts, k_now);
  EXPECT_EQ(cost.ebs_per_hour, Amount::unknown());
  EXPECT_EQ(describe(cost.so_far()), "at least $72.43");
}

TEST(InstanceCost, MarksWhatItCantTellOfAddresses) {
  auto facts = g5();
  facts.public_ipv4.reset();
  auto cost = instance_cost(facts, k_now);
  EXPECT_EQ(cost.ipv4_per_hour, Amount::unknown());
  EXPECT_EQ(cost.notes, (Texts{"whether it has public IPv4 addresses isn't known"}));
  facts.instance.region = "cn-north-1";
  facts.instance.zone = "cn-north-1a";
  facts.public_ipv4 = 1;
  facts.volumes = {{{"gp3", 100}}};
  cost = instance_cost(facts, k_now);
  EXPECT_EQ(cost.per_hour(), Amount::unknown());
  EXPECT_EQ(cost.so_far(), Amount::unknown());
  EXPECT_EQ(cost.notes, (Texts{"the list has no price of g5.xlarge in cn-north-1",
                               "the price of EBS in cn-north-1 isn't known",
                               "the price of a public IPv4 address in cn-north-1 isn't known"}));
}

TEST(InstanceCost, ShowsNoControlCharacters) {
  auto facts = g5();
  facts.instance.type = "g5\x1b[31m";
  facts.instance.platform_details = "\n";
  for (const auto& note : instance_cost(facts, k_now).notes)
    EXPECT_EQ(note.find_first_of("\x1b\n"), std::string::npos) << note;
}

TEST(CostTotals, KeepTheirBounds) {
  CostTotals totals;
  EXPECT_EQ(totals.per_hour, Amount::exact({}));
  totals.add(instance_cost(g5(), k_now));
  totals.add(instance_cost(g5(), k_now));
  EXPECT_EQ(describe_hourly(totals.per_hour), "$2.012");
  EXPECT_EQ(describe(totals.per_day()), "$48.29");
  EXPECT_EQ(describe(totals.per_month()), "$1468.76");
  EXPECT_EQ(describe(totals.so_far), "$144.86");
  EXPECT_EQ(totals.unknown_prices, 0U);

  totals.add(instance_cost(spot_g5(), k_now));
  EXPECT_EQ(describe_hourly(totals.per_hour), "at most $3.018");
  EXPECT_EQ(describe(totals.so_far), "at most $217.30");

  auto stopped = g5();
  stopped.instance.type = "g9.mega";
  stopped.instance.state = "stopped";
  stopped.instance.ended = k_launched + 1h;
  totals.add(instance_cost(stopped, k_now));
  EXPECT_EQ(describe_hourly(totals.per_hour), "at most $3.018");  // it costs nothing now
  EXPECT_EQ(totals.unknown_prices, 0U);
  // What it has cost isn't known: of the spot instance's no part is sure.
  EXPECT_EQ(describe(totals.so_far), "at least $144.86");

  auto unknown = g5();
  unknown.instance.type = "g9.mega";
  totals.add(instance_cost(unknown, k_now));
  EXPECT_EQ(describe_hourly(totals.per_hour), "at least $2.012");
  EXPECT_EQ(describe(totals.per_day()), "at least $48.29");
  EXPECT_EQ(totals.unknown_prices, 1U);
}

TEST(PriceSource, HasStableWords) {
  struct Case {
    PriceSource source;
    const char* word;
  };
  for (const auto& [source, word] :
       {Case{PriceSource::unknown, "unknown"}, Case{PriceSource::given, "given"},
        Case{PriceSource::pricing_api, "pricing-api"}, Case{PriceSource::cached, "cached"},
        Case{PriceSource::built_in_list, "built-in-list"}, Case{PriceSource::spot_history, "spot-history"},
        Case{PriceSource::elsewhere, "elsewhere"}})
    EXPECT_EQ(name_of(source), word);
}

}  // namespace
}  // namespace curfew::pricing
