// An account whose regions answer as a script says.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "support/fake_clock.hpp"
#include "watch/reads.hpp"

namespace curfew::watch {

namespace asio = boost::asio;
using namespace std::chrono_literals;

inline const Error k_denied{ErrorKind::refused, "DescribeInstances", "not authorized", "",
                            "UnauthorizedOperation"};
inline const Error k_explicitly_denied{ErrorKind::refused, "DescribeInstances",
                                       "not authorized, with an explicit deny in a service control policy",
                                       "", "UnauthorizedOperation"};
// Refused, but no permission is missing.
inline const Error k_expired{ErrorKind::refused, "DescribeInstances", "the token has expired", "",
                             "ExpiredToken"};
inline const Error k_proxy{ErrorKind::refused, "DescribeInstances", "the service answered 403", "", ""};
inline const Error k_unavailable{ErrorKind::unavailable, "DescribeInstances", "503", "", "Unavailable"};

// What a region answers: pages of ids, by their tokens; after the last an error, where there's one.
struct Script {
  struct Page {
    std::vector<std::string> ids;
    std::string next;
  };
  std::vector<Page> pages;
  std::optional<Error> error;
  bool hangs = false;
  bool ends_hanging = false;  // instead of `error`
  std::optional<Error> volumes_error;
  std::vector<std::vector<aws::ListedVolume>> volume_pages;
  bool spot = false;  // its instances
  std::vector<aws::SpotPricePoint> spot_prices;
  bool volumes_hang = false;
  std::vector<std::string> schedules;
  std::optional<Error> schedules_error;
  bool schedules_hang = false;
  std::size_t volumes_asked = 0;
  // Instead of `pages`: ids that are told page by page, as EC2 filters them.
  std::vector<std::string> fleet;
  enum class Ends {
    parted,
    none_found,
    refused
  } ends = Ends::parted;           // what comes of InstanceFilter::id_ends
  std::vector<std::string> gone;   // after the region's first page
  std::vector<std::string> lists;  // "ends:token" of each call
  std::size_t most_at_once = 0;
};

template <class T>
aws::Awaitable<Result<T>> answer(Result<T> value) {
  co_return value;
}

inline aws::Awaitable<void> hang() {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer never(executor, asio::steady_timer::time_point::max());
  co_await never.async_wait(asio::use_awaitable);
}

class FakeEc2 final : public aws::Ec2Inventory {
 public:
  FakeEc2(Script& script, std::vector<std::string> regions, bool hangs)
      : script_(script), regions_(std::move(regions)), hangs_(hangs) {}

  aws::Awaitable<Result<aws::Page<aws::ListedRegion>>> regions() override {
    if (hangs_) co_await hang();
    aws::Page<aws::ListedRegion> page;
    for (const auto& name : regions_) page.rows.push_back({name, aws::OptIn::not_required});
    page.rows.push_back({"me-south-1", aws::OptIn::not_opted_in});
    co_return page;
  }
  static aws::ListedInstance instance_of(const std::string& id, bool is_spot) {
    aws::ListedInstance instance;
    instance.id = id;
    instance.type = "g5.xlarge";
    instance.zone = "us-east-1a";
    instance.account = "123456789012";
    instance.platform_details = "Linux/UNIX";
    instance.usage_operation = "RunInstances";
    instance.launched = test::FakeClock{}.now - 72h;
    instance.volumes = {"vol-1"};
    if (is_spot) instance.bought_as = aws::BoughtAs::spot;
    instance.tags.add("curfew:deadline", "2030-01-01T00:00:00Z");
    return instance;
  }
  aws::Awaitable<Result<aws::Page<aws::ListedInstance>>> from_fleet(aws::InstanceFilter filter,
                                                                    std::string token) {
    constexpr std::size_t k_page = 1'000;
    script_.lists.push_back(filter.id_ends + ":" + token);
    script_.most_at_once = std::max(script_.most_at_once, ++under_way_);
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer soon(executor, 1ms);
    co_await soon.async_wait(asio::use_awaitable);
    --under_way_;
    const bool is_part = !filter.id_ends.empty();
    if (is_part && script_.ends == Script::Ends::refused)
      co_return fail(Error{ErrorKind::invalid_input, "DescribeInstances", "no", "", "InvalidParameterValue"});
    std::vector<std::string> chosen;
    for (const auto& id : script_.fleet) {
      const bool is_gone =
          is_part && std::find(script_.gone.begin(), script_.gone.end(), id) != script_.gone.end();
      const bool is_in = !is_part || (script_.ends == Script::Ends::parted &&
                                      filter.id_ends.find(id.back()) != std::string::npos);
      if (is_in && !is_gone) chosen.push_back(id);
    }
    const std::size_t from = token.empty() ? 0 : std::stoul(token);
    aws::Page<aws::ListedInstance> page;
    for (auto at = from; at < std::min(chosen.size(), from + k_page); ++at)
      page.rows.push_back(instance_of(chosen[at], script_.spot));
    if (from + k_page < chosen.size()) page.next = std::to_string(from + k_page);
    co_return page;
  }
  aws::Awaitable<Result<aws::Page<aws::ListedInstance>>> instances(aws::InstanceFilter filter,
                                                                   std::string token) override {
    if (!script_.fleet.empty()) {
      auto reading = from_fleet(std::move(filter), std::move(token));
      auto page = co_await std::move(reading);
      co_return page;
    }
    const bool at_end = at_ == script_.pages.size();
    if (script_.hangs || (at_end && script_.ends_hanging)) co_await hang();
    if (at_end) co_return fail(script_.error.value_or(k_unavailable));
    const auto scripted = script_.pages[at_++];
    aws::Page<aws::ListedInstance> page;
    for (const auto& id : scripted.ids) page.rows.push_back(instance_of(id, script_.spot));
    page.next = scripted.next;
    co_return page;
  }
  aws::Awaitable<Result<aws::Page<aws::ListedVolume>>> volumes(aws::VolumeFilter,
                                                               std::string token) override {
    ++script_.volumes_asked;
    if (script_.volumes_hang) co_await hang();
    if (script_.volumes_error) co_return fail(*script_.volumes_error);
    aws::Page<aws::ListedVolume> page;
    const auto at = token.size();  // a letter more for each page
    if (at < script_.volume_pages.size()) page.rows = script_.volume_pages[at];
    if (at + 1 < script_.volume_pages.size()) page.next = token + "p";
    co_return page;
  }
  aws::Awaitable<Result<aws::Page<aws::SpotPricePoint>>> spot_prices(aws::SpotPriceQuery,
                                                                     std::string) override {
    aws::Page<aws::SpotPricePoint> page;
    page.rows = script_.spot_prices;
    co_return page;
  }
  aws::Awaitable<Result<bool>> is_termination_protected(std::string) override {
    return answer(Result<bool>(false));
  }
  aws::Awaitable<Result<aws::SpotRequest>> spot_request(std::string) override {
    return answer(Result<aws::SpotRequest>(fail(k_denied)));
  }
  aws::Awaitable<Result<std::string>> cancel_spot_request(std::string) override {
    return answer(Result<std::string>(fail(k_denied)));
  }

 private:
  Script& script_;
  std::vector<std::string> regions_;
  bool hangs_;
  std::size_t at_ = 0;
  std::size_t under_way_ = 0;
};

class FakeScheduler final : public aws::Scheduler {
 public:
  explicit FakeScheduler(const Script& script) : script_(script) {}
  aws::Awaitable<Result<aws::Schedule>> schedule(std::string, std::string) override {
    return answer(Result<aws::Schedule>(fail(k_denied)));
  }
  aws::Awaitable<Result<aws::SchedulePage>> schedules(std::string, std::string, std::string) override {
    if (script_.schedules_hang) co_await hang();
    if (script_.schedules_error) co_return fail(*script_.schedules_error);
    aws::SchedulePage page;
    for (const auto& name : script_.schedules) page.schedules.push_back({name, "default", true});
    co_return page;
  }

 private:
  const Script& script_;
};

class FakePrices final : public aws::PriceList {
 public:
  FakePrices(int& asked, bool hangs) : asked_(asked), hangs_(hangs) {}
  aws::Awaitable<Result<std::vector<std::string>>> get_products(std::string,
                                                                std::vector<aws::ProductFilter>) override {
    ++asked_;
    if (hangs_) co_await hang();
    co_return fail(k_denied);
  }

 private:
  int& asked_;
  bool hangs_;
};

class FakeReads final : public Reads {
 public:
  std::map<std::string, Script> regions;
  Result<std::string> id = std::string("123456789012");
  bool hangs = false;                    // whatever it's asked
  std::function<void()> passes = [] {};  // when a region begins
  int prices_asked = 0;
  bool prices_hang = false;

  Awaitable<Result<aws::CallerIdentity>> caller() override {
    if (hangs) co_await hang();
    if (!id) co_return fail(Error{id.error()});
    co_return aws::CallerIdentity{*id, "arn:aws:iam::123456789012:user/x", {}};
  }
  std::unique_ptr<aws::Ec2> ec2(const std::string&) override { return nullptr; }
  std::unique_ptr<aws::Ec2Inventory> inventory(const std::string& region) override {
    passes();
    std::vector<std::string> names;
    for (const auto& [name, script] : regions) names.push_back(name);
    return std::make_unique<FakeEc2>(regions[region], std::move(names), hangs);
  }
  std::unique_ptr<aws::Scheduler> scheduler(const std::string& region) override {
    return std::make_unique<FakeScheduler>(regions[region]);
  }
  std::unique_ptr<aws::ScheduleMaker> schedule_maker(const std::string&) override { return nullptr; }
  std::unique_ptr<aws::Ec2Launch> tagger(const std::string&) override { return nullptr; }
  std::unique_ptr<aws::PriceList> price_list(const std::string&) override {
    return std::make_unique<FakePrices>(prices_asked, prices_hang);
  }
};

}  // namespace curfew::watch
