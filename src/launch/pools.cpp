// Combinations, sorted.
#include "launch/pools.hpp"

#include <algorithm>

namespace curfew::launch {
namespace {

std::optional<Micros> dearest(const TypeInRegion& type) {
  std::optional<Micros> most;
  for (const auto& [zone, price] : type.spot) {
    const bool may_be_chosen =
        type.zones.empty() || std::find(type.zones.begin(), type.zones.end(), zone) != type.zones.end();
    if (may_be_chosen) most = std::max(most.value_or(price), price);
  }
  return most;
}

Pool pool_of(const TypesOfRegion& region, const TypeInRegion& type, const std::string& zone, bool spot) {
  Pool pool;
  pool.region = region.region;
  pool.zone = zone;
  pool.spot = spot;
  pool.type = type.info;
  pool.on_demand = type.on_demand;
  if (zone.empty()) pool.spot_now = dearest(type);
  else if (const auto price = type.spot.find(zone); price != type.spot.end()) pool.spot_now = price->second;
  return pool;
}

const TypeInRegion* find(const TypesOfRegion& region, const std::string& name) {
  const auto found = std::find_if(region.types.begin(), region.types.end(),
                                  [&name](const TypeInRegion& type) { return type.info.name == name; });
  return found == region.types.end() ? nullptr : &*found;
}

// Not every region has every type.
std::vector<std::string> all_types(const std::vector<TypesOfRegion>& regions) {
  std::vector<std::string> names;
  for (const auto& region : regions)
    for (const auto& type : region.types)
      if (std::find(names.begin(), names.end(), type.info.name) == names.end())
        names.push_back(type.info.name);
  return names;
}

bool is_cheaper(const Pool& a, const Pool& b) {
  const auto& of_a = a.spot ? a.spot_now : a.on_demand;
  const auto& of_b = b.spot ? b.spot_now : b.on_demand;
  return of_a && (!of_b || *of_a < *of_b);
}

}  // namespace

std::string name_of(const Pool& pool) {
  return pool.type.name + (pool.spot ? ", spot in " : ", on demand in ") +
         (pool.zone.empty() ? pool.region : pool.zone);
}

std::vector<Pool> pools_in_order(const std::vector<TypesOfRegion>& regions, const Markets& markets) {
  std::vector<Pool> all;
  for (const bool spot : {true, false}) {
    if (spot ? !markets.spot : !markets.on_demand) continue;
    std::vector<Pool> pools;
    for (const auto& name : all_types(regions)) {
      for (const auto& region : regions) {
        const auto* const type = find(region, name);
        if (type == nullptr) continue;
        const bool by_zone = !type->zones.empty() && (spot || markets.zones_are_named);
        if (!by_zone) pools.push_back(pool_of(region, *type, "", spot));
        for (const auto& zone : type->zones)
          if (by_zone) pools.push_back(pool_of(region, *type, zone, spot));
      }
    }
    std::stable_sort(pools.begin(), pools.end(), is_cheaper);
    std::move(pools.begin(), pools.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace curfew::launch
