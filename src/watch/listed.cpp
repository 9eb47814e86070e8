// AWS's words, mapped one by one.
#include "watch/listed.hpp"

#include <utility>

#include "watch/gpus.hpp"

namespace curfew::watch {
namespace {

constexpr std::string_view k_vpc = " (Amazon VPC)";

Lifecycle lifecycle_from(aws::BoughtAs bought_as) {
  switch (bought_as) {
    case aws::BoughtAs::on_demand: return Lifecycle::on_demand;
    case aws::BoughtAs::spot: return Lifecycle::spot;
    default: return Lifecycle::other;
  }
}

pricing::Market market_from(aws::BoughtAs bought_as) {
  switch (bought_as) {
    case aws::BoughtAs::on_demand: return pricing::Market::on_demand;
    case aws::BoughtAs::spot: return pricing::Market::spot;
    case aws::BoughtAs::capacity_block: return pricing::Market::capacity_block;
    case aws::BoughtAs::scheduled:
    case aws::BoughtAs::other: break;
  }
  return pricing::Market::other;
}

std::string_view tenancy_name(aws::Tenancy tenancy) {
  switch (tenancy) {
    case aws::Tenancy::shared: return "default";
    case aws::Tenancy::dedicated: return "dedicated";
    case aws::Tenancy::host: return "host";
    case aws::Tenancy::other: break;
  }
  return "other";
}

std::optional<Micros> known(const pricing::Amount& amount) {
  if (amount.mark() == pricing::Mark::unknown) return {};
  return amount.shown();
}

}  // namespace

Tags tags_from(const aws::ListedInstance& instance) {
  return [&instance](std::string_view key) { return instance.tags.find(key); };
}

Machine machine_from(const aws::ListedInstance& instance, const std::string& region) {
  Machine machine;
  machine.account = instance.account;
  machine.region = region;
  machine.zone = instance.zone;
  machine.id = instance.id;
  machine.type = instance.type;
  machine.lifecycle = lifecycle_from(instance.bought_as);
  machine.state = parse_state(aws::name_of(instance.state));
  machine.launched = instance.launched;
  machine.gpus = gpus_of(instance.type);
  machine.managed_by = instance.managed_by;
  take_tags(machine, tags_from(instance));
  return machine;
}

Kind kind_from(const aws::ListedInstance& instance) {
  return {instance.type,        instance.zone,    instance.platform_details, instance.usage_operation,
          instance.reason_code, instance.tenancy, instance.bought_as};
}

pricing::InstanceFacts facts_from(const Kind& kind, const std::string& region) {
  pricing::InstanceFacts facts;
  facts.type = kind.type;
  facts.region = region;
  facts.zone = kind.zone;
  facts.platform_details = kind.platform_details;
  facts.usage_operation = kind.usage_operation;
  facts.tenancy = tenancy_name(kind.tenancy);
  facts.market = market_from(kind.bought_as);
  facts.state_reason = kind.reason_code;
  return facts;
}

SpotHistories::SpotHistories(const std::vector<aws::SpotPricePoint>& points) {
  std::map<Key, std::vector<pricing::SpotPrice>> sorted;
  for (const auto& point : points) {
    // Accounts from before VPCs are told the same prices by the longer name.
    std::string product = point.product;
    if (product.ends_with(k_vpc)) product.resize(product.size() - k_vpc.size());
    sorted[{point.type, point.zone, std::move(product)}].push_back({point.since, point.per_hour});
  }
  for (auto& [key, prices] : sorted) histories_.emplace(key, pricing::SpotHistory(std::move(prices)));
}

const pricing::SpotHistory& SpotHistories::of(const Kind& kind) const {
  static const pricing::SpotHistory k_none;
  const auto found = histories_.find({kind.type, kind.zone, pricing::spot_product(kind.platform_details)});
  return found == histories_.end() ? k_none : found->second;
}

MachineCost cost_from(const pricing::InstanceCost& cost) {
  MachineCost out;
  out.hourly = known(cost.instance_per_hour);
  out.so_far = known(cost.instance_so_far);
  out.ebs_hourly = known(cost.ebs_per_hour);
  out.ebs_so_far = known(cost.ebs_so_far);
  out.ipv4_hourly = known(cost.ipv4_per_hour);
  out.ipv4_so_far = known(cost.ipv4_so_far);
  out.at_least = cost.instance_per_hour.mark() == pricing::Mark::at_least;
  out.at_most = cost.instance_per_hour.mark() == pricing::Mark::at_most;
  out.so_far_at_least = cost.instance_so_far.mark() == pricing::Mark::at_least;
  out.so_far_at_most = cost.instance_so_far.mark() == pricing::Mark::at_most;
  out.so_far_low = cost.instance_so_far.low;
  for (const auto& amount : {cost.ebs_per_hour, cost.ebs_so_far}) {
    out.ebs_at_least = out.ebs_at_least || amount.mark() == pricing::Mark::at_least;
    out.ebs_at_most = out.ebs_at_most || amount.mark() == pricing::Mark::at_most;
  }
  out.source = cost.source_text;
  return out;
}

}  // namespace curfew::watch
