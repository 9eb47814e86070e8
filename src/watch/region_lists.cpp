// Instances.
#include "watch/region_lists.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "watch/clock_skew.hpp"
#include "watch/lanes.hpp"
#include "watch/read_pages.hpp"

namespace curfew::watch {
namespace {

// A page that is this full and not the last: the next ones cost a round trip each, and EC2 takes seconds for one.
constexpr std::size_t k_large = 900;
constexpr std::size_t k_most_zones = 200;  // in a filter

class InstancesReader {
 public:
  InstancesReader(aws::Ec2Inventory& ec2, std::string region, aws::InstanceFilter filter,
                  const os::Clock& clock, std::optional<Millis>& skew, TakeInstances take)
      : ec2_(ec2),
        region_(std::move(region)),
        filter_(std::move(filter)),
        clock_(clock),
        skew_(skew),
        take_(std::move(take)) {}

  Awaitable<Status> read() {
    const auto asked = clock_.wall();
    auto first = co_await ec2_.instances(filter_, std::string());
    if (!first) co_return fail(std::move(first.error()));
    if (first->answered) skew_ = worse_skew(skew_, clock_skew(asked, clock_.wall(), *first->answered));
    const bool large = first->rows.size() >= k_large && !first->next.empty();
    if (large) {
      for (const auto& row : first->rows) missing_.insert(row.id);
    }
    take_(std::move(first->rows));
    if (first->next.empty()) co_return Status{};
    if (large) {
      auto by_zone = co_await read_by_zone();
      if (!by_zone || missing_.empty()) co_return std::move(by_zone);
    }
    auto status = co_await walk(filter_, std::move(first->next));
    co_return std::move(status);
  }

 private:
  // Leaves in `missing_` what only the list of the whole region tells.
  Awaitable<Status> read_by_zone() {
    auto zones = co_await ec2_.zones();
    if (!zones || zones->rows.size() > k_most_zones) co_return Status{};
    std::vector<aws::InstanceFilter> parts;
    aws::InstanceFilter small = filter_;  // few run there: together
    for (auto& zone : zones->rows) {
      if (zone.regional) parts.emplace_back(filter_).zones = {std::move(zone.name)};
      else small.zones.push_back(std::move(zone.name));
    }
    if (!small.zones.empty()) parts.push_back(std::move(small));
    std::vector<Awaitable<void>> walks;
    for (auto& part : parts) walks.push_back(walk_part(std::move(part)));
    co_await run_together(std::move(walks));
    co_return std::move(status_);
  }

  Awaitable<void> walk_part(aws::InstanceFilter part) {
    auto status = co_await walk(std::move(part), std::string());
    if (!status) status_ = std::move(status);
  }

  Awaitable<Status> walk(aws::InstanceFilter filter, std::string token) {
    const auto ask = [this, filter](const std::string& next) { return ec2_.instances(filter, next); };
    const auto take = [this](std::vector<aws::ListedInstance> rows) {
      for (const auto& row : rows) missing_.erase(row.id);
      take_(std::move(rows));
    };
    std::string what = listing("DescribeInstances", region_);
    auto status =
        co_await read_pages<aws::ListedInstance>(std::move(what), clock_, skew_, ask, take, std::move(token));
    co_return std::move(status);
  }

  aws::Ec2Inventory& ec2_;
  std::string region_;
  aws::InstanceFilter filter_;
  const os::Clock& clock_;
  std::optional<Millis>& skew_;
  TakeInstances take_;
  std::set<std::string> missing_;  // of the first page, not yet found in a zone
  Status status_;
};

}  // namespace

Awaitable<Status> read_instances_of(aws::Ec2Inventory& ec2, std::string region, aws::InstanceFilter filter,
                                    const os::Clock& clock, std::optional<Millis>& skew, TakeInstances take) {
  InstancesReader reader(ec2, std::move(region), std::move(filter), clock, skew, std::move(take));
  auto status = co_await reader.read();
  co_return std::move(status);
}

}  // namespace curfew::watch
