// What a machine is made of as far as it costs money, and what such a part costs. Values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/money.hpp"

namespace curfew::pricing {

// An EBS volume.
struct Volume {
  std::string type;                              // "gp3", "io2": EC2's own name
  std::uint64_t gib = 0;                         // provisioned, not used: that is what is billed
  std::optional<std::uint64_t> iops = {};        // provisioned; for gp3 with the 3,000 that are included
  std::optional<std::uint64_t> throughput = {};  // MiB/s; for gp3 with the 125 that are included
  bool assumed = false;                          // only its size was seen; the type is a guess
};

// Empty where nobody told: unknown, which is never "none". Off EC2 there are no volumes and no address that AWS bills.
struct MachineParts {
  std::string instance_type;  // may be empty
  std::string region;         // may be empty
  bool spot = false;
  std::optional<std::vector<Volume>> volumes;
  std::optional<bool> public_ipv4;
};

struct RatePart {
  std::string name;        // "100 GiB of gp3", fit to be shown
  Micros per_hour;         // rounded up
  std::string source;      // "list price of 2025-05-28", "--price"
  bool estimated = false;  // then the source must be shown too
};

// No part costs more than this, whatever is said of it, so that sums can't overflow: a billion dollars an hour.
inline constexpr Micros k_most_per_hour{1'000'000'000'000'000};

// "Amazon VPC pricing", public IPv4 addresses: the same in every region since 2024-02-01, in use or idle.
inline constexpr Micros k_public_ipv4{5'000};

}  // namespace curfew::pricing
