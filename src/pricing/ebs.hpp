// What EBS volumes cost an hour. Pure.
//
// The prices are AWS's list prices ("Amazon EBS pricing") of us-east-1, which hold in us-east-2 and us-west-2 too; a
// month is taken as 730 hours. For other regions no list is built in: twice those prices is taken, an estimate upwards
// (the dearest, sa-east-1, is at 1.9 times), and said to be one. Where AWS bills in another currency (China, the
// European Sovereign Cloud) or the prices aren't public (the isolated regions) they are unknown.
//
// Not counted, for a machine can't know it: snapshots, and the requests to `standard` volumes ($0.05 a million).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pricing/parts.hpp"

namespace curfew::pricing {

struct EbsRate {
  std::vector<RatePart>
      parts;  // one for the space of each type, one for its IOPS and throughput where they cost
  std::vector<std::string> unknown;  // what has no price, by name: "the price of gp9 volumes"
};

[[nodiscard]] EbsRate ebs_rate(const std::vector<Volume>& volumes, std::string_view region);

// Whether AWS bills this region in US dollars at public prices. An empty name is a region that isn't known: yes.
[[nodiscard]] bool is_billed_in_dollars(std::string_view region);

}  // namespace curfew::pricing
