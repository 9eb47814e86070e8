// Accounts, their regions, and what the report says of each.
#include "watch/collect.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "net/within.hpp"
#include "watch/lanes.hpp"
#include "watch/region.hpp"

namespace curfew::watch {
namespace {

constexpr std::size_t k_regions_at_once = 64;  // of all accounts
constexpr const char* k_all_regions = "all regions";

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
    std::vector<Job> finding;
    for (auto& account : accounts_) finding.emplace_back([this, &account] { return find_regions(account); });
    co_await run_all(std::move(finding), k_regions_at_once);

    progress_.regions = readings_.size();
    show();
    std::vector<Job> reading;
    for (auto& each : readings_) reading.emplace_back([this, &each] { return read(each); });
    co_await run_all(std::move(reading), k_regions_at_once);

    for (auto& each : readings_) take(each);
    for (const auto& [permission, regions] : missing_permissions_)
      report_.notes.push_back(
          {"no permission for " + permission + " (" + regions + "): costs are less exact", false});
    co_return std::move(report_);
  }

 private:
  [[nodiscard]] Millis left() const { return std::max(until_ - clock_.boot(), Millis{0}); }
  [[nodiscard]] std::string late() const {
    return "not read within " + format_duration(std::chrono::duration_cast<Seconds>(plan_.limit));
  }
  void show() const {
    if (show_) show_(progress_);
  }

  void failed(const AccountReads& account, std::string region, std::string error) {
    report_.regions.push_back(
        {account.id, std::move(region), RegionReading::Outcome::failed, std::move(error)});
  }

  Awaitable<void> find_regions(AccountReads& account) {
    if (account.id.empty()) {
      auto asking = account.reads->caller();
      auto id = co_await net::within(left(), std::move(asking));
      if (id && *id) account.id = std::move((**id).account);
      // Nothing of it can be read with credentials that AWS doesn't take.
      else if (id && (*id).error().kind == ErrorKind::refused)
        co_return failed(account, account.role.empty() ? k_all_regions : "all regions, by " + account.role,
                         (*id).error().text());
    }
    if (!account.id.empty()) report_.accounts.push_back({account.id, account.role});
    std::vector<std::string> enabled;
    if (account.enabled) {
      enabled = std::move(*account.enabled);
    } else if (plan_.only.empty()) {
      const auto ec2 = account.reads->inventory(plan_.home);
      auto asking = ec2->regions();
      auto page = co_await net::within(left(), std::move(asking));
      if (!page) co_return failed(account, k_all_regions, late());
      if (!*page) co_return failed(account, k_all_regions, (*page).error().text());
      enabled = enabled_regions((*page)->rows);
    }
    auto chosen = choose_regions(enabled, plan_.only, plan_.except);
    if (!chosen) co_return failed(account, k_all_regions, chosen.error().text());
    for (auto& region : chosen->ignored)
      report_.regions.push_back({account.id, std::move(region), RegionReading::Outcome::ignored, {}});
    for (auto& region : chosen->to_read) readings_.push_back({&account, std::move(region), {}});
  }

  Awaitable<void> read(Reading& reading) {
    RegionQuery query{reading.region, plan_.filter, [this](std::size_t more) {
                        progress_.instances += more;
                        show();
                      }};
    auto work = [](Reads& reads, RegionQuery what, const os::Clock& clock, pricing::PriceCache& prices,
                   RegionFindings& out) -> Awaitable<bool> {
      co_await read_region(reads, std::move(what), clock, prices, out);
      co_return true;
    };
    auto reading_it = work(*reading.account->reads, std::move(query), clock_, prices_, reading.findings);
    const auto in_time = co_await net::within(left(), std::move(reading_it));
    if (!in_time && !reading.findings.error)
      reading.findings.error = Error{ErrorKind::timed_out, "read " + reading.region, late(), "", {}};
    ++progress_.regions_read;
    show();
  }

  [[nodiscard]] bool is_denied(const Error& error) const {
    return plan_.allow_denied && error.kind == ErrorKind::refused &&
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
    for (auto& machines = findings.machines; !machines.empty(); machines.pop_front())
      report_.machines.push_back(std::move(machines.front()));
    for (auto& note : findings.notes) report_.notes.push_back(std::move(note));
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
  std::deque<Reading> readings_;
  std::map<std::string, std::string> missing_permissions_;  // and the regions in which
  Report report_;
};

}  // namespace

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
