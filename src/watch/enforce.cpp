// Plan, look again, end.
#include "watch/enforce.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "aws/core/call.hpp"
#include "base/text.hpp"
#include "net/within.hpp"
#include "watch/clock_skew.hpp"
#include "watch/lanes.hpp"
#include "watch/listed.hpp"
#include "watch/read_pages.hpp"

namespace curfew::watch {
namespace {

constexpr std::size_t k_asked_at_once = 16;
constexpr std::size_t k_ended_at_once = 8;
constexpr std::size_t k_longest_why = 500;
constexpr Millis k_call_limit{60'000};  // for one question; each client's own limits are inside

// One account's access, and who we are there.
struct Access {
  Reads* reads = nullptr;
  std::string by;       // the caller's ARN
  std::string role;     // by which it's reached; empty: the caller's own
  std::string problem;  // why nothing can be done there
};

// An instance as it is now.
struct Again {
  Machine machine;
  std::string spot_request;
  WallTime now{};  // the earlier one of the two clocks
};

class Enforcer {
 public:
  Enforcer(Report& report, std::vector<AccountReads> accounts, EnforceOptions options, const os::Clock& clock,
           ActLog& log, EndingLimits limits)
      : report_(report),
        accounts_(std::move(accounts)),
        options_(options),
        clock_(clock),
        log_(log),
        limits_(limits) {}

  Awaitable<void> run() {
    EnforceOptions all = options_;
    all.any_number = true;
    auto plan = plan_enforcement(report_, all);
    co_await ask_protection(plan.to_end);
    plan = plan_enforcement(report_, options_, unasked_);
    done_.left_alone = std::move(plan.left_alone);
    done_.refused = std::move(plan.refused);
    if (!options_.yes) done_.mode = Enforced::Mode::dry_run;
    else done_.mode = done_.refused.empty() ? Enforced::Mode::on : Enforced::Mode::refused;
    if (done_.mode == Enforced::Mode::on) {
      co_await end_all(plan.to_end);
    } else {
      for (const auto index : plan.to_end) done_.acts.push_back(act_on(report_.machines[index]));
    }
    report_.enforced = std::move(done_);
  }

 private:
  [[nodiscard]] Act act_on(const Machine& machine) const {
    Act act;
    act.at = clock_.wall();
    act.action = action_for(machine);
    act.account = machine.account;
    act.region = machine.region;
    act.instance = machine.id;
    act.name = machine.name;
    act.why = why_ended(machine);
    return act;
  }

  // The first way in that the report says leads to that account.
  [[nodiscard]] const AccountReads* way_to(const std::string& account) const {
    for (const auto& known : report_.accounts) {
      if (known.id != account) continue;
      for (const auto& each : accounts_)
        if (each.role == known.role) return &each;
    }
    return nullptr;
  }

  // Not in the lists. Where it can't be asked it stays unknown; EC2 doesn't terminate what is protected, but stops it.
  Awaitable<void> ask_protection(const std::vector<std::size_t>& indexes) {
    std::vector<Job> jobs;
    for (const auto index : indexes) jobs.emplace_back([this, index] { return ask_protection_of(index); });
    co_await run_all(std::move(jobs), k_asked_at_once);
  }
  Awaitable<void> ask_protection_of(std::size_t index) {
    auto& machine = report_.machines[index];
    const auto* way = way_to(machine.account);
    if (way == nullptr) co_return;
    const auto inventory = way->reads->inventory(machine.region);
    auto asking = inventory->is_termination_protected(machine.id);
    const auto answer = co_await net::within(k_call_limit, std::move(asking));
    if (!answer) co_return;
    if (*answer) machine.protected_from_end = **answer;
    else if (aws::is_denied(answer->error())) unasked_.insert(index);
  }

  Awaitable<void> end_all(const std::vector<std::size_t>& indexes) {
    for (const auto index : indexes) {
      const auto& account = report_.machines[index].account;
      if (access_.contains(account)) continue;
      auto access = co_await find_access(account);
      access_.emplace(account, std::move(access));
    }
    // By their place in the plan, so that they're told in its order whichever ends first.
    acts_.resize(indexes.size());
    std::vector<Job> jobs;
    for (std::size_t i = 0; i < indexes.size(); ++i)
      jobs.emplace_back([this, i, index = indexes[i]] { return end(report_.machines[index], acts_[i]); });
    co_await run_all(std::move(jobs), k_ended_at_once);
    for (auto& act : acts_)
      if (act) done_.acts.push_back(std::move(*act));
  }

  Awaitable<Access> find_access(const std::string& account) {
    Access access;
    const auto* way = way_to(account);
    if (way == nullptr) {
      access.problem = "there are no credentials for account " + account;
      co_return access;
    }
    access.reads = way->reads;
    access.role = way->role;
    auto asking = access.reads->caller();
    const auto caller = co_await net::within(k_call_limit, std::move(asking));
    // Who did it must stand in the ledger.
    if (!caller) access.problem = "STS doesn't tell who we are";
    else if (!*caller) access.problem = (*caller).error().text();
    else if ((*caller)->account != account) access.problem = "the credentials are of another account";
    else access.by = (*caller)->arn;
    co_return access;
  }

  // One that was ended, or tried, gets into `out`; one that is left alone after all is told with the others.
  Awaitable<void> end(Machine& machine, std::optional<Act>& out) {
    const auto& access = access_.at(machine.account);
    auto act = act_on(machine);
    act.by = access.by;
    if (!access.problem.empty()) {
      act.outcome = "not tried: " + access.problem;
      out = std::move(act);
      co_return;
    }
    const auto inventory = access.reads->inventory(machine.region);
    auto reading = read_again(*inventory, machine);
    auto again = co_await std::move(reading);
    if (!again) {
      act.outcome = "not tried: " + again.error().text();
      out = std::move(act);
      co_return;
    }
    const auto decided = still_enforceable(machine, again->machine, again->now);
    if (decided != Enforcement::end) {
      done_.left_alone.push_back(left_alone(again->machine, decided));
      machine.state = again->machine.state;
      co_return;
    }
    act.action = action_for(again->machine);
    act.why = why_ended(again->machine);
    act.at = clock_.wall();
    const auto ec2 = access.reads->ec2(machine.region);
    std::optional<LeftAlone> withdrawn;
    Ending ending;
    ending.may_still = [this, &inventory, &machine, &withdrawn, action = act.action] {
      return may_still(*inventory, machine, action, withdrawn);
    };
    ending.act = std::move(act);
    ending.spot_request = std::move(again->spot_request);
    ending.is_spot = again->machine.lifecycle == Lifecycle::spot;
    ending.profile = report_.profile;
    ending.role = access.role;
    auto ended = co_await end_instance(*ec2, *inventory, std::move(ending), limits_, log_);
    if (withdrawn) {
      // With what was done up to then: a call that failed, a request that is cancelled.
      withdrawn->why = printable(ended.outcome, k_longest_why);
      done_.left_alone.push_back(std::move(*withdrawn));
      co_return;
    }
    if (ended.done) {
      const auto state = parse_state(ended.outcome.substr(0, ended.outcome.find(';')));
      machine.state = state == InstanceState::unknown ? InstanceState::terminated : state;
      machine.cost.ipv4_at_most = true;
    }
    out = std::move(ended);
  }

  // The same question once more, in the course of ending it. One that is going may be asked to go again.
  Awaitable<Status> may_still(aws::Ec2Inventory& inventory, const Machine& seen, Action action,
                              std::optional<LeftAlone>& withdrawn) {
    auto reading = read_again(inventory, seen);
    auto again = co_await std::move(reading);
    if (!again) co_return fail(std::move(again).error());
    const auto& machine = again->machine;
    const auto decided = still_enforceable(seen, machine, again->now);
    if (decided == Enforcement::not_running && is_going(action, name_of(machine.state))) co_return Status{};
    const std::string what = "left alone after all";
    if (decided != Enforcement::end) {
      withdrawn = left_alone(machine, decided);
      co_return fail(ErrorKind::conflict, what, withdrawn->why);
    }
    if (action_for(machine) != action)
      co_return fail(ErrorKind::conflict, what, "its tag curfew:then was changed just now");
    co_return Status{};
  }

  // The list comes last: what it tells is to be as young as can be.
  Awaitable<Result<Again>> read_again(aws::Ec2Inventory& inventory, const Machine& seen) {
    const std::string what = "read " + seen.id + " again";
    Again again;
    auto asking = inventory.is_termination_protected(seen.id);
    const auto is_protected = co_await net::within(k_call_limit, std::move(asking));
    if (!is_protected) co_return fail(ErrorKind::timed_out, what, "no answer");
    if (!*is_protected && !aws::is_denied(is_protected->error()))
      co_return fail(Error{is_protected->error()});
    aws::InstanceFilter filter;
    filter.ids = {seen.id};
    const auto ask = [&inventory, filter](const std::string& token) {
      return inventory.instances(filter, token);
    };
    std::vector<aws::ListedInstance> rows;
    const auto take = [&rows](std::vector<aws::ListedInstance> more) {
      for (auto& row : more) rows.push_back(std::move(row));
    };
    std::optional<Millis> skew;
    auto listing = read_pages<aws::ListedInstance>(what, clock_, skew, ask, take);
    auto listed = co_await net::within(k_call_limit, std::move(listing));
    if (!listed) co_return fail(ErrorKind::timed_out, what, "no answer");
    if (!*listed) co_return fail(std::move((*listed).error()).within(what));
    if (!skew) co_return fail(ErrorKind::unavailable, what, "AWS doesn't tell its time");
    if (is_skewed(*skew))
      co_return fail(ErrorKind::unavailable, what,
                     "this machine's clock and AWS's differ by more than " + format_duration(k_most_skew));
    // One that is terminated is told for about an hour: this one isn't known to be.
    if (rows.empty()) co_return fail(ErrorKind::unavailable, what, "EC2 no longer tells of it");
    again.now = clock_.wall() + std::min(*skew, Millis{0});
    again.machine = machine_from(rows.front(), seen.region);
    again.spot_request = rows.front().spot_request;
    if (*is_protected) again.machine.protected_from_end = **is_protected;
    co_return again;
  }

  Report& report_;
  std::vector<AccountReads> accounts_;
  EnforceOptions options_;
  const os::Clock& clock_;
  ActLog& log_;
  EndingLimits limits_;
  std::set<std::size_t> unasked_;         // machines of which it may not be asked whether they're protected
  std::map<std::string, Access> access_;  // by account
  std::vector<std::optional<Act>> acts_;
  Enforced done_;
};

}  // namespace

Awaitable<void> enforce(Report& report, std::vector<AccountReads> accounts, EnforceOptions options,
                        const os::Clock& clock, ActLog& log, EndingLimits limits) {
  Enforcer enforcer(report, std::move(accounts), options, clock, log, limits);
  co_await enforcer.run();
}

}  // namespace curfew::watch
