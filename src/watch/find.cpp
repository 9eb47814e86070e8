// Ask everywhere, then ask more about what is there.
#include "watch/find.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/within.hpp"
#include "watch/ending.hpp"
#include "watch/filter.hpp"
#include "watch/lanes.hpp"
#include "watch/listed.hpp"
#include "watch/read_pages.hpp"

namespace curfew::watch {
namespace asio = boost::asio;
namespace {

constexpr std::size_t k_accounts_at_once = 16;
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
    const auto executor = co_await asio::this_coro::executor;
    all_found_.emplace(executor, asio::steady_timer::time_point::max());
    std::vector<Job> searching;
    for (auto& account : accounts_) searching.emplace_back([this, &account] { return search(account); });
    co_await run_all(std::move(searching), k_accounts_at_once);
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

  // One account whose regions nobody tells holds up no other.
  Awaitable<void> search(AccountReads& account) {
    std::deque<Place> places;
    co_await choose(account, places);
    std::vector<Job> looking;
    for (const auto& place : places) looking.emplace_back([this, &place] { return look(place); });
    co_await run_all(std::move(looking), k_regions_at_once);
  }

  [[nodiscard]] bool is_complete() const { return found_.size() >= plan_.ids.size(); }
  Awaitable<bool> all_found() {
    while (!is_complete()) co_await all_found_->async_wait(asio::as_tuple(asio::use_awaitable));
    co_return true;
  }
  // What `work` gives; nothing where time ran out, or where all are found and it isn't needed.
  template <class T>
  Awaitable<std::optional<T>> until_found(Awaitable<T> work) {
    using namespace asio::experimental::awaitable_operators;
    auto first = co_await (net::within(left(), std::move(work)) || all_found());
    if (first.index() != 0) co_return std::nullopt;
    co_return std::move(std::get<0>(first));
  }

  [[nodiscard]] Millis left() const { return std::max(until_ - clock_.boot(), Millis{0}); }
  [[nodiscard]] std::string late() const {
    return "no answer within " + format_duration(std::chrono::duration_cast<Seconds>(plan_.limit));
  }
  void lost(const AccountReads& account, std::string region, std::string why) {
    // Of an account whose number isn't known yet, the role says which one is meant.
    if (account.id.empty() && !account.role.empty()) region += ", by " + account.role;
    unread_.push_back({account.id, std::move(region), RegionReading::Outcome::failed, std::move(why)});
  }

  Awaitable<void> choose(const AccountReads& account, std::deque<Place>& places) {
    if (!plan_.only.empty()) {
      for (const auto& region : plan_.only) places.push_back({&account, region});
      co_return;
    }
    const auto ec2 = account.reads->inventory(plan_.home);
    auto asking = ec2->regions();
    const auto page = co_await until_found(std::move(asking));
    if (!page && is_complete()) co_return;
    if (!page) co_return lost(account, k_all_regions, late());
    if (!*page) co_return lost(account, k_all_regions, (*page).error().text());
    for (const auto& region : (*page)->rows)
      if (region.opt_in != aws::OptIn::not_opted_in) places.push_back({&account, region.name});
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
        found.role = place.account->role;
        found_.emplace(row.id, std::move(found));
      }
      if (is_complete()) all_found_->cancel();
    };
    std::optional<Millis> skew;
    std::string what = "DescribeInstances in " + place.region;
    auto reading = read_pages<aws::ListedInstance>(std::move(what), clock_, skew, ask, take);
    const auto status = co_await until_found(std::move(reading));
    if (!status && is_complete()) co_return;
    if (!status) lost(*place.account, place.region, late());
    else if (!*status) lost(*place.account, place.region, (*status).error().text());
  }

  // What can't be asked stays unknown, and one question that hangs holds up no other.
  Awaitable<void> ask_more(FoundInstance& found) {
    std::vector<Awaitable<void>> questions;
    questions.push_back(ask_protection(found));
    questions.push_back(ask_volumes(found));
    if (!found.spot_request.empty()) questions.push_back(ask_request(found));
    co_await run_together(std::move(questions));
  }
  Awaitable<void> ask_protection(FoundInstance& found) {
    const auto inventory = found.reads->inventory(found.machine.region);
    auto asking = inventory->is_termination_protected(found.machine.id);
    const auto is_protected = co_await net::within(plan_.ask_limit, std::move(asking));
    if (is_protected && *is_protected) found.machine.protected_from_end = **is_protected;
  }
  Awaitable<void> ask_volumes(FoundInstance& found) {
    const auto ec2 = found.reads->ec2(found.machine.region);
    auto asking = ec2->volumes(found.machine.id);
    auto volumes = co_await net::within(plan_.ask_limit, std::move(asking));
    if (volumes && *volumes) found.volumes = std::move(**volumes);
  }
  Awaitable<void> ask_request(FoundInstance& found) {
    const auto inventory = found.reads->inventory(found.machine.region);
    auto asking = inventory->spot_request(found.spot_request);
    const auto request = co_await net::within(plan_.ask_limit, std::move(asking));
    if (request && *request) found.persistent = (*request)->persistent && !is_over((*request)->state);
  }

  std::vector<AccountReads> accounts_;
  FindPlan plan_;
  const os::Clock& clock_;
  BootTime until_;
  std::optional<asio::steady_timer> all_found_;  // cancelled when they are
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
