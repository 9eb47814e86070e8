// From what AWS's lists tell to what the check thinks in. Pure.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "aws/ec2_listed.hpp"
#include "pricing/instance_cost.hpp"
#include "pricing/instance_facts.hpp"
#include "pricing/spot.hpp"
#include "watch/machine.hpp"
#include "watch/tags.hpp"

namespace curfew::watch {

// All but what it costs and whether its schedule is there.
[[nodiscard]] Machine machine_from(const aws::ListedInstance& instance, const std::string& region);
// Looks into the instance, which must outlive it.
[[nodiscard]] Tags tags_from(const aws::ListedInstance& instance);

// What the price of an instance depends on, beside its times and its volumes: a few kinds stand for thousands.
struct Kind {
  std::string type;
  std::string zone;
  std::string platform_details;
  std::string usage_operation;
  std::string reason_code;
  aws::Tenancy tenancy = aws::Tenancy::shared;
  aws::BoughtAs bought_as = aws::BoughtAs::on_demand;
  friend auto operator<=>(const Kind&, const Kind&) = default;
};
[[nodiscard]] Kind kind_from(const aws::ListedInstance& instance);
// All but the state and the times.
[[nodiscard]] pricing::InstanceFacts facts_from(const Kind& kind, const std::string& region);

// Of DescribeSpotPriceHistory, by what has a price of its own.
class SpotHistories {
 public:
  explicit SpotHistories(const std::vector<aws::SpotPricePoint>& points);
  // An empty one where nothing is told of the type, zone and product.
  [[nodiscard]] const pricing::SpotHistory& of(const Kind& kind) const;

 private:
  struct Key {
    std::string type;
    std::string zone;
    std::string product;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  std::map<Key, pricing::SpotHistory> histories_;
};

[[nodiscard]] MachineCost cost_from(const pricing::InstanceCost& cost);

}  // namespace curfew::watch
