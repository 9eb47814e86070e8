// Accounts, their regions, and what the report says of each.
#include "watch/collect.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include <boost/asio/this_coro.hpp>

#include "aws/core/call.hpp"
#include "net/within.hpp"
#include "watch/lanes.hpp"
#include "watch/region.hpp"

namespace curfew::watch {
namespace {

constexpr std::size_t k_at_once = 64;  // regions, of all accounts
constexpr int k_part_for_caller = 3;   // of the own account's limit: its id is of use, but not needed

std::string late(Millis limit) {
  return "not read within " + format_duration(std::chrono::duration_cast<Seconds>(limit));
}

std::string all_regions(const AccountReads& account) {
  return account.role.empty() || !account.id.empty() ? "all regions" : "all regions, by " + account.role;
}

// A region of an account, and what came of it.
struct Reading {
  const AccountReads* account;
  std::string region;
  RegionFindings findings;
};

class Collector {
 public:
  Collector(std::vector<AccountReads> accounts, CollectPlan plan, const os::Clock& clock,
            pricing::PriceCache& prices, std::function<void(const Progress&)> progress)
      : accounts_(std::move(accounts)),
        plan_(std::move(plan)),
        clock_(clock),
        prices_(prices),
        show_(std::move(progress)),
        until_(clock.boot() + plan_.limit) {}

  Awaitable<Report> collect() {
    report_.at = clock_.wall();
    report_.thresholds = plan_.thresholds;
    report_.filters = describe(plan_.filter);
    lanes_.emplace(co_await boost::asio::this_coro::executor, k_at_once);
    for (auto& account : accounts_) lanes_->add([this, &account] { return find_regions(account); });
    auto ended = lanes_->ended();
    co_await std::move(ended);

    for (const auto& account : accounts_) {
      for (auto& each : readings_)
        if (each.account == &account) take(each);
    }
    tell_of_nothing();
    for (const auto& [permission, regions] : missing_permissions_)
      report_.notes.push_back(
          {"no permission for " + permission + " (" + regions + "): costs are less exact", false});
    if (!unlisted_.empty())
      report_.notes.push_back({"no permission for scheduler:ListSchedules (" + unlisted_ +
                                   "): whether a deadline has its schedule isn't known",
                               false});
    co_return std::move(report_);
  }

 private:
  // Of a region, or of an account's list of regions, that begins now.
  [[nodiscard]] Millis limit() const {
    const auto left = std::max(until_ - clock_.boot(), Millis{0});
    return std::min(left, limit_of_one(plan_.limit));
  }
  void show() const {
    if (show_) show_(progress_);
  }

  void failed(const AccountReads& account, std::string region, std::string error) {
    report_.regions.push_back(
        {account.id, std::move(region), RegionReading::Outcome::failed, std::move(error)});
  }

  // A region may be left out; where none is read, "no instances" would be a lie.
  void tell_of_nothing() {
    using Outcome = RegionReading::Outcome;
    std::map<std::string, std::set<Outcome>> outcomes;
    std::set<Outcome> all;
    for (const auto& region : report_.regions) {
      outcomes[region.account].insert(region.outcome);
      all.insert(region.outcome);
    }
    for (const auto& [account, of_it] : outcomes)
      if (of_it.contains(Outcome::denied) && !of_it.contains(Outcome::read) &&
          !of_it.contains(Outcome::failed))
        report_.notes.push_back(
            {"nothing of " + (account.empty() ? "an account whose id isn't known" : "account " + account) +
                 " was read: each of its regions is denied or left out",
             true});
    if (!all.contains(Outcome::read) && !is_unread(report_))
      report_.notes.push_back({"no region was read: name one by --region, or leave out fewer", true});
  }

  // Where an account is reached by two ways, it's read by the one that leads there first.
  bool is_read_already(const AccountReads& account) {
    if (account.id.empty() || ids_.insert(account.id).second) return false;
    const auto way =
        account.role.empty() ? std::string("the caller's own credentials lead") : account.role + " leads";
    report_.notes.push_back({"account " + account.id + " is read once: " + way + " to it as well", false});
    return true;
  }

  // Its regions begin as soon as they're known, whatever other accounts do.
  Awaitable<void> find_regions(AccountReads& account) {
    if (account.id.empty()) {
      const bool own = account.role.empty();
      const auto most = own ? limit() / k_part_for_caller : limit();
      auto asking = account.reads->caller();
      auto caller = co_await net::within(most, std::move(asking));
      if (caller && *caller) account.id = std::move((**caller).account);
      // Nothing can be read with credentials that AWS doesn't take, and those of a role come from where ids do.
      else if (!own || (caller && (*caller).error().kind == ErrorKind::refused))
        co_return failed(account, all_regions(account), caller ? (*caller).error().text() : late(most));
    }
    if (is_read_already(account)) co_return;
    if (!account.id.empty()) report_.accounts.push_back({account.id, account.role});
    std::vector<std::string> enabled;
    if (account.enabled) {
      enabled = std::move(*account.enabled);
    } else if (plan_.only.empty()) {
      const auto left = limit();
      const auto ec2 = account.reads->inventory(plan_.home);
      auto asking = ec2->regions();
      auto page = co_await net::within(left, std::move(asking));
      if (!page) co_return failed(account, all_regions(account), late(left));
      if (!*page) co_return failed(account, all_regions(account), (*page).error().text());
      enabled = enabled_regions((*page)->rows);
    }
    auto chosen = choose_regions(enabled, plan_.only, plan_.except);
    if (!chosen) co_return failed(account, all_regions(account), chosen.error().text());
    for (auto& region : chosen->ignored)
      report_.regions.push_back({account.id, std::move(region), RegionReading::Outcome::ignored, {}});
    progress_.regions += chosen->to_read.size();
    show();
    for (auto& region : chosen->to_read) {
      auto& reading = readings_.emplace_back(Reading{&account, std::move(region), {}});
      lanes_->add([this, &reading] { return read(reading); });
    }
  }

  Awaitable<void> read(Reading& reading) {
    RegionQuery query{reading.region,
                      plan_.filter,
                      report_.at,
                      limit(),
                      [this](std::size_t more) {
                        progress_.instances += more;
                        show();
                      },
                      plan_.most_instances};
    auto reading_it =
        read_region(*reading.account->reads, std::move(query), clock_, prices_, reading.findings);
    co_await std::move(reading_it);
    ++progress_.regions_read;
    show();
  }

  [[nodiscard]] bool is_denied(const Error& error) const {
    return plan_.allow_denied && aws::is_denied(error) &&
           error.text().find("explicit deny") != std::string::npos;
  }

  void take(Reading& reading) {
    auto& [account, region, findings] = reading;
    RegionReading said{account->id, region, RegionReading::Outcome::read, {}, findings.skew};
    if (findings.error) {
      said.outcome =
          is_denied(*findings.error) ? RegionReading::Outcome::denied : RegionReading::Outcome::failed;
      said.error = findings.error->text();
    }
    report_.regions.push_back(std::move(said));
    for (auto& machines = findings.machines; !machines.empty(); machines.pop_front()) {
      // Of one whose id nobody told, its instances do.
      const bool twice = account->id.empty() && ids_.contains(machines.front().account);
      if (!twice) report_.machines.push_back(std::move(machines.front()));
    }
    for (auto& note : findings.notes) report_.notes.push_back(std::move(note));
    if (findings.unlisted_schedules) unlisted_ += (unlisted_.empty() ? "" : ", ") + region;
    for (const auto& permission : findings.missing_permissions) {
      auto& regions = missing_permissions_[permission];
      regions += (regions.empty() ? "" : ", ") + region;
    }
    findings = {};
  }

  std::vector<AccountReads> accounts_;
  CollectPlan plan_;
  const os::Clock& clock_;
  pricing::PriceCache& prices_;
  std::function<void(const Progress&)> show_;
  BootTime until_;
  Progress progress_;
  std::optional<Lanes> lanes_;
  std::set<std::string> ids_;  // of the accounts that are read
  std::deque<Reading> readings_;
  std::map<std::string, std::string> missing_permissions_;  // and the regions in which
  std::string unlisted_;                                    // regions whose schedules may not be listed
  Report report_;
};

}  // namespace

Millis limit_of_one(Millis total) { return total * 3 / 4; }

std::vector<std::string> enabled_regions(const std::vector<aws::ListedRegion>& regions) {
  std::vector<std::string> names;
  for (const auto& region : regions)
    if (region.opt_in != aws::OptIn::not_opted_in) names.push_back(region.name);
  return names;
}

Awaitable<Report> collect(std::vector<AccountReads> accounts, CollectPlan plan, const os::Clock& clock,
                          pricing::PriceCache& prices, std::function<void(const Progress&)> progress) {
  Collector collector(std::move(accounts), std::move(plan), clock, prices, std::move(progress));
  co_return co_await collector.collect();
}

}  // namespace curfew::watch
