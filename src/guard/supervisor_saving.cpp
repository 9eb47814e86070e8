// Saving: at the end, and while the job runs; and the logs' way to S3.
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "base/text.hpp"
#include "guard/supervisor.hpp"

namespace curfew::guard {

namespace asio = boost::asio;

namespace {

constexpr Millis k_look{1'000};
constexpr Millis k_ship_look{5'000};
constexpr Millis k_cut_limit{2'000};  // a cancelled save returns within a second
constexpr Millis k_cut_look{20};
constexpr Millis k_logs_limit{20'000};
constexpr Millis k_logs_reserve{5'000};
constexpr Millis k_logs_tidy_up{
    1'500};  // so long before the policy gives up: LogShip returns within a second
constexpr std::size_t k_longest_reason = 400;

// Why a save isn't good, in a line.
std::string reason_of(const save::Summary& summary) {
  if (!summary.failed.first.empty()) {
    const auto& first = summary.failed.first.front();
    return printable(first.path, 200) + ": " + printable(first.reason, k_longest_reason);
  }
  return summary.limit_hit ? "it took longer than --save-limit" : "";
}

}  // namespace

Awaitable<void> Supervisor::save(BootTime until) {
  save_cancel_ = std::make_shared<Cancel>();
  const auto cancel = save_cancel_;
  co_await cut_midway_save();
  // The last of the logs, with what this save has to say, goes after it: a part of the time is kept for that.
  const Millis reserve = std::min((until - parts_.clock.boot()) / 8, k_logs_reserve);
  const Cloud::ShowProgress show = [this](const save::Progress& progress) {
    control_.tell(FromGuard::progress, save::progress_line(progress, 160));
  };
  auto summary = co_await parts_.cloud.save(until - reserve, false, cancel, show);
  for (const auto& line : save::lines(summary)) {
    if (summary.all_saved()) parts_.log.info(line);
    else parts_.log.error(line);
  }
  const bool all_saved = summary.all_saved();
  summary_ = std::move(summary);
  const auto logs_until = std::min(until - k_logs_tidy_up, parts_.clock.boot() + k_logs_limit);
  if (!cancel->asked() && parts_.clock.boot() < logs_until) {
    const auto shipped = co_await parts_.cloud.finish_logs(logs_until);
    if (!shipped.all)
      parts_.log.warning("not all of the logs are in S3" +
                         (shipped.error ? ": " + shipped.error->text() : std::string()));
  }
  handle(SaveEnded{all_saved});
}

// The save at the end takes its place, and both would write the same record.
Awaitable<void> Supervisor::cut_midway_save() {
  if (!midway_cancel_) co_return;
  midway_cancel_->ask();
  const auto until = parts_.clock.boot() + k_cut_limit;
  while (midway_cancel_ && parts_.clock.boot() < until) co_await pause(k_cut_look);
}

void Supervisor::start_saving() {
  if (!spec_.rules.has_saves || std::exchange(saving_started_, true)) return;
  asio::co_spawn(parts_.io, save_while_running(), k_rethrow);
  asio::co_spawn(parts_.io, ship_logs(), k_rethrow);
}

Awaitable<void> Supervisor::save_while_running() {
  if (spec_.save_every) periodic_.emplace(*spec_.save_every, parts_.clock.boot());
  while (state_.stage <= Stage::running) {
    const auto at = parts_.clock.boot();
    if (periodic_) tell_of(periodic_->look(at));
    const bool due = save_soon_ || (periodic_ && periodic_->due(at));
    if (due && !midway_cancel_ && state_.stage == Stage::running) {
      save_soon_ = false;
      asio::co_spawn(parts_.io, save_midway(), k_rethrow);
    }
    co_await pause(k_look);
  }
}

Awaitable<void> Supervisor::save_midway() {
  midway_cancel_ = std::make_shared<Cancel>();
  const auto cancel = midway_cancel_;
  if (periodic_) periodic_->begin(parts_.clock.boot());
  const auto summary =
      co_await parts_.cloud.save(parts_.clock.boot() + spec_.rules.limits.save, true, cancel, {});
  midway_cancel_.reset();
  const auto outcome = summary.all_saved() ? save::Outcome::good
                       : summary.cancelled ? save::Outcome::cut
                                           : save::Outcome::failed;
  if (outcome == save::Outcome::good) {
    const auto said = save::lines(summary);
    if (!said.empty()) parts_.log.info("while the job runs: " + said.front());
  }
  if (periodic_) tell_of(periodic_->end(parts_.clock.boot(), outcome, reason_of(summary)));
  else if (outcome == save::Outcome::failed)
    parts_.log.error("saving while the job runs failed: " + reason_of(summary));
}

void Supervisor::tell_of(const std::optional<save::Alert>& alert) {
  if (!alert) return;
  const bool well = alert->kind == save::Alert::Kind::well;
  if (well) parts_.log.info(alert->text);
  else parts_.log.error(alert->text);
  tell(well ? notify::Event::save_works : notify::Event::save_failing, alert->text);
}

Awaitable<void> Supervisor::ship_logs() {
  while (state_.stage < Stage::saving) {
    co_await pause(k_ship_look);
    if (state_.stage >= Stage::saving) co_return;
    const auto shipped = co_await parts_.cloud.ship_logs();
    if (shipped.alert) parts_.log.warning(*shipped.alert);
  }
}

}  // namespace curfew::guard
