// GetServiceQuota for each; DescribeInstances and DescribeInstanceTypes once for all of them.
#include "cli/launch_quotas.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "aws/ec2_inventory.hpp"
#include "aws/ec2_launch.hpp"
#include "aws/pages.hpp"
#include "aws/service_quotas.hpp"

namespace curfew::cli {
namespace {

constexpr std::size_t k_most_pages = 20;  // 20,000 instances: counting more takes too long for a launch
constexpr std::size_t k_types_a_call = 100;

using Counts = std::map<std::string, std::uint64_t>;  // instances by type
struct Running {
  Counts spot, on_demand;
};

net::Awaitable<Result<Running>> count_running(aws::Session& session, std::string region) {
  const auto inventory = aws::make_ec2_inventory(session, region);
  aws::PageRule rule("DescribeInstances in " + region, k_most_pages);
  std::map<std::string, aws::ListedInstance> all;  // one may be on two pages
  for (std::string token;;) {
    aws::InstanceFilter filter;
    filter.states = {aws::InstanceState::pending, aws::InstanceState::running};
    auto asking = inventory->instances(std::move(filter), token);
    auto page = co_await std::move(asking);
    if (!page) co_return fail(std::move(page.error()));
    for (auto& row : page->rows) {
      auto id = row.id;
      all.insert_or_assign(std::move(id), std::move(row));
    }
    const auto next = rule.after(page->next);
    if (!next) co_return fail(Error{next.error()});
    if (*next == aws::NextPage::none) break;
    token = std::move(page->next);
  }
  Running running;
  for (const auto& [id, instance] : all) {
    // Those on a dedicated host count against the quota of hosts.
    if (instance.tenancy == aws::Tenancy::host) continue;
    if (instance.bought_as == aws::BoughtAs::spot) ++running.spot[instance.type];
    if (instance.bought_as == aws::BoughtAs::on_demand) ++running.on_demand[instance.type];
  }
  co_return running;
}

net::Awaitable<Result<std::map<std::string, std::uint32_t>>> find_vcpus(aws::Session& session,
                                                                        std::string region,
                                                                        std::set<std::string> types) {
  const auto ec2 = aws::make_ec2_launch(session, std::move(region));
  std::map<std::string, std::uint32_t> vcpus;
  while (!types.empty()) {
    std::vector<std::string> some;
    while (!types.empty() && some.size() < k_types_a_call)
      some.push_back(std::move(types.extract(types.begin()).value()));
    auto asking = ec2->types(std::move(some));
    const auto told = co_await std::move(asking);
    if (!told) co_return fail(Error{told.error()});
    for (const auto& info : *told) vcpus[info.name] = info.vcpus;
  }
  co_return vcpus;
}

bool is_counted(const launch::QuotaState& state, const std::string& type) {
  return launch::quota_of(type, state.quota->spot) == state.quota;
}

net::Awaitable<Status> fill_used(aws::Session& session, std::string region,
                                 std::vector<launch::QuotaState>& states) {
  auto counting = count_running(session, region);
  const auto running = co_await std::move(counting);
  if (!running) co_return fail(Error{running.error()});
  std::set<std::string> types;
  for (const auto& state : states)
    for (const auto& [type, count] : state.quota->spot ? running->spot : running->on_demand)
      if (is_counted(state, type)) types.insert(type);
  auto asking = find_vcpus(session, region, std::move(types));
  const auto vcpus = co_await std::move(asking);
  if (!vcpus) co_return fail(Error{vcpus.error()});
  for (auto& state : states) {
    std::uint64_t used = 0;
    for (const auto& [type, count] : state.quota->spot ? running->spot : running->on_demand)
      if (is_counted(state, type)) used += count * vcpus->at(type);
    state.used = used;
  }
  co_return Status{};
}

}  // namespace

net::Awaitable<std::vector<launch::QuotaState>> find_quotas(
    aws::Session& session, std::string region, std::vector<std::pair<std::string, bool>> wanted) {
  std::vector<launch::QuotaState> states;
  for (const auto& [type, spot] : wanted) {
    const auto* const quota = launch::quota_of(type, spot);
    const bool is_known = std::any_of(states.begin(), states.end(),
                                      [quota](const auto& state) { return state.quota == quota; });
    if (quota != nullptr && !is_known) states.push_back({quota, region, {}, {}, {}});
  }
  if (states.empty()) co_return states;
  const auto quotas = aws::make_service_quotas(session, region);
  bool is_any = false;
  for (auto& state : states) {
    auto asking = quotas->ec2_quota(std::string(state.quota->code));
    const auto limit = co_await std::move(asking);
    if (limit) state.limit = *limit;
    else state.why_unknown = limit.error().text();
    is_any = is_any || (limit && *limit > 0);
  }
  if (!is_any) co_return states;  // how many run changes nothing
  auto filling = fill_used(session, region, states);
  const auto filled = co_await std::move(filling);
  if (!filled)
    for (auto& state : states)
      if (state.limit) state.why_unknown = filled.error().text();
  co_return states;
}

}  // namespace curfew::cli
