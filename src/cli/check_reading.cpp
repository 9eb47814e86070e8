// Progress on stderr, prices from and to the cache, and collect() between.
#include "cli/check_reading.hpp"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "base/text.hpp"
#include "pricing/price_cache.hpp"
#include "watch/collect.hpp"

namespace curfew::cli {
namespace {

constexpr std::size_t k_longest_said = 2'000;

void say(const std::string& text) {
  std::fprintf(stderr, "curfew: %s\n", printable(text, k_longest_said).c_str());
}

// A line that is drawn over and taken away at the end, where a person looks at stderr.
class ProgressLine {
 public:
  explicit ProgressLine(const net::Environment& environment)
      : is_terminal_(::isatty(STDERR_FILENO) == 1 && net::get(environment, "TERM") != "dumb") {}
  ~ProgressLine() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }
  void show(const watch::Progress& progress) {
    if (!is_terminal_) return;
    std::fprintf(stderr, "\r\033[K%zu of %zu regions read, %zu instances", progress.regions_read,
                 progress.regions, progress.instances);
    shown_ = true;
  }

 private:
  bool is_terminal_;
  bool shown_ = false;
};

// Where the prices that the Pricing API told are kept; empty where there's no place for it.
std::string cache_path(const net::Environment& environment) {
  const auto cache = net::get(environment, "XDG_CACHE_HOME");
  if (cache.starts_with('/')) return cache + "/curfew/prices.json";
  const auto home = net::get(environment, "HOME");
  return home.starts_with('/') ? home + "/.cache/curfew/prices.json" : "";
}

watch::CollectPlan plan_for(const CheckOptions& options, const std::string& home) {
  watch::CollectPlan plan;
  plan.only = options.regions;
  plan.except = options.excluded;
  plan.filter = options.filter;
  plan.thresholds = options.thresholds;
  plan.allow_denied = options.allow_denied;
  plan.home = home;
  plan.limit = options.limit;
  return plan;
}

}  // namespace

watch::Report read_all(Accounts& accounts, const CheckOptions& options, const os::Clock& clock,
                       const net::Environment& environment, const ReadingTold& told) {
  const auto tell = [&](const std::string& text) { told.say ? told.say(text) : say(text); };
  const auto path = cache_path(environment);
  pricing::PriceCache prices;
  if (!path.empty()) {
    auto loaded = pricing::load_prices(path);
    if (!loaded.warning.empty()) tell(loaded.warning);
    prices = std::move(loaded.cache);
  }
  const auto known = pricing::to_json(prices);

  watch::Report report;
  {
    ProgressLine line(environment);
    const std::function<void(const watch::Progress&)> show = [&](const watch::Progress& progress) {
      if (told.progress) told.progress(progress);
      else line.show(progress);
    };
    accounts.run([&]() -> net::Awaitable<void> {
      auto all = accounts.all();
      all.front().enabled = accounts.take_enabled();
      auto plan = plan_for(options, accounts.home());
      report = co_await watch::collect(std::move(all), std::move(plan), clock, prices, show);
    });
  }

  report.profile = options.profile;
  if (path.empty() || pricing::to_json(prices) == known) return report;
  if (auto stored = pricing::store_prices(path, prices, clock.wall()); !stored)
    tell("prices are asked for anew next time: " + stored.error().text());
  return report;
}

}  // namespace curfew::cli
