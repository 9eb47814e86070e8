#include "pricing/billed_time.hpp"

#include <gtest/gtest.h>

namespace curfew::pricing {
namespace {

using namespace std::chrono_literals;

const WallTime k_launched{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + 18h};

InstanceFacts running() {
  InstanceFacts instance;
  instance.type = "g5.xlarge";
  instance.region = "us-east-1";
  instance.platform_details = "Linux/UNIX";
  instance.state = "running";
  instance.launched = k_launched;
  return instance;
}

TEST(BilledTime, IsBySecondFromAMinuteOnAndForSuseByTheHour) {
  struct Case {
    const char* platform;
    Millis ran;
    Seconds billed;
  };
  for (const auto& [platform, ran, billed] : {
           Case{"Linux/UNIX", 0ms, 60s},
           Case{"Linux/UNIX", 59s, 60s},
           Case{"Linux/UNIX", 60s, 60s},
           Case{"Linux/UNIX", 60'001ms, 61s},
           Case{"Linux/UNIX", 72h, 72h},
           Case{"Windows", 61s, 61s},
           Case{"Red Hat Enterprise Linux", 90min, 90min},
           Case{"", 90min, 90min},
           Case{"SUSE Linux", 0ms, 1h},
           Case{"SUSE Linux", 1h, 1h},
           Case{"SUSE Linux", 3'600'001ms, 2h},
           Case{"SUSE Linux", 90min, 2h},
           // The clock here is behind AWS's.
           Case{"Linux/UNIX", -10min, 60s},
       }) {
    auto instance = running();
    instance.platform_details = platform;
    EXPECT_EQ(billed_time(instance, k_launched + ran), billed) << platform << " " << ran.count() << " ms";
  }
}

TEST(BilledTime, CountsWhatTheStateIsBilledFor) {
  struct Case {
    const char* state;
    const char* reason;
    bool billed_now;
    std::optional<Seconds> with_end;     // it ended after two hours
    std::optional<Seconds> without_end;  // nobody told when
  };
  constexpr const char* k_hibernate = "Client.UserInitiatedHibernate";
  constexpr const char* k_shutdown = "Client.UserInitiatedShutdown";
  for (const auto& [state, reason, billed_now, with_end, without_end] : {
           Case{"pending", "", false, 0s, 0s},
           Case{"running", "", true, 5h, 5h},
           Case{"stopping", k_shutdown, false, 2h, std::nullopt},
           Case{"stopping", k_hibernate, true, 5h, 5h},
           Case{"stopped", k_hibernate, false, 2h, std::nullopt},
           Case{"stopped", k_shutdown, false, 2h, std::nullopt},
           Case{"shutting-down", k_shutdown, false, 2h, std::nullopt},
           Case{"terminated", k_shutdown, false, 2h, std::nullopt},
           Case{"a-new-one", "", true, 5h, 5h},
       }) {
    auto instance = running();
    instance.state = state;
    instance.state_reason = reason;
    EXPECT_EQ(is_billed(state, reason), billed_now) << state << " " << reason;
    EXPECT_EQ(billed_time(instance, k_launched + 5h), without_end) << state << " " << reason;
    instance.ended = k_launched + 2h;
    EXPECT_EQ(billed_time(instance, k_launched + 5h), with_end) << state << " " << reason;
  }
}

TEST(BilledTime, BelievesNoEndBeforeTheStart) {
  auto instance = running();
  instance.state = "stopped";
  instance.ended = k_launched - 1h;  // of an earlier run
  EXPECT_FALSE(billed_time(instance, k_launched + 5h));
}

TEST(BilledTime, WhatEc2TookBackWithinTheFirstHourIsFree) {
  struct Case {
    Market market;
    const char* platform;
    const char* reason;
    Millis ran;
    Seconds billed;
  };
  for (const auto& [market, platform, reason, ran, billed] : {
           Case{Market::spot, "Linux/UNIX", "Server.SpotInstanceTermination", 59min, 0s},
           Case{Market::spot, "Linux/UNIX", "Server.SpotInstanceShutdown", 59min, 0s},
           Case{Market::spot, "Windows", "Server.SpotInstanceTermination", 3'599s, 0s},
           Case{Market::spot, "Linux/UNIX", "Server.SpotInstanceTermination", 1h, 1h},
           Case{Market::spot, "Linux/UNIX", "Server.SpotInstanceTermination", 90min, 90min},
           Case{Market::spot, "Linux/UNIX", "Client.UserInitiatedShutdown", 59min, 59min},
           Case{Market::on_demand, "Linux/UNIX", "Server.SpotInstanceTermination", 59min, 59min},
           Case{Market::spot, "SUSE Linux", "Server.SpotInstanceTermination", 59min, 0s},
           Case{Market::spot, "SUSE Linux", "Server.SpotInstanceTermination", 150min, 2h},
           Case{Market::spot, "SUSE Linux", "Client.UserInitiatedShutdown", 150min, 3h},
       }) {
    auto instance = running();
    instance.market = market;
    instance.platform_details = platform;
    instance.state = "terminated";
    instance.state_reason = reason;
    instance.ended = k_launched + ran;
    EXPECT_EQ(billed_time(instance, k_launched + 100h), billed)
        << platform << " " << reason << " " << ran.count();
  }
  // Still running: nobody took it back.
  auto instance = running();
  instance.market = Market::spot;
  instance.state_reason = "Server.SpotInstanceTermination";
  EXPECT_EQ(billed_time(instance, k_launched + 10min), Seconds{10min});
}

TEST(BilledTime, HoldsForTimesThatLieFarApart) {
  auto instance = running();
  instance.launched = WallTime::min();
  EXPECT_EQ(billed_time(instance, WallTime::max())->count(), 18'446'744'073'709'552);
}

TEST(TransitionTime, IsInTheReason) {
  const WallTime at{std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + 18h + 1s};
  EXPECT_EQ(transition_time("User initiated (2026-11-24 18:00:01 GMT)"), at);
  EXPECT_EQ(transition_time("User (me) initiated shutdown (2026-11-24 18:00:01 UTC)"), at);
  for (const auto* text :
       {"", "User initiated", "Server.SpotInstanceTermination: Spot instance termination", "(",
        "User initiated (2026-11-24 18:00:01)", "(2026-11-24 18:00:01 PST)", "(2026-13-24 18:00:01 GMT)",
        "(2026-11-24 18:00:01 GMT) and more", "(2026-11-24 18:00:0x GMT)", "(2026-11-24T18:00Z       GMT)"})
    EXPECT_FALSE(transition_time(text)) << text;
}

TEST(PricedRegion, IsALocalZonesOwn) {
  struct Case {
    const char* region;
    const char* zone;
    const char* priced;
  };
  for (const auto& [region, zone, priced] : {
           Case{"us-east-1", "us-east-1a", "us-east-1"},
           Case{"us-east-1", "", "us-east-1"},
           Case{"us-west-2", "us-west-2-lax-1a", "us-west-2-lax-1"},
           Case{"us-east-1", "us-east-1-wl1-bos-wlz-1", "us-east-1-wl1-bos-wlz-1"},
           Case{"us-east-1", "eu-west-1a", "us-east-1"},
       }) {
    InstanceFacts instance;
    instance.region = region;
    instance.zone = zone;
    EXPECT_EQ(priced_region(instance), priced) << zone;
  }
}

}  // namespace
}  // namespace curfew::pricing
