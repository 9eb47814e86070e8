// Lists of one region, one after the other, each to its last page.
#include "watch/region.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "aws/pages.hpp"
#include "pricing/instance_cost.hpp"
#include "pricing/price_query.hpp"
#include "pricing/spot.hpp"
#include "watch/listed.hpp"
#include "watch/read_pages.hpp"

namespace curfew::watch {
namespace {

constexpr std::size_t k_instances_in_filter = 200;  // as EC2 takes them
constexpr std::size_t k_ask_by_instance = 1'000;    // beyond it the region's volumes are read as a whole
constexpr std::size_t k_types_at_once = 100;        // as EC2 takes them
constexpr std::string_view k_schedule_prefix = "curfew-";

std::string listing(const char* call, const std::string& region) {
  return std::string(call) + " in " + region;
}

class RegionReader {
 public:
  RegionReader(Reads& reads, RegionQuery query, const os::Clock& clock, pricing::PriceCache& prices,
               RegionFindings& out)
      : reads_(reads), query_(std::move(query)), clock_(clock), prices_(prices), out_(out) {}

  Awaitable<void> read() {
    ec2_ = reads_.inventory(query_.region);
    co_await read_instances();
    if (listed_.empty()) co_return;
    show_without_cost();
    co_await read_schedules();  // before the costs: it may alarm
    co_await read_volumes();
    co_await read_spot_prices();
    co_await read_prices();
    price();
  }

 private:
  Awaitable<void> read_instances() {
    aws::InstanceFilter filter;
    for (const auto state : query_.filter.states) {
      if (const auto known = aws::instance_state_from(name_of(state))) filter.states.push_back(*known);
    }
    std::set<std::string> seen;  // what changes between two pages may be on both
    const auto ask = [this, filter](const std::string& token) { return ec2_->instances(filter, token); };
    const auto take = [&](std::vector<aws::ListedInstance> rows) {
      std::size_t more = 0;
      for (auto& row : rows) {
        if (!seen.insert(row.id).second) continue;
        const auto machine = machine_from(row, query_.region);
        if (!matches(query_.filter, machine, tags_from(row), clock_.wall())) continue;
        listed_.push_back(std::move(row));
        ++more;
      }
      if (query_.found) query_.found(more);
    };
    std::string what = listing("DescribeInstances", query_.region);
    auto status = co_await read_pages<aws::ListedInstance>(std::move(what), clock_, out_.skew, ask, take);
    if (!status) out_.error = std::move(status.error());
  }

  // From here on they're in the report, whatever happens to the rest.
  void show_without_cost() {
    for (const auto& instance : listed_) out_.machines.push_back(machine_from(instance, query_.region));
  }

  // A price that isn't known is told with the instance; that it couldn't be asked for is told once.
  void lost(std::string_view permission, const std::string& what, const Error& error) {
    if (error.kind == ErrorKind::refused) missing_.emplace_back(permission);
    else out_.notes.push_back({what + " could not be read: " + error.text(), false});
  }

  Awaitable<void> read_volumes() {
    const bool by_instance = listed_.size() <= k_ask_by_instance;
    const std::size_t step = by_instance ? k_instances_in_filter : listed_.size();
    VolumesByInstance volumes;
    for (std::size_t first = 0; first < listed_.size(); first += step) {
      aws::VolumeFilter filter;
      for (std::size_t i = first; by_instance && i < std::min(first + step, listed_.size()); ++i)
        filter.instances.push_back(listed_[i].id);
      const auto ask = [this, filter](const std::string& token) { return ec2_->volumes(filter, token); };
      const auto take = [&](const std::vector<aws::ListedVolume>& rows) { add_volumes(volumes, rows); };
      std::string what = listing("DescribeVolumes", query_.region);
      auto status = co_await read_pages<aws::ListedVolume>(std::move(what), clock_, out_.skew, ask, take);
      if (!status)
        co_return lost(pricing::k_permission_for_volumes, "the volumes in " + query_.region, status.error());
    }
    volumes_ = std::move(volumes);
  }

  Awaitable<void> read_spot_prices() {
    aws::SpotPriceQuery query;
    query.to = clock_.wall();
    query.from = query.to;
    std::set<std::string> types;
    std::set<std::string> products;
    for (const auto& instance : listed_) {
      const auto product = pricing::spot_product(instance.platform_details);
      if (instance.bought_as != aws::BoughtAs::spot || product.empty()) continue;
      types.insert(instance.type);
      products.insert({product, product + " (Amazon VPC)"});
      query.from = std::min(query.from, instance.launched);
    }
    if (types.empty()) co_return;
    query.products.assign(products.begin(), products.end());
    std::vector<aws::SpotPricePoint> points;
    for (auto type = types.begin(); type != types.end();) {
      query.types.clear();
      for (; type != types.end() && query.types.size() < k_types_at_once; ++type)
        query.types.push_back(*type);
      const auto ask = [this, query](const std::string& token) { return ec2_->spot_prices(query, token); };
      const auto take = [&](std::vector<aws::SpotPricePoint> rows) {
        std::move(rows.begin(), rows.end(), std::back_inserter(points));
      };
      std::string what = listing("DescribeSpotPriceHistory", query_.region);
      auto status = co_await read_pages<aws::SpotPricePoint>(std::move(what), clock_, out_.skew, ask, take);
      if (!status)
        co_return lost(pricing::k_permission_for_spot_prices, "the spot prices in " + query_.region,
                       status.error());
    }
    spot_prices_.emplace(points);
  }

  // On demand, by the cache and the Pricing API; where neither tells it, pricing looks into the built-in list.
  Awaitable<void> read_prices() {
    std::set<pricing::PriceKey> wanted;
    for (const auto& instance : listed_) {
      if (const auto key = pricing::price_key(facts_from(instance, query_.region))) wanted.insert(*key);
    }
    const auto list = reads_.price_list(query_.region);
    bool may_ask = true;
    for (const auto& key : wanted) {
      if (const auto kept = prices_.find(key, clock_.wall())) {
        on_demand_.emplace(key, pricing::OnDemandPrice{kept->per_hour, true, kept->read_at});
        continue;
      }
      if (!may_ask) continue;
      auto filters = pricing::price_filters(key);
      std::string service(pricing::k_ec2_service_code);
      auto products = co_await list->get_products(std::move(service), std::move(filters));
      if (!products) {
        // Asking for the others would take as long, and end alike.
        may_ask = false;
        price_problem_ = products.error().cause;
        if (products.error().kind == ErrorKind::not_found) continue;
        lost(pricing::k_permission_for_prices, "the on-demand prices of " + query_.region, products.error());
        continue;
      }
      const auto price = pricing::on_demand_price(*products, key);
      if (!price) {
        price_problems_.emplace(key, price.error().cause);
        continue;
      }
      const WallTime now = clock_.wall();
      on_demand_.emplace(key, pricing::OnDemandPrice{*price, false, now});
      prices_.put(key, {*price, now});
    }
  }

  void price() {
    for (std::size_t i = 0; i < listed_.size(); ++i) {
      const auto& instance = listed_[i];
      pricing::CostFacts facts;
      facts.instance = facts_from(instance, query_.region);
      set_on_demand_price(facts);
      if (spot_prices_) facts.spot_history = &spot_prices_->of(instance);
      if (volumes_) {
        const auto found = volumes_->find(instance.id);
        facts.volumes =
            found == volumes_->end() ? std::vector<pricing::BilledVolume>{} : std::move(found->second);
      }
      facts.public_ipv4 = instance.public_ipv4s;
      facts.missing_permissions = missing_;
      const auto cost = pricing::instance_cost(facts, clock_.wall());
      out_.machines[i].cost = cost_from(cost);
      out_.missing_permissions.insert(cost.missing_permissions.begin(), cost.missing_permissions.end());
    }
  }

  void set_on_demand_price(pricing::CostFacts& facts) const {
    const auto key = pricing::price_key(facts.instance);
    if (!key) {
      facts.on_demand_problem = key.error().cause;
      return;
    }
    if (const auto found = on_demand_.find(*key); found != on_demand_.end()) facts.on_demand = found->second;
    else if (const auto why = price_problems_.find(*key); why != price_problems_.end())
      facts.on_demand_problem = why->second;
    else facts.on_demand_problem = price_problem_;
  }

  Awaitable<void> read_schedules() {
    const bool wanted = std::any_of(out_.machines.begin(), out_.machines.end(), wants_schedule);
    if (!wanted) co_return;
    const auto scheduler = reads_.scheduler(query_.region);
    std::set<std::string> enabled;
    aws::PageRule rule(listing("ListSchedules", query_.region));
    std::optional<Error> error;
    for (std::string token; !error;) {
      std::string prefix(k_schedule_prefix);
      std::string all_groups;
      auto page = co_await scheduler->schedules(std::move(prefix), std::move(all_groups), token);
      if (!page) {
        error = std::move(page.error());
        break;
      }
      for (const auto& schedule : page->schedules) {
        if (schedule.enabled) enabled.insert(schedule.name);
      }
      const auto next = rule.after(page->next);
      if (!next) error = next.error();
      else if (*next == aws::NextPage::none) break;
      token = std::move(page->next);
    }
    const bool refused = error && error->kind == ErrorKind::refused;
    if (error && !refused)
      out_.notes.push_back(
          {"the schedules in " + query_.region + " could not be read: " + error->text(), true});
    for (auto& machine : out_.machines) {
      if (!wants_schedule(machine)) continue;
      if (error) machine.schedule = refused ? ScheduleState::refused : ScheduleState::failed;
      else if (enabled.contains(std::string(k_schedule_prefix) + machine.id))
        machine.schedule = ScheduleState::armed;
      else machine.schedule = ScheduleState::missing;
    }
  }

  Reads& reads_;
  RegionQuery query_;
  const os::Clock& clock_;
  pricing::PriceCache& prices_;
  RegionFindings& out_;

  std::unique_ptr<aws::Ec2Inventory> ec2_;
  std::vector<aws::ListedInstance> listed_;
  std::optional<VolumesByInstance> volumes_;
  std::optional<SpotHistories> spot_prices_;
  std::map<pricing::PriceKey, pricing::OnDemandPrice> on_demand_;
  std::map<pricing::PriceKey, std::string> price_problems_;  // why the Pricing API told none
  std::string price_problem_;                                // of all that it wasn't asked for any more
  std::vector<std::string> missing_;
};

}  // namespace

Awaitable<void> read_region(Reads& reads, RegionQuery query, const os::Clock& clock,
                            pricing::PriceCache& prices, RegionFindings& out) {
  RegionReader reader(reads, std::move(query), clock, prices, out);
  co_await reader.read();
}

}  // namespace curfew::watch
