// Puts an instance's cost together from what is known, and says what isn't.
#include "pricing/instance_cost.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "pricing/billed_time.hpp"
#include "pricing/ebs.hpp"
#include "pricing/list_prices.hpp"

namespace curfew::pricing {
namespace {

constexpr std::int64_t k_hours_a_month = 730;

// Puts one instance's cost together; each step fills its part of it.
class Reckoning {
 public:
  Reckoning(const CostFacts& given_facts, WallTime at) : facts_(given_facts), now_(at) {}

  InstanceCost done() {
    add_instance();
    add_ebs();
    add_ipv4();
    return std::move(cost_);
  }

 private:
  void add_instance();
  void add_ebs();
  void add_ipv4();

  Amount on_demand();
  Amount list_or_unknown();
  std::optional<SpotCost> by_spot_history(Seconds billed);
  Amount without_spot_history();

  void use(PriceSource source, std::string date, std::string text) {
    cost_.source = source;
    cost_.date = std::move(date);
    cost_.source_text = std::move(text);
  }
  void use_none() { use(PriceSource::unknown, {}, std::string(name_of(Mark::unknown))); }
  void note(std::string text) { cost_.notes.push_back(std::move(text)); }
  // "; no permission for ec2:DescribeVolumes" where that is why.
  std::string lacking(std::string_view permission);

  // How long volumes and addresses that are there since `since` have cost money. They do so in every state.
  [[nodiscard]] Seconds kept_since(WallTime since) const {
    return std::max(seconds_begun(since, now_), k_least_billed);
  }

  const CostFacts& facts_;
  const WallTime now_;
  InstanceCost cost_;
};

std::string Reckoning::lacking(std::string_view permission) {
  const auto& missing = facts_.missing_permissions;
  if (std::find(missing.begin(), missing.end(), permission) == missing.end()) return {};
  auto& named = cost_.missing_permissions;
  if (std::find(named.begin(), named.end(), permission) == named.end()) named.emplace_back(permission);
  return "; no permission for " + std::string(permission);
}

bool is_shared(const InstanceFacts& instance) {
  return instance.tenancy.empty() || instance.tenancy == "default";
}

// What the list tells of an instance that isn't Linux on shared hardware is a lower bound.
std::string why_at_least(const InstanceFacts& instance) {
  const bool told = !instance.platform_details.empty();
  const bool linux = told ? spot_product(instance.platform_details) == "Linux/UNIX"
                          : instance.usage_operation == "RunInstances";
  if (!linux)
    return told
               ? printable(instance.platform_details, 60) + " costs more than Linux, whose list price this is"
               : "EC2 doesn't tell its platform, and the list price is that of Linux";
  if (!is_shared(instance)) return "the list price is for shared tenancy";
  return {};
}

Amount Reckoning::list_or_unknown() {
  const auto& instance = facts_.instance;
  auto region = priced_region(instance);
  const auto listed = list_price(instance.type, region);
  const auto problem =
      facts_.on_demand_problem.empty() ? std::string() : "; " + printable(facts_.on_demand_problem);
  if (!listed) {
    use_none();
    note("the list has no price of " + printable(instance.type, 40) + " in " + printable(region, 40) +
         lacking(k_permission_for_prices) + problem);
    return Amount::unknown();
  }
  use(PriceSource::built_in_list, std::string(listed->date), "list price of " + std::string(listed->date));
  const auto why_no_better = lacking(k_permission_for_prices) + problem;
  if (!why_no_better.empty()) note(cost_.source_text + why_no_better);
  const auto why = why_at_least(instance);
  if (why.empty()) return Amount::exact(listed->per_hour);
  note("at least: " + why);
  return Amount::at_least(listed->per_hour);
}

Amount Reckoning::on_demand() {
  if (!facts_.on_demand) return list_or_unknown();
  const auto& told = *facts_.on_demand;
  if (told.cached) {
    auto date = format_utc(told.read_at).substr(0, 10);
    auto text = "Pricing API, read on " + date;
    use(PriceSource::cached, std::move(date), std::move(text));
  } else {
    use(PriceSource::pricing_api, {}, "Pricing API");
  }
  return Amount::exact(std::min(told.per_hour, k_most_per_hour));
}

// The spot price history doesn't tell what dedicated hardware costs.
std::optional<SpotCost> Reckoning::by_spot_history(Seconds billed) {
  const auto& instance = facts_.instance;
  if (facts_.spot_history == nullptr || !is_shared(instance)) return {};
  auto spot = spot_cost(*facts_.spot_history, instance.launched, billed, now_, {});
  if (!spot) return {};
  if (spot->uncovered > Seconds{0}) {
    const auto most = on_demand();
    const bool known = most.mark() == Mark::exact;
    note("its spot prices are known only from " + format_duration(spot->uncovered) + " after its start on: " +
         (known ? "until then at most the on-demand price (" + cost_.source_text + ")"
                : std::string("what it cost until then isn't counted")));
    if (known) spot = spot_cost(*facts_.spot_history, instance.launched, billed, now_, most.high);
  }
  use(PriceSource::spot_history, {}, "spot price history");
  return spot;
}

Amount Reckoning::without_spot_history() {
  const auto most = on_demand();
  const auto why = lacking(k_permission_for_spot_prices);
  if (most.mark() != Mark::exact) {
    use_none();
    note("its spot prices aren't known" + why);
    return Amount::unknown();
  }
  cost_.source_text = "on demand (" + cost_.source_text + "), the most that spot costs";
  note("its spot prices aren't known: at most the on-demand price" + why);
  return Amount::at_most(most.low);
}

void Reckoning::add_instance() {
  const auto& instance = facts_.instance;
  const auto billed = billed_time(instance, now_);
  std::optional<SpotCost> spot;
  if (facts_.given && facts_.given->per_hour > Micros{}) {
    use(PriceSource::given, {}, facts_.given->source);
    cost_.running_per_hour = Amount::exact(std::min(facts_.given->per_hour, k_most_per_hour));
  } else if (instance.tenancy == "host" || instance.market == Market::capacity_block) {
    const bool host = instance.tenancy == "host";
    use(PriceSource::elsewhere, {}, host ? "billed by its Dedicated Host" : "paid in advance");
    note(host ? "it runs on a Dedicated Host, which is billed instead of it"
              : "it runs in a capacity block, which is paid for in advance");
    cost_.running_per_hour = Amount::unknown();
  } else if (instance.market == Market::other) {
    use_none();
    note("it was bought in a way whose prices aren't known here");
    cost_.running_per_hour = Amount::unknown();
  } else if (instance.market == Market::spot) {
    spot = by_spot_history(billed.value_or(Seconds{0}));
    cost_.running_per_hour = spot ? spot->per_hour : without_spot_history();
  } else {
    cost_.running_per_hour = on_demand();
  }

  const bool goes_on = is_billed(instance.state, instance.state_reason);
  if (goes_on) cost_.instance_per_hour = cost_.running_per_hour;
  if (!billed) {
    cost_.instance_so_far = Amount::unknown();
    note("EC2 doesn't tell when it stopped running");
  } else if (*billed > Seconds{0}) {
    cost_.instance_so_far = spot ? spot->so_far : cost_of(cost_.running_per_hour, *billed);
    // Billed while it hibernated, too: until when isn't told.
    if (!goes_on && is_hibernated(instance.state_reason)) cost_.instance_so_far.high.reset();
  }
}

Amount amount_of(const RatePart& part) {
  return part.estimated ? Amount::at_most(part.per_hour) : Amount::exact(part.per_hour);
}

Amount sum_of(const EbsRate& rate) {
  Amount sum;
  for (const auto& part : rate.parts) sum = sum + amount_of(part);
  if (!rate.unknown.empty()) sum.high.reset();
  return sum;
}

void Reckoning::add_ebs() {
  if (!facts_.volumes) {
    cost_.ebs_per_hour = cost_.ebs_so_far = Amount::unknown();
    note("its EBS volumes aren't known" + lacking(k_permission_for_volumes));
    return;
  }
  const auto& billed = *facts_.volumes;
  const auto region = priced_region(facts_.instance);
  std::vector<Volume> volumes;
  volumes.reserve(billed.size());
  for (const auto& one : billed) volumes.push_back(one.volume);
  const auto rate = ebs_rate(volumes, region);
  cost_.ebs_per_hour = sum_of(rate);
  for (const auto& name : rate.unknown) note(name + " isn't known");
  const auto estimate =
      std::find_if(rate.parts.begin(), rate.parts.end(), [](const RatePart& part) { return part.estimated; });
  if (estimate != rate.parts.end()) note("EBS: at most, an " + estimate->source);

  const auto launched = facts_.instance.launched;
  const auto is_younger = [&](const BilledVolume& one) { return one.created && *one.created > launched; };
  if (std::none_of(billed.begin(), billed.end(), is_younger)) {
    cost_.ebs_so_far = cost_of(cost_.ebs_per_hour, kept_since(launched));
  } else {
    for (const auto& one : billed) {
      const auto since = is_younger(one) ? *one.created : launched;
      cost_.ebs_so_far =
          cost_.ebs_so_far + cost_of(sum_of(ebs_rate({one.volume}, region)), kept_since(since));
    }
  }
  if (facts_.instance.state == "terminated") {
    cost_.ebs_so_far.high.reset();
    note("what the volumes that went with it have cost isn't known");
  }
}

void Reckoning::add_ipv4() {
  if (!facts_.public_ipv4) {
    cost_.ipv4_per_hour = cost_.ipv4_so_far = Amount::unknown();
    note("whether it has public IPv4 addresses isn't known");
    return;
  }
  if (*facts_.public_ipv4 == 0) return;
  if (!is_billed_in_dollars(facts_.instance.region)) {
    cost_.ipv4_per_hour = cost_.ipv4_so_far = Amount::unknown();
    note("the price of a public IPv4 address in " + printable(facts_.instance.region, 40) + " isn't known");
    return;
  }
  cost_.ipv4_per_hour = Amount::exact(k_public_ipv4) * *facts_.public_ipv4;
  cost_.ipv4_so_far = cost_of(cost_.ipv4_per_hour, kept_since(facts_.instance.launched));
}

}  // namespace

std::string_view name_of(PriceSource source) {
  switch (source) {
    case PriceSource::given: return "given";
    case PriceSource::pricing_api: return "pricing-api";
    case PriceSource::cached: return "cached";
    case PriceSource::built_in_list: return "built-in-list";
    case PriceSource::spot_history: return "spot-history";
    case PriceSource::elsewhere: return "elsewhere";
    case PriceSource::unknown: break;
  }
  return "unknown";
}

InstanceCost instance_cost(const CostFacts& facts, WallTime now) { return Reckoning(facts, now).done(); }

Amount CostTotals::per_day() const { return per_hour * 24; }

Amount CostTotals::per_month() const { return per_hour * k_hours_a_month; }

void CostTotals::add(const InstanceCost& cost) {
  per_hour = per_hour + cost.per_hour();
  so_far = so_far + cost.so_far();
  if (cost.instance_per_hour.mark() == Mark::unknown) ++unknown_prices;
}

}  // namespace curfew::pricing
