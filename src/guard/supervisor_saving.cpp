// Saving: at the end, and while the job runs; and the logs' way to S3.
#include <algorithm>
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
constexpr Millis k_bucket_look{60'000};
constexpr int k_most_unanswered = 3;

std::vector<std::string> names_of(const save::Notes& notes) {
  std::vector<std::string> names;
  for (const auto& note : notes.first) names.push_back(note.path);
  std::sort(names.begin(), names.end());
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + printable(name, 100);
  return text;
}

}  // namespace

Awaitable<void> Supervisor::save(BootTime until) {
  save_cancel_ = std::make_shared<Cancel>();
  const auto cancel = save_cancel_;
  co_await cut_midway_save();
  // The last of the logs, with what this save has to say, goes after it: a part of the time is kept for that.
  const Millis reserve = std::min((until - parts_.clock.boot()) / 8, k_logs_reserve);
  const auto progress_log = std::make_shared<save::ProgressLog>(parts_.clock.boot());
  const Cloud::ShowProgress show = [this, progress_log](const save::Progress& progress) {
    control_.tell(FromGuard::progress, save::progress_line(progress, 160));
    const auto line = progress_log->look(parts_.clock.boot(), progress);
    if (!line) return;
    if (progress.trouble.empty()) parts_.log.info(*line);
    else parts_.log.warning(*line);
  };
  auto summary = co_await parts_.cloud.save(until - reserve, false, cancel, show);
  for (const auto& line : save::lines(summary)) {
    if (summary.all_saved()) parts_.log.info(line);
    else parts_.log.error(line);
  }
  const bool all_saved = summary.all_saved();
  summary_ = std::move(summary);
  const auto logs_until = std::min(until - k_logs_tidy_up, parts_.clock.boot() + k_logs_limit);
  save::Shipped shipped;
  const bool in_time = !cancel->asked() && parts_.clock.boot() < logs_until;
  if (in_time) shipped = co_await parts_.cloud.finish_logs(logs_until);
  logs_incomplete_ = !shipped.all;
  log_trouble_.clear();
  if (logs_incomplete_) {
    log_trouble_ = shipped.error ? shipped.error->text() : "no time was left for them";
    parts_.log.warning("not all of the logs are in S3: " + log_trouble_);
    remark_ = all_saved ? ", but not all of the logs are in S3" : ", nor are all of the logs in S3";
  }
  handle(SaveEnded{all_saved});
  remark_.clear();  // where the policy had nothing to say, for it had given up before
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
    missing_buckets_.clear();
    say_left_out(summary.unsteady);  // of one that failed not all is known
  }
  const auto why = save::first_failure(summary);
  if (periodic_) tell_of(periodic_->end(parts_.clock.boot(), outcome, why));
  else if (outcome == save::Outcome::failed) parts_.log.error("saving while the job runs failed: " + why);
}

// Once, until it's another set of files.
void Supervisor::say_left_out(const save::Notes& unsteady) {
  const bool same = unsteady.count == left_out_.count && names_of(unsteady) == names_of(left_out_);
  left_out_ = unsteady;
  if (same) return;
  const auto line = save::left_out_line(unsteady);
  parts_.log.info("while the job runs: " + (line.empty() ? "no file is left out any more" : line));
}

void Supervisor::tell_of(const std::optional<save::Alert>& alert) {
  if (!alert) return;
  const bool well = alert->kind == save::Alert::Kind::well;
  if (well) parts_.log.info(alert->text);
  else parts_.log.error(alert->text);
  if (!well && is_told_of(alert->text)) return;
  tell(well ? notify::Event::save_works : notify::Event::save_failing, alert->text);
}

// Says at the start what would else be known only after hours of training; and while that holds, looks whether it still
// does.
Awaitable<void> Supervisor::check_saving(bool is_first) {
  const auto able = co_await parts_.cloud.may_save();
  if (!able && is_first) parts_.log.warning("results could not be saved now: " + able.error().text());
  for (int unanswered = 0; unanswered < k_most_unanswered && state_.stage <= Stage::running;) {
    const auto report = co_await parts_.cloud.look_for_buckets();
    if (!report.all_answered) ++unanswered;
    if (state_.stage > Stage::running) co_return;
    // Without an answer what was known before stands.
    if (report.all_answered || !report.missing.empty()) take_missing_buckets(report.missing, is_first);
    if (report.all_answered && report.missing.empty()) co_return;
    co_await pause(k_bucket_look);
  }
}

void Supervisor::take_missing_buckets(const std::vector<std::string>& missing, bool is_first) {
  if (missing == missing_buckets_) return;
  const auto before = std::exchange(missing_buckets_, missing);
  if (!missing.empty()) {
    const std::string text = "saving WILL FAIL: " + why_will_fail() +
                             "; create it now, or stop the job and start it with another --save: what isn't "
                             "in S3 when the machine ends may be lost";
    parts_.log.error(text);
    // A guard that takes over says it in the log alone: the one before has told.
    if (is_first) tell(notify::Event::save_failing, text);
    return;
  }
  const std::string text = "bucket " + joined(before) + " exists now: saving can work";
  parts_.log.info(text);
  // Else the next good save tells.
  if (!periodic_ || !periodic_->in_trouble()) tell(notify::Event::save_works, text);
}

std::string Supervisor::why_will_fail() const {
  if (missing_buckets_.empty()) return {};
  return "bucket " + joined(missing_buckets_) +
         (missing_buckets_.size() == 1 ? " does not exist" : " do not exist");
}

// By one alert, for a bucket that isn't there is the end of results and logs alike.
bool Supervisor::is_told_of(const std::string& trouble) const {
  return std::any_of(missing_buckets_.begin(), missing_buckets_.end(), [&](const std::string& bucket) {
    return trouble.find("s3://" + bucket + "/") != std::string::npos;
  });
}

MidwayStatus Supervisor::midway_status() const {
  MidwayStatus midway;
  if (periodic_) midway.age = periodic_->age(parts_.clock.boot());
  midway.in_trouble = periodic_ && periodic_->in_trouble();
  midway.left_out = left_out_;
  midway.will_fail = why_will_fail();
  midway.logs = log_trouble_;
  return midway;
}

std::string Supervisor::what_is_missing() const {
  std::string text;
  // It goes on from "NOT EVERYTHING IS SAVED".
  const std::string first = summary_ && state_.all_saved == false ? save::first_failure(*summary_) : "";
  if (!first.empty()) text += ": " + first;
  if (logs_incomplete_) text += ", NOT ALL OF THE LOGS ARE IN S3";
  return text;
}

Awaitable<void> Supervisor::ship_logs() {
  while (state_.stage < Stage::saving) {
    co_await pause(k_ship_look);
    if (state_.stage >= Stage::saving) co_return;
    const auto shipped = co_await parts_.cloud.ship_logs();
    take_log_trouble(shipped);
  }
}

void Supervisor::take_log_trouble(const save::Shipped& shipped) {
  if (!shipped.alert) return;
  if (!shipped.error) {
    log_trouble_.clear();
    parts_.log.info(*shipped.alert);
    if (std::exchange(told_of_logs_, false)) tell(notify::Event::save_works, *shipped.alert);
    return;
  }
  log_trouble_ = shipped.error->text();
  parts_.log.warning(*shipped.alert);
  if (is_told_of(*shipped.alert)) return;
  told_of_logs_ = true;
  tell(notify::Event::save_failing, *shipped.alert);
}

}  // namespace curfew::guard
