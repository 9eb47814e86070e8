// Ask everywhere, then ask more about what is there.
#include "watch/find.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "net/within.hpp"
#include "watch/filter.hpp"
#include "watch/lanes.hpp"
#include "watch/listed.hpp"
#include "watch/read_pages.hpp"

namespace curfew::watch {
namespace {

constexpr std::size_t k_regions_at_once = 64;
constexpr std::size_t k_details_at_once = 16;
constexpr const char* k_all_regions = "all regions";

class Finder {
 public:
  Finder(std::vector<AccountReads> accounts, FindPlan plan, const os::Clock& clock)
      : accounts_(std::move(accounts)),
        plan_(std::move(plan)),
        clock_(clock),
        until_(clock.boot() + plan_.limit) {}

  Awaitable<Findings> find() {
    std::vector<Job> choosing;
    for (auto& account : accounts_) choosing.emplace_back([this, &account] { return choose(account); });
    co_await run_all(std::move(choosing), k_regions_at_once);
    std::vector<Job> looking;
    for (const auto& place : places_) looking.emplace_back([this, &place] { return look(place); });
    co_await run_all(std::move(looking), k_regions_at_once);
    std::vector<Job> asking;
    for (auto& [id, found] : found_) asking.emplace_back([this, &found = found] { return ask_more(found); });
    co_await run_all(std::move(asking), k_details_at_once);
    Findings findings;
    for (const auto& id : plan_.ids) {
      const auto at = found_.find(id);
      if (at == found_.end()) findings.missing.push_back(id);
      else findings.found.push_back(std::move(at->second));
    }
    findings.unread = std::move(unread_);
    co_return findings;
  }

 private:
  struct Place {
    const AccountReads* account;
    std::string region;
  };

  [[nodiscard]] Millis left() const { return std::max(until_ - clock_.boot(), Millis{0}); }
  [[nodiscard]] std::string late() const {
    return "no answer within " + format_duration(std::chrono::duration_cast<Seconds>(plan_.limit));
  }
  void lost(const AccountReads& account, std::string region, std::string why) {
    // Of an account whose number isn't known yet, the role says which one is meant.
    if (account.id.empty() && !account.role.empty()) region += ", by " + account.role;
    unread_.push_back({account.id, std::move(region), RegionReading::Outcome::failed, std::move(why)});
  }

  Awaitable<void> choose(AccountReads& account) {
    if (!plan_.only.empty()) {
      for (const auto& region : plan_.only) places_.push_back({&account, region});
      co_return;
    }
    const auto ec2 = account.reads->inventory(plan_.home);
    auto asking = ec2->regions();
    const auto page = co_await net::within(left(), std::move(asking));
    if (!page) co_return lost(account, k_all_regions, late());
    if (!*page) co_return lost(account, k_all_regions, (*page).error().text());
    for (const auto& region : (*page)->rows)
      if (region.opt_in != aws::OptIn::not_opted_in) places_.push_back({&account, region.name});
  }

  Awaitable<void> look(const Place& place) {
    const auto ec2 = place.account->reads->inventory(place.region);
    aws::InstanceFilter filter;
    filter.ids = plan_.ids;
    const auto ask = [&ec2, filter](const std::string& token) { return ec2->instances(filter, token); };
    const auto take = [this, &place](const std::vector<aws::ListedInstance>& rows) {
      for (const auto& row : rows) {
        FoundInstance found;
        found.machine = machine_from(row, place.region);
        found.spot_request = row.spot_request;
        found.reads = place.account->reads;
        found_.emplace(row.id, std::move(found));
      }
    };
    std::optional<Millis> skew;
    std::string what = "DescribeInstances in " + place.region;
    auto reading = read_pages<aws::ListedInstance>(std::move(what), clock_, skew, ask, take);
    const auto status = co_await net::within(left(), std::move(reading));
    if (!status) lost(*place.account, place.region, late());
    else if (!*status) lost(*place.account, place.region, (*status).error().text());
  }

  // What can't be asked stays unknown.
  Awaitable<void> ask_more(FoundInstance& found) {
    const auto inventory = found.reads->inventory(found.machine.region);
    auto asking_protection = inventory->is_termination_protected(found.machine.id);
    const auto is_protected = co_await net::within(left(), std::move(asking_protection));
    if (is_protected && *is_protected) found.machine.protected_from_end = **is_protected;
    const auto ec2 = found.reads->ec2(found.machine.region);
    auto asking_volumes = ec2->volumes(found.machine.id);
    auto volumes = co_await net::within(left(), std::move(asking_volumes));
    if (volumes && *volumes) found.volumes = std::move(**volumes);
    if (found.spot_request.empty()) co_return;
    auto asking_request = inventory->spot_request(found.spot_request);
    const auto request = co_await net::within(left(), std::move(asking_request));
    if (request && *request) found.persistent = (*request)->persistent;
  }

  std::vector<AccountReads> accounts_;
  FindPlan plan_;
  const os::Clock& clock_;
  BootTime until_;
  std::deque<Place> places_;
  std::map<std::string, FoundInstance> found_;
  std::vector<RegionReading> unread_;
};

}  // namespace

Awaitable<Findings> find_instances(std::vector<AccountReads> accounts, FindPlan plan,
                                   const os::Clock& clock) {
  Finder finder(std::move(accounts), std::move(plan), clock);
  co_return co_await finder.find();
}

}  // namespace curfew::watch
