// What a launched job's guard brings to S3 while the job runs, for those who look at it from elsewhere: its state, and its
// logs as they grow. Nothing waits for it, but the end of the machine, and that not for long.
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "base/text.hpp"
#include "guard/supervisor.hpp"

namespace curfew::guard {

namespace asio = boost::asio;

namespace {

constexpr Millis k_ship_look{5'000};
// Both together: what L0, EC2's notice and a bill leave is more.
constexpr Millis k_last_logs_limit{2'000};
constexpr Millis k_last_state_limit{2'000};
constexpr std::size_t k_longest_trouble = 1'000;

}  // namespace

void Supervisor::start_reporting() {
  if (!spec_.launched) return;
  report_ = std::make_unique<JobReport>(
      *spec_.launched, spec_.owner,
      JobReport::World{
          parts_.io.get_executor(), parts_.clock,
          [this](bool is_over) {
            return JobState{state_, facts_ ? facts_->instance_id : instance_id_, {}, is_over};
          },
          [this] { return status(); },
          [this](std::string text) { return parts_.cloud.write_status(std::move(text)); },
          [this] { return state_.stage < Stage::ending; },
          [this](const std::string& text) { parts_.log.warning(printable(text, k_longest_trouble)); },
          [this](const std::string& text) { parts_.log.info(text); }});
  asio::co_spawn(parts_.io, report_->run(), k_rethrow);
  asio::co_spawn(parts_.io, ship_live(), k_rethrow);
}

Awaitable<void> Supervisor::ship_live() {
  while (state_.stage < Stage::ending) {
    co_await pause(k_ship_look);
    if (state_.stage >= Stage::ending) co_return;
    auto shipping = parts_.cloud.ship_live();
    const auto shipped = co_await std::move(shipping);
    if (!shipped.alert) continue;
    const auto text = "for `curfew logs`: " + printable(*shipped.alert, k_longest_trouble);
    if (shipped.error) parts_.log.warning(text);
    else parts_.log.info(text);
  }
}

// The logs first: who reads that the job has ended finds all of them.
Awaitable<void> Supervisor::report_end() {
  if (!report_ || std::exchange(reported_end_, true)) co_return;
  auto shipping = parts_.cloud.finish_live(parts_.clock.boot() + k_last_logs_limit);
  auto bounded = within(k_last_logs_limit, std::move(shipping));
  (void)co_await std::move(bounded);
  co_await report_->finish(parts_.clock.boot() + k_last_state_limit);
}

}  // namespace curfew::guard
