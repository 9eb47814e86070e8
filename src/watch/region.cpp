// Lists of one region: the instances, then all that is asked about them at once.
#include "watch/region.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "aws/core/call.hpp"
#include "aws/pages.hpp"
#include "net/within.hpp"
#include "pricing/instance_cost.hpp"
#include "pricing/price_query.hpp"
#include "pricing/spot.hpp"
#include "watch/lanes.hpp"
#include "watch/listed.hpp"
#include "watch/read_pages.hpp"

namespace curfew::watch {
namespace {

constexpr std::size_t k_instances_in_filter = 200;  // as EC2 takes them
constexpr std::size_t k_ask_by_instance = 1'000;    // beyond it the volumes of its zones are read as a whole
constexpr std::size_t k_most_spot_prices =
    500'000;  // of a region; three months of a type in a zone are some hundreds
constexpr std::size_t k_types_at_once = 100;  // as EC2 takes them
constexpr std::string_view k_schedule_prefix = "curfew-";
// A first page so full that isn't the last: what follows is worth reading in parts.
constexpr std::size_t k_large_page = 500;
constexpr std::array k_id_ends{"0123", "4567", "89ab", "cdef"};

// Of the instances of a kind, what their costs are made of, and its price.
struct Priced {
  pricing::CostFacts facts;
  std::optional<pricing::PriceKey> key;
};
using Kinds = std::map<Kind, Priced>;

// Beside the machine that it's about.
struct Bought {
  Kinds::value_type* kind;
  std::optional<WallTime> ended;
  std::uint32_t public_ipv4s;
};

struct AttachedVolume {
  std::size_t machine;
  const pricing::Volume* volume;
  WallTime created;
  std::size_t id;  // its hash: of one machine's volumes, the same one only on two pages
};

class RegionReader {
 public:
  RegionReader(Reads& reads, RegionQuery query, const os::Clock& clock, pricing::PriceCache& prices,
               RegionFindings& out)
      : reads_(reads),
        query_(std::move(query)),
        clock_(clock),
        prices_(prices),
        out_(out),
        until_(clock.boot() + query_.limit) {}

  Awaitable<void> read() {
    ec2_ = reads_.inventory(query_.region);
    auto asking = read_instances();
    const bool listed = co_await in_time(std::move(asking));
    if (!listed) out_.error = late("DescribeInstances");
    if (out_.machines.empty()) co_return;
    look_up_prices();
    if (listed) {
      std::vector<Awaitable<void>> about_them;
      about_them.push_back(read_schedules());
      about_them.push_back(read_volumes());
      about_them.push_back(read_spot_prices());
      about_them.push_back(read_prices());
      co_await run_together(std::move(about_them));
    }
    price();
  }

 private:
  // Whether it has ended within what is left.
  Awaitable<bool> in_time(Awaitable<void> work) {
    auto flagged = [](Awaitable<void> doing) -> Awaitable<bool> {
      co_await std::move(doing);
      co_return true;
    };
    auto doing = flagged(std::move(work));
    const auto left = std::max(until_ - clock_.boot(), Millis{0});
    const auto ended = co_await net::within(left, std::move(doing));
    co_return ended.has_value();
  }
  [[nodiscard]] Error late(const char* call) const {
    return {ErrorKind::timed_out,
            listing(call, query_.region),
            "not read within " + format_duration(std::chrono::duration_cast<Seconds>(query_.limit)),
            "",
            {}};
  }

  Awaitable<void> read_instances() {
    aws::InstanceFilter filter;
    for (const auto state : query_.filter.states) {
      if (const auto known = aws::instance_state_from(name_of(state))) filter.states.push_back(*known);
    }
    const auto what = listing("DescribeInstances", query_.region);
    const auto ask = [this, filter](const std::string& token) { return ec2_->instances(filter, token); };
    aws::PageRule rule(what);
    bool is_first = true;
    for (std::string token;; is_first = false) {
      auto asking = read_page<aws::ListedInstance>(clock_, out_.skew, ask, std::move(token));
      auto page = co_await std::move(asking);
      if (!page) co_return failed(std::move(page.error()));
      if (auto added = add(page->rows); !added) co_return failed(std::move(added.error()));
      const auto next = rule.after(page->next);
      if (!next) co_return failed(Error{next.error()});
      if (*next == aws::NextPage::none) co_return;
      if (is_first && page->rows.size() >= k_large_page) {
        auto reading = read_parts(filter, page->rows);
        const bool whole = co_await std::move(reading);
        if (whole || out_.error) co_return;
      }
      token = std::move(page->next);
    }
  }

  void failed(Error error) {
    if (!out_.error) out_.error = std::move(error);
  }

  // The rest of a large region, in parts at once. Whole where each part was read to its end and all of them together have
  // shown again what stood on the region's own first page: a server that doesn't part the list so is read page after page,
  // and so is one on which an instance of that page has gone meanwhile.
  Awaitable<bool> read_parts(const aws::InstanceFilter& filter,
                             const std::vector<aws::ListedInstance>& first) {
    std::set<std::string, std::less<>> unseen;
    for (const auto& row : first) unseen.insert(row.id);
    bool all_read = true;
    std::vector<Awaitable<void>> parts;
    for (const auto* const ends : k_id_ends) {
      auto part = filter;
      part.id_ends = ends;
      parts.push_back(read_part(std::move(part), unseen, all_read));
    }
    auto reading = run_together(std::move(parts));
    co_await std::move(reading);
    co_return all_read&& unseen.empty();
  }

  Awaitable<void> read_part(aws::InstanceFilter filter, std::set<std::string, std::less<>>& unseen,
                            bool& all_read) {
    const auto ask = [this, filter](const std::string& token) { return ec2_->instances(filter, token); };
    const auto take = [this, &unseen](const std::vector<aws::ListedInstance>& rows) {
      for (const auto& row : rows) unseen.erase(row.id);
      auto added = add(rows);
      if (!added) failed(Error{added.error()});
      return added;
    };
    std::string what = listing("DescribeInstances", query_.region);
    const auto status =
        co_await read_pages<aws::ListedInstance>(std::move(what), clock_, out_.skew, ask, take);
    if (!status) all_read = false;
  }

  // From here on they're in the report, whatever happens to the rest.
  Status add(const std::vector<aws::ListedInstance>& rows) {
    Status status;
    const auto before = out_.machines.size();
    for (const auto& row : rows) {
      if (by_id_.contains(row.id)) continue;  // what changes between two pages may be on both
      auto machine = machine_from(row, query_.region);
      if (!matches(query_.filter, machine, tags_from(row), query_.at)) continue;
      if (out_.machines.size() == query_.most) {
        status = fail(ErrorKind::unavailable, listing("DescribeInstances", query_.region),
                      "has more than " + std::to_string(query_.most) + " instances: only these are shown");
        break;
      }
      out_.machines.push_back(std::move(machine));
      by_id_.emplace(out_.machines.back().id, out_.machines.size() - 1);
      const auto [kind, fresh] = kinds_.try_emplace(kind_from(row));
      if (fresh) kind->second.facts.instance = facts_from(kind->first, query_.region);
      bought_.push_back({&*kind, pricing::transition_time(row.reason), row.public_ipv4s});
    }
    if (query_.found) query_.found(out_.machines.size() - before);
    return status;
  }

  // A price that isn't known is told with the instance; that it couldn't be asked for is told once.
  void lost(std::string_view permission, const std::string& what, const Error& error, bool unread = false) {
    if (aws::is_denied(error)) missing_.emplace_back(permission);
    else out_.notes.push_back({what + " could not be read: " + error.text(), unread});
  }

  Awaitable<void> read_volumes() {
    std::vector<aws::VolumeFilter> filters;
    if (const auto& machines = out_.machines; machines.size() <= k_ask_by_instance) {
      for (std::size_t at = 0; at < machines.size(); ++at) {
        if (at % k_instances_in_filter == 0) filters.emplace_back();
        filters.back().instances.push_back(machines[at].id);
      }
    } else {  // a volume is in its instance's zone
      std::set<std::string> zones;
      for (const auto& [kind, priced] : kinds_) zones.insert(kind.zone);
      for (const auto& zone : zones) filters.emplace_back().zone = zone;
    }
    std::optional<Error> error;
    std::vector<Awaitable<void>> lists;
    for (auto& filter : filters) lists.push_back(read_volumes_of(std::move(filter), error));
    auto asking = run_together(std::move(lists));
    const bool all = co_await in_time(std::move(asking));
    if (!all && !error) error = late("DescribeVolumes");
    // A terabyte that isn't counted may be what needs attention.
    if (error)
      co_return lost(pricing::k_permission_for_volumes, "the volumes in " + query_.region, *error, true);
    const auto key = [](const auto& volume) { return std::pair(volume.machine, volume.id); };
    std::sort(volumes_.begin(), volumes_.end(),
              [&](const auto& a, const auto& b) { return key(a) < key(b); });
    volumes_.erase(std::unique(volumes_.begin(), volumes_.end(),
                               [&](const auto& a, const auto& b) { return key(a) == key(b); }),
                   volumes_.end());
    volumes_read_ = true;
  }

  Awaitable<void> read_volumes_of(aws::VolumeFilter filter, std::optional<Error>& error) {
    const auto ask = [this, filter](const std::string& token) { return ec2_->volumes(filter, token); };
    const auto take = [this](const std::vector<aws::ListedVolume>& rows) {
      for (const auto& row : rows) {
        for (const auto& attachment : row.attachments) {
          const auto machine = by_id_.find(attachment.instance);
          if (machine == by_id_.end()) continue;
          const auto kind =
              volume_kinds_.emplace(std::tuple(row.type, row.gib, row.iops, row.throughput),
                                    pricing::Volume{row.type, row.gib, row.iops, row.throughput});
          // Attached to several instances (Multi-Attach) it's billed once: with the first of them.
          if (row.attachments.size() > 1 && !shared_volumes_.insert(row.id).second) break;
          volumes_.push_back(
              {machine->second, &kind.first->second, row.created, std::hash<std::string>{}(row.id)});
        }
      }
    };
    std::string what = listing("DescribeVolumes", query_.region);
    auto status = co_await read_pages<aws::ListedVolume>(std::move(what), clock_, out_.skew, ask, take);
    if (!status) error = std::move(status.error());
  }

  Awaitable<void> read_spot_prices() {
    aws::SpotPriceQuery query;
    query.to = query_.at;
    query.from = query.to;
    std::set<std::string> types;
    std::set<std::string> products;
    for (std::size_t at = 0; at < bought_.size(); ++at) {
      const auto& kind = bought_[at].kind->first;
      if (kind.bought_as != aws::BoughtAs::spot) continue;
      const auto product = pricing::spot_product(kind.platform_details);
      if (product.empty()) continue;
      types.insert(kind.type);
      zones_.insert(kind.zone);
      products.insert({product, product + " (Amazon VPC)"});
      query.from = std::min(query.from, out_.machines[at].launched);
    }
    if (types.empty()) co_return;
    query.products.assign(products.begin(), products.end());
    std::vector<aws::SpotPricePoint> points;
    std::optional<Error> error;
    auto asking = read_spot_prices_of(types, std::move(query), points, error);
    const bool all = co_await in_time(std::move(asking));
    if (!all && !error) error = late("DescribeSpotPriceHistory");
    if (error)
      co_return lost(pricing::k_permission_for_spot_prices, "the spot prices in " + query_.region, *error);
    spot_prices_.emplace(points);
  }

  Awaitable<void> read_spot_prices_of(const std::set<std::string>& types, aws::SpotPriceQuery query,
                                      std::vector<aws::SpotPricePoint>& points, std::optional<Error>& error) {
    for (auto type = types.begin(); type != types.end();) {
      query.types.clear();
      for (; type != types.end() && query.types.size() < k_types_at_once; ++type)
        query.types.push_back(*type);
      const auto ask = [this, query](const std::string& token) { return ec2_->spot_prices(query, token); };
      std::string what = listing("DescribeSpotPriceHistory", query_.region);
      const auto take = [this, &points, &what](std::vector<aws::SpotPricePoint> rows) -> Status {
        for (auto& row : rows) {
          if (!zones_.contains(row.zone)) continue;
          if (points.size() == k_most_spot_prices)
            return fail(ErrorKind::unavailable, what,
                        "has more than " + std::to_string(k_most_spot_prices) + " prices");
          points.push_back(std::move(row));
        }
        return {};
      };
      auto status = co_await read_pages<aws::SpotPricePoint>(what, clock_, out_.skew, ask, take);
      if (status) continue;
      error = std::move(status.error());
      co_return;
    }
  }

  // On demand, by the cache and the Pricing API; where neither tells it, pricing looks into the built-in list.
  void look_up_prices() {
    for (auto& [kind, priced] : kinds_) {
      auto key = pricing::price_key(priced.facts.instance);
      if (!key) {
        priced.facts.on_demand_problem = std::move(key.error().cause);
        continue;
      }
      priced.key = std::move(*key);
      if (const auto kept = prices_.find(*priced.key, clock_.wall()))
        on_demand_.emplace(*priced.key, pricing::OnDemandPrice{kept->per_hour, true, kept->read_at});
      else prices_to_ask_.insert(*priced.key);
    }
  }

  Awaitable<void> read_prices() {
    if (prices_to_ask_.empty()) co_return;
    auto asking = ask_prices();
    const bool all = co_await in_time(std::move(asking));
    if (all) co_return;
    const auto error = late("GetProducts");
    price_problem_ = error.cause;
    lost(pricing::k_permission_for_prices, "the on-demand prices of " + query_.region, error);
  }

  Awaitable<void> ask_prices() {
    const auto list = reads_.price_list(query_.region);
    for (const auto& key : prices_to_ask_) {
      auto filters = pricing::price_filters(key);
      std::string service(pricing::k_ec2_service_code);
      auto products = co_await list->get_products(std::move(service), std::move(filters));
      if (!products) {
        // Asking for the others would take as long, and end alike.
        price_problem_ = products.error().cause;
        if (products.error().kind != ErrorKind::not_found)
          lost(pricing::k_permission_for_prices, "the on-demand prices of " + query_.region,
               products.error());
        co_return;
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
    for (auto& [kind, priced] : kinds_) {
      set_on_demand_price(priced);
      priced.facts.missing_permissions = missing_;
      if (spot_prices_) priced.facts.spot_history = &spot_prices_->of(kind);
    }
    auto volume = volumes_.begin();
    for (std::size_t at = 0; at < bought_.size(); ++at) {
      auto& machine = out_.machines[at];
      auto& facts = bought_[at].kind->second.facts;
      facts.instance.state = name_of(machine.state);
      facts.instance.launched = machine.launched;
      facts.instance.ended = bought_[at].ended;
      facts.public_ipv4 = bought_[at].public_ipv4s;
      if (volumes_read_) {
        facts.volumes.emplace();
        for (; volume != volumes_.end() && volume->machine == at; ++volume)
          facts.volumes->push_back({*volume->volume, volume->created});
      }
      const auto cost = pricing::instance_cost(facts, query_.at);
      machine.cost = cost_from(cost);
      machine.cost.notes = shared_notes(cost.notes);
      out_.missing_permissions.insert(cost.missing_permissions.begin(), cost.missing_permissions.end());
    }
  }

  std::shared_ptr<const std::vector<std::string>> shared_notes(const std::vector<std::string>& notes) {
    if (notes.empty()) return nullptr;
    auto& kept = notes_[notes];
    if (!kept) kept = std::make_shared<const std::vector<std::string>>(notes);
    return kept;
  }

  void set_on_demand_price(Priced& priced) const {
    if (!priced.key) return;
    if (const auto found = on_demand_.find(*priced.key); found != on_demand_.end())
      priced.facts.on_demand = found->second;
    else if (const auto why = price_problems_.find(*priced.key); why != price_problems_.end())
      priced.facts.on_demand_problem = why->second;
    else priced.facts.on_demand_problem = price_problem_;
  }

  Awaitable<void> read_schedules() {
    const bool wanted = std::any_of(out_.machines.begin(), out_.machines.end(), wants_schedule);
    if (!wanted) co_return;
    std::set<std::string> enabled;
    std::optional<Error> error;
    auto asking = list_schedules(enabled, error);
    const bool all = co_await in_time(std::move(asking));
    if (!all && !error) error = late("ListSchedules");
    const bool refused = error && aws::is_denied(*error);
    if (error && !refused)
      out_.notes.push_back(
          {"the schedules in " + query_.region + " could not be read: " + error->text(), true});
    if (refused) out_.unlisted_schedules = true;
    for (auto& machine : out_.machines) {
      if (!wants_schedule(machine)) continue;
      if (error) machine.schedule = refused ? ScheduleState::refused : ScheduleState::failed;
      else if (enabled.contains(std::string(k_schedule_prefix) + machine.id))
        machine.schedule = ScheduleState::armed;
      else machine.schedule = ScheduleState::missing;
    }
  }

  Awaitable<void> list_schedules(std::set<std::string>& enabled, std::optional<Error>& error) {
    const auto scheduler = reads_.scheduler(query_.region);
    aws::PageRule rule(listing("ListSchedules", query_.region));
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
  }

  Reads& reads_;
  RegionQuery query_;
  const os::Clock& clock_;
  pricing::PriceCache& prices_;
  RegionFindings& out_;
  BootTime until_;

  std::unique_ptr<aws::Ec2Inventory> ec2_;
  Kinds kinds_;
  std::vector<Bought> bought_;                               // of each machine
  std::unordered_map<std::string_view, std::size_t> by_id_;  // the machines
  std::map<std::tuple<std::string, std::uint64_t, std::optional<std::uint64_t>, std::optional<std::uint64_t>>,
           pricing::Volume>
      volume_kinds_;
  std::vector<AttachedVolume> volumes_;
  std::set<std::string> shared_volumes_;
  bool volumes_read_ = false;
  std::optional<SpotHistories> spot_prices_;
  std::set<std::string, std::less<>> zones_;  // in which spot instances are
  std::map<pricing::PriceKey, pricing::OnDemandPrice> on_demand_;
  std::set<pricing::PriceKey> prices_to_ask_;
  std::map<pricing::PriceKey, std::string> price_problems_;  // why the Pricing API told none
  std::string price_problem_;                                // of all that it wasn't asked for any more
  std::vector<std::string> missing_;
  std::map<std::vector<std::string>, std::shared_ptr<const std::vector<std::string>>> notes_;  // of costs
};

}  // namespace

Awaitable<void> read_region(Reads& reads, RegionQuery query, const os::Clock& clock,
                            pricing::PriceCache& prices, RegionFindings& out) {
  RegionReader reader(reads, std::move(query), clock, prices, out);
  co_await reader.read();
}

}  // namespace curfew::watch
