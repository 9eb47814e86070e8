// What EC2 can be asked for: a type in a zone of a region, as spot or on demand; and in which order. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aws/ec2_launch.hpp"
#include "base/money.hpp"

namespace curfew::launch {

// A type as one region has it.
struct TypeInRegion {
  aws::InstanceTypeInfo info;
  std::optional<Micros> on_demand;  // list price an hour; empty: unknown
  // Where it's offered, of the zones that may be chosen; empty: not known, or the subnet's.
  std::vector<std::string> zones;
  std::map<std::string, Micros> spot;  // by zone, an hour, now; those of the region, offered there or not
};

struct TypesOfRegion {
  std::string region;
  std::vector<TypeInRegion> types;  // in the order given
};

// One thing to ask EC2 for.
struct Pool {
  std::string region;
  std::string zone;  // empty: EC2 chooses, or the subnet says it
  bool spot = false;
  aws::InstanceTypeInfo type;
  std::optional<Micros> on_demand;  // an hour
  std::optional<Micros> spot_now;   // an hour; without a zone the dearest that may be chosen
  std::optional<Micros> most;       // an hour of the instance costs no more; empty: unknown
};

// "g5.xlarge, spot in us-east-1a".
[[nodiscard]] std::string name_of(const Pool& pool);

struct Markets {
  bool spot = false;
  bool on_demand = true;  // with `spot`: after all of that
  // On demand, EC2's own choice of a zone is one question instead of one for each zone; the price is the same in all.
  bool zones_are_named = false;
};

// All of them: spot before on demand, each cheapest first, what has no price last, and what costs the same in the order given:
// by type, then region, then zone. `most` isn't set.
[[nodiscard]] std::vector<Pool> pools_in_order(const std::vector<TypesOfRegion>& regions,
                                               const Markets& markets);

}  // namespace curfew::launch
