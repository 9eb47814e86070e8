// A plan as of an ordinary launch, for the tests of what follows from it.
#pragma once

#include <gtest/gtest.h>

#include "launch/plan.hpp"

namespace curfew::launch::test {

inline const WallTime k_now = *parse_utc("2026-11-24T18:00:00Z");
inline constexpr const char* k_id = "20261124-180000-0123456789abcdef01234567";

inline Wishes wishes() {
  Wishes wishes;
  wishes.types = {"g5.xlarge"};
  wishes.instance_profile = "trainer";
  wishes.scheduler_role = "arn:aws:iam::123456789012:role/curfew-scheduler";
  wishes.staging = {"bucket", "curfew"};
  wishes.name = "digits";
  wishes.stages.command = {"python3", "train.py"};
  return wishes;
}

inline aws::InstanceTypeInfo type(const std::string& name, std::uint32_t gpus = 1) {
  return {name, {"x86_64"}, 4, gpus, gpus > 0 ? "NVIDIA A10G" : ""};
}

// Offered in two zones, and cheaper in the second.
inline TypeInRegion offered(const std::string& name = "g5.xlarge",
                            std::optional<Micros> on_demand = Micros{1'006'000}) {
  return {type(name),
          on_demand,
          {"us-east-1a", "us-east-1b"},
          {{"us-east-1a", Micros{310'000}}, {"us-east-1b", Micros{300'000}}}};
}

inline Findings findings() {
  RegionFindings found;
  found.image = {"ami-0123456789abcdef0",
                 "Deep Learning",
                 "x86_64",
                 "available",
                 "/dev/sda1",
                 {{"/dev/sda1", 45, true}, {"/dev/sdb", 0, false}},
                 {}};
  found.offered = {"us-east-1", {offered()}};
  Findings findings;
  findings.regions = {found};
  findings.price_date = "2025-05-28";
  findings.owner = "arn:aws:iam::123456789012:user/me";
  return findings;
}
inline TypeInRegion& first_type(Findings& findings) { return findings.regions[0].offered.types[0]; }
inline void also(Findings& findings, TypeInRegion type) {
  findings.regions[0].offered.types.push_back(std::move(type));
}

inline Plan plan(const Wishes& wanted = wishes(), const Findings& found = findings()) {
  auto made = make_plan(wanted, found, k_id, k_now);
  EXPECT_TRUE(made) << made.error().text();
  return *made;
}

}  // namespace curfew::launch::test
