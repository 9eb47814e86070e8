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
#include "watch/tags.hpp"

namespace curfew::watch {
namespace asio = boost::asio;
namespace {

constexpr std::size_t k_accounts_at_once = 16;
constexpr std::size_t k_regions_at_once = 64;
constexpr std::size_t k_details_at_once = 16;
constexpr const char* k_all_regions = "all regions";
constexpr const char* k_job_tag = "curfew:job";
constexpr const char* k_launch_tag = "curfew:launch";

bool is_there(aws::InstanceState state) {
  return state != aws::InstanceState::shutting_down && state != aws::InstanceState::terminated;
}

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
    for (const auto& name : plan_.names) std::sort(by_name_[name].begin(), by_name_[name].end());
    for (auto& [id, found] : found_) asking.emplace_back([this, &found = found] { return ask_more(found); });
    co_await run_all(std::move(asking), k_details_at_once);
    co_return sorted();
  }

 private:
  struct Place {
    const AccountReads* account;
    std::string region;
  };

  Findings sorted() {
    Findings findings;
    auto wanted = plan_.ids;
    for (const auto& name : plan_.names) {
      const auto& ids = by_name_[name];
      if (ids.size() > 1) {
        auto& matches = findings.several.emplace_back(NameMatches{name, {}});
        for (const auto& id : ids) matches.machines.push_back(found_.at(id).machine);
      } else if (ids.empty()) findings.missing.push_back(name);
      else if (std::find(wanted.begin(), wanted.end(), ids.front()) == wanted.end())
        wanted.push_back(ids.front());
    }
    for (const auto& id : wanted) {
      const auto at = found_.find(id);
      if (at == found_.end()) findings.missing.push_back(id);
      else findings.found.push_back(std::move(at->second));
    }
    findings.unread = std::move(unread_);
    return findings;
  }

  // One account whose regions nobody tells holds up no other.
  Awaitable<void> search(AccountReads& account) {
    std::deque<Place> places;
    co_await choose(account, places);
    std::vector<Job> looking;
    for (const auto& place : places) looking.emplace_back([this, &place] { return look(place); });
    co_await run_all(std::move(looking), k_regions_at_once);
  }

  // Of a name there may always be another.
  [[nodiscard]] bool is_complete() const { return plan_.names.empty() && found_.size() >= plan_.ids.size(); }
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
    std::vector<aws::InstanceFilter> filters;
    if (!plan_.ids.empty()) filters.emplace_back().ids = plan_.ids;
    if (!plan_.names.empty()) {
      for (const char* const key : {k_job_tag, k_launch_tag}) {
        using enum aws::InstanceState;
        auto& filter = filters.emplace_back();
        filter.states = {pending, running, stopping, stopped};
        filter.tags.push_back({key, plan_.names});
      }
    }
    for (const auto& filter : filters) {
      const auto ask = [&ec2, &filter](const std::string& token) { return ec2->instances(filter, token); };
      const auto take = [this, &place](const std::vector<aws::ListedInstance>& rows) {
        for (const auto& row : rows) keep(row, place);
        if (is_complete()) all_found_->cancel();
      };
      std::optional<Millis> skew;
      std::string what = "DescribeInstances in " + place.region;
      auto reading = read_pages<aws::ListedInstance>(std::move(what), clock_, skew, ask, take);
      const auto status = co_await until_found(std::move(reading));
      if (!status && is_complete()) co_return;
      if (!status) co_return lost(*place.account, place.region, late());
      if (!*status) co_return lost(*place.account, place.region, (*status).error().text());
    }
  }

  void keep(const aws::ListedInstance& row, const Place& place) {
    FoundInstance found;
    found.machine = machine_from(row, place.region);
    found.spot_request = row.spot_request;
    if (row.tags.find("curfew:then") && !is_then_unclear(found.machine))
      found.then = found.machine.then_stop ? Action::stop : Action::terminate;
    found.launch = row.tags.find(k_launch_tag).value_or("");
    if (const auto most = row.tags.find("curfew:max-deadline")) found.max_deadline = parse_deadline(*most);
    found.reads = place.account->reads;
    found.role = place.account->role;
    for (const auto& name : plan_.names) {
      auto& ids = by_name_[name];
      const bool is_its = found.machine.job == name || found.launch == name;
      if (is_its && is_there(row.state) && std::find(ids.begin(), ids.end(), row.id) == ids.end())
        ids.push_back(row.id);
    }
    found_.emplace(row.id, std::move(found));
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
    found.request_known = request && *request;
    if (found.request_known) found.persistent = (*request)->persistent && !is_over((*request)->state);
  }

  std::vector<AccountReads> accounts_;
  FindPlan plan_;
  const os::Clock& clock_;
  BootTime until_;
  std::optional<asio::steady_timer> all_found_;  // cancelled when they are
  std::map<std::string, FoundInstance> found_;
  std::map<std::string, std::vector<std::string>> by_name_;
  std::vector<RegionReading> unread_;
};

}  // namespace

Awaitable<Findings> find_instances(std::vector<AccountReads> accounts, FindPlan plan,
                                   const os::Clock& clock) {
  Finder finder(std::move(accounts), std::move(plan), clock);
  co_return co_await finder.find();
}

}  // namespace curfew::watch
