// An account whose EC2 does as it's told, and remembers what it was asked.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "support/fake_clock.hpp"
#include "watch/ending.hpp"
#include "watch/reads.hpp"

namespace curfew::watch::test {

inline const std::string k_account = "123456789012";
inline const std::string k_arn = "arn:aws:iam::123456789012:user/ops";
inline const Error k_denied{ErrorKind::refused, "call", "not authorized", "", "UnauthorizedOperation"};
inline const Error k_unavailable{ErrorKind::unavailable, "call", "503", "", "Unavailable"};
inline const Error k_not_found{ErrorKind::not_found, "call", "no such id", "", "InvalidInstanceID.NotFound"};

// What a region has, and how it answers.
struct FakeRegion {
  std::map<std::string, aws::ListedInstance> instances;
  std::map<std::string, bool> is_protected;
  std::map<std::string, aws::SpotRequest> requests;
  std::map<std::string, std::vector<aws::Volume>> volumes;

  std::function<void(FakeRegion&)> before_list = [](FakeRegion&) {};  // right before instances are told
  std::optional<Error> list_error;
  bool list_hangs = false;
  bool regions_hang = false;
  bool first_page_is_empty = false;
  std::optional<Millis> aws_ahead = Millis{0};  // AWS's clock minus ours; empty: no reply tells a time
  std::optional<Error> protection_error;
  bool protection_hangs = false;
  std::function<void(FakeRegion&)> after_protection = [](FakeRegion&) {};  // right after it was told
  std::optional<Error> request_error;
  bool request_hangs = false;
  std::optional<Error> cancel_error;
  std::deque<std::string> cancel_states;  // what it answers first; then "cancelled"
  std::deque<Error> end_errors;           // of TerminateInstances and StopInstances, one a call
  unsigned ignored_ends = 0;              // so many are accepted, and nothing comes of them
  bool end_hangs = false;
  std::function<void(FakeRegion&)> after_call = [](FakeRegion&) {};  // right after one that changes something
  std::deque<Error> state_errors;                                    // of looking at a state

  std::vector<std::string> calls;  // that change something: "terminate i-1"
};

template <class List, class Value>
bool is_in(const List& list, const Value& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// As EC2 has it: what is set narrows.
inline bool passes(const aws::ListedInstance& instance, const aws::InstanceFilter& filter) {
  if (!filter.ids.empty() && !is_in(filter.ids, instance.id)) return false;
  if (!filter.states.empty() && !is_in(filter.states, instance.state)) return false;
  return std::all_of(filter.tags.begin(), filter.tags.end(), [&](const aws::TagFilter& wanted) {
    const auto value = instance.tags.find(wanted.key);
    return value && (wanted.values.empty() || is_in(wanted.values, *value));
  });
}

template <class T>
Awaitable<Result<T>> answer(Result<T> value) {
  co_return value;
}

inline Awaitable<void> hang() {
  const auto executor = co_await boost::asio::this_coro::executor;
  boost::asio::steady_timer never(executor, boost::asio::steady_timer::time_point::max());
  co_await never.async_wait(boost::asio::use_awaitable);
}

class FakeInventory final : public aws::Ec2Inventory {
 public:
  FakeInventory(FakeRegion& region, std::vector<std::string> names, const os::Clock& clock)
      : region_(region), names_(std::move(names)), clock_(clock) {}

  Awaitable<Result<aws::Page<aws::ListedRegion>>> regions() override {
    aws::Page<aws::ListedRegion> page;
    if (region_.regions_hang) co_await hang();
    for (const auto& name : names_) page.rows.push_back({name, aws::OptIn::not_required});
    co_return page;
  }
  Awaitable<Result<aws::Page<aws::ListedInstance>>> instances(aws::InstanceFilter filter,
                                                              std::string token) override {
    if (region_.list_hangs) co_await hang();
    region_.before_list(region_);
    if (region_.list_error) co_return fail(*region_.list_error);
    aws::Page<aws::ListedInstance> page;
    if (region_.aws_ahead) page.answered = std::chrono::floor<Seconds>(clock_.wall() + *region_.aws_ahead);
    if (region_.first_page_is_empty && token.empty()) {
      page.next = "more";
      co_return page;
    }
    for (const auto& [id, instance] : region_.instances)
      if (passes(instance, filter)) page.rows.push_back(instance);
    co_return page;
  }
  Awaitable<Result<aws::Page<aws::ListedVolume>>> volumes(aws::VolumeFilter, std::string) override {
    co_return aws::Page<aws::ListedVolume>{};
  }
  Awaitable<Result<aws::Page<aws::SpotPricePoint>>> spot_prices(aws::SpotPriceQuery, std::string) override {
    co_return aws::Page<aws::SpotPricePoint>{};
  }
  Awaitable<Result<bool>> is_termination_protected(std::string id) override {
    if (region_.protection_hangs) co_await hang();
    if (region_.protection_error) co_return fail(*region_.protection_error);
    const bool is_protected = region_.is_protected[id];
    region_.after_protection(region_);
    co_return is_protected;
  }
  Awaitable<Result<aws::SpotRequest>> spot_request(std::string id) override {
    if (region_.request_hangs) co_await hang();
    if (region_.request_error) co_return fail(*region_.request_error);
    co_return region_.requests.at(id);
  }
  Awaitable<Result<std::string>> cancel_spot_request(std::string id) override {
    region_.calls.push_back("cancel " + id);
    region_.after_call(region_);
    if (region_.cancel_error) co_return fail(*region_.cancel_error);
    if (region_.cancel_states.empty()) co_return std::string("cancelled");
    auto state = region_.cancel_states.front();
    region_.cancel_states.pop_front();
    co_return state;
  }

 private:
  FakeRegion& region_;
  std::vector<std::string> names_;
  const os::Clock& clock_;
};

class FakeEc2 final : public aws::Ec2 {
 public:
  explicit FakeEc2(FakeRegion& region) : region_(region) {}

  Awaitable<Result<std::string>> terminate_instance(std::string id) override {
    auto ending = end("terminate", std::move(id), aws::InstanceState::shutting_down);
    co_return co_await std::move(ending);
  }
  Awaitable<Result<std::string>> stop_instance(std::string id) override {
    auto ending = end("stop", std::move(id), aws::InstanceState::stopping);
    co_return co_await std::move(ending);
  }
  Awaitable<Result<std::string>> shutdown_behavior(std::string) override {
    return answer(Result<std::string>(fail(k_denied)));
  }
  Awaitable<Result<std::vector<aws::Volume>>> volumes(std::string id) override {
    const auto found = region_.volumes.find(id);
    if (found == region_.volumes.end()) co_return fail(k_denied);
    co_return found->second;
  }
  Awaitable<Result<std::vector<aws::EbsVolume>>> describe_volumes(std::vector<std::string>) override {
    return answer(Result<std::vector<aws::EbsVolume>>(fail(k_denied)));
  }
  Awaitable<Result<aws::Instance>> describe_instance(std::string) override {
    return answer(Result<aws::Instance>(fail(k_denied)));
  }
  Awaitable<Result<std::string>> instance_state(std::string id) override {
    if (!region_.state_errors.empty()) {
      auto error = region_.state_errors.front();
      region_.state_errors.pop_front();
      co_return fail(std::move(error));
    }
    const auto found = region_.instances.find(id);
    if (found == region_.instances.end()) co_return fail(k_not_found);
    co_return std::string(aws::name_of(found->second.state));
  }

 private:
  Awaitable<Result<std::string>> end(std::string verb, std::string id, aws::InstanceState state) {
    region_.calls.push_back(verb + " " + id);
    region_.after_call(region_);
    if (region_.end_hangs) co_await hang();
    if (!region_.end_errors.empty()) {
      auto error = region_.end_errors.front();
      region_.end_errors.pop_front();
      co_return fail(std::move(error));
    }
    const auto found = region_.instances.find(id);
    if (found == region_.instances.end()) co_return fail(k_not_found);
    if (region_.ignored_ends > 0) --region_.ignored_ends;
    else found->second.state = state;
    co_return std::string(aws::name_of(state));
  }

  FakeRegion& region_;
};

class FakeAccount final : public Reads {
 public:
  explicit FakeAccount(const os::Clock& clock) : clock_(clock) {}

  std::map<std::string, FakeRegion> regions;
  Result<aws::CallerIdentity> identity = aws::CallerIdentity{k_account, k_arn, {}};

  Awaitable<Result<aws::CallerIdentity>> caller() override { return answer(identity); }
  std::unique_ptr<aws::Ec2Inventory> inventory(const std::string& region) override {
    std::vector<std::string> names;
    for (const auto& [name, script] : regions) names.push_back(name);
    return std::make_unique<FakeInventory>(regions[region], std::move(names), clock_);
  }
  std::unique_ptr<aws::Ec2> ec2(const std::string& region) override {
    return std::make_unique<FakeEc2>(regions[region]);
  }
  std::unique_ptr<aws::Scheduler> scheduler(const std::string&) override { return nullptr; }
  std::unique_ptr<aws::ScheduleMaker> schedule_maker(const std::string&) override { return nullptr; }
  std::unique_ptr<aws::Ec2Launch> tagger(const std::string&) override { return nullptr; }
  std::unique_ptr<aws::PriceList> price_list(const std::string&) override { return nullptr; }

 private:
  const os::Clock& clock_;
};

// Remembers acts as "before i-1 terminate", "after i-1 done shutting-down".
class FakeLog final : public ActLog {
 public:
  std::vector<std::string> lines;
  Status writable = {};

  Status before(const Act& act) override {
    lines.push_back("before " + act.instance + " " + std::string(name_of(act.action)) + " by " + act.by);
    return writable;
  }
  void after(const Act& act) override {
    lines.push_back("after " + act.instance + (act.done ? " done " : " failed ") + act.outcome);
  }
};

inline EndingLimits quick_limits() {
  EndingLimits limits;
  limits.total = Millis{2'000};
  limits.attempts = 3;
  limits.pause = Millis{1};
  limits.poll = Millis{1};
  limits.looks = 3;
  return limits;
}

// A running g5.xlarge of the account.
inline aws::ListedInstance listed_instance(const std::string& id, WallTime launched) {
  aws::ListedInstance instance;
  instance.id = id;
  instance.type = "g5.xlarge";
  instance.zone = "us-east-1a";
  instance.account = k_account;
  instance.launched = launched;
  return instance;
}

}  // namespace curfew::watch::test
