// Lanes, what becomes of files, and the end of it all.
#include "save/transfer.hpp"

#include <algorithm>
#include <exception>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

namespace curfew::save {
namespace asio = boost::asio;
namespace {

constexpr std::size_t k_lines_at_once = 32U << 10U;  // of the manifest
constexpr Millis k_rate_over{10'000};

}  // namespace

struct Transfer::Lane {
  asio::cancellation_signal signal;
};

Transfer::Transfer(std::shared_ptr<Means> means, std::shared_ptr<Plan> plan, const Plan::Order& order,
                   Pace pace, std::size_t lanes, std::function<void()> ended)
    : means_(std::move(means)),
      plan_(std::move(plan)),
      schedule_(*plan_, order, pace),
      lane_count_(std::max<std::size_t>(lanes, 1)),
      work_(means_->executor),
      ended_(std::move(ended)),
      files_total_(order.small.size() + order.large.size()),
      bytes_total_(order.bytes) {
  tally_.unchanged_files = order.unchanged_files;
  tally_.unchanged_bytes = order.unchanged_bytes;
}

Transfer::~Transfer() = default;

void Transfer::start() {
  for (std::size_t i = 0; i < lane_count_; ++i) {
    lanes_.push_back(std::make_unique<Lane>());
    ++running_;
    asio::co_spawn(
        means_->executor, run_lane(shared_from_this(), i % 2 == 1),
        asio::bind_cancellation_slot(lanes_.back()->signal.slot(),
                                     [self = shared_from_this()](const std::exception_ptr& thrown) {
                                       --self->running_;
                                       self->ended_();
                                       // A lane that is stopped ends by operation_aborted; all else is a bug.
                                       if (thrown && !self->stopping_) std::rethrow_exception(thrown);
                                     }));
  }
}

Awaitable<void> Transfer::run_lane(std::shared_ptr<Transfer> self, bool large_first) {
  while (!self->stopping_) {
    const bool worked = co_await self->one_unit(large_first);
    if (worked) continue;
    if (self->hands_.empty() && self->schedule_.empty()) co_return;
    co_await self->work_.wait();
  }
}

// Of the newest: uploads begun at once are answered in any order.
Transfer::MultiPtr Transfer::with_part() const {
  MultiPtr best;
  for (const auto& multi : open_) {
    if (multi->id.empty() || multi->over() || multi->next > multi->parts) continue;
    if (!best || multi->opened->state.modified > best->opened->state.modified) best = multi;
  }
  return best;
}

// Whole files count: the next large one is begun only when the parts of those begun can't keep all lanes busy.
bool Transfer::may_open_large() const {
  std::size_t parts = opening_;
  for (const auto& multi : open_)
    if (!multi->over()) parts += static_cast<std::size_t>(multi->parts - multi->next + 1);
  return parts < lane_count_;
}

// Does one request's worth of work; false where there is none now.
Awaitable<bool> Transfer::one_unit(bool large_first) {
  const BootTime now = means_->clock.boot();
  std::optional<FileId> file;
  if (!large_first) file = schedule_.next(Size::small, now);
  std::size_t parts = 0;
  if (!file) {
    if (const auto multi = with_part()) {
      co_await send_part(multi);
      co_return true;
    }
    if (may_open_large()) file = schedule_.next(Size::large, now);
    if (file) parts = static_cast<std::size_t>(plan_->tree()[*file].state.size / k_part) + 1;
  }
  if (!file) file = schedule_.next(Size::small, now);
  if (!file) co_return false;
  hands_.insert(*file);
  current_ = plan_->shown(*file);
  opening_ += parts;
  co_await send_file(*file);
  opening_ -= parts;
  co_return true;
}

void Transfer::note(const std::string& line) {
  means_->journal->add(line);
  unwritten_ += line.size();
  if (unwritten_ >= k_lines_at_once) flush();
}

void Transfer::flush() {
  if (unwritten_ == 0) return;
  unwritten_ = 0;
  means_->workers->post([journal = means_->journal] { journal->write(); });
}

void Transfer::tick() {
  flush();
  if (schedule_.ready(means_->clock.boot())) work_.open();
}

// ---- what has become of a file

void Transfer::returned() {
  if (hands_.empty() || schedule_.ready(means_->clock.boot())) work_.open();
}

void Transfer::stored(FileId file, const FileState& state, const std::string& etag, bool is_unsettled,
                      Since since) {
  if (stopping_) return;
  hands_.erase(file);
  changes_.erase(file);
  schedule_.succeeded(file);
  ++tally_.saved_files;
  trouble_.clear();
  ++files_done_;
  tally_.saved_bytes += state.size;
  if (since == Since::same && !is_unsettled)
    note(line_stored({plan_->place_of(file), plan_->absolute(file), state, etag}));
  if (since == Since::changed)
    tally_.changing.add({plan_->shown(file), state.size, "changed while it was being saved"});
  if (since == Since::vanished)
    tally_.changing.add(
        {plan_->shown(file), state.size, "vanished while it was being saved; stored as it was"});
  returned();
}

void Transfer::unchanged(FileId file) {
  if (stopping_) return;
  hands_.erase(file);
  schedule_.succeeded(file);
  const auto size = plan_->tree()[file].state.size;
  ++tally_.unchanged_files;
  tally_.unchanged_bytes += size;
  --files_total_;
  bytes_total_ -= std::min(size, bytes_total_);
  returned();
}

void Transfer::vanished(FileId file) {
  if (stopping_) return;
  hands_.erase(file);
  changes_.erase(file);
  --files_total_;
  bytes_total_ -= std::min(plan_->tree()[file].state.size, bytes_total_);
  tally_.skipped.add({plan_->shown(file), 0, "vanished before it could be saved"});
  returned();
}

void Transfer::unsteady(FileId file, const FileState& state, std::string why) {
  if (stopping_) return;
  hands_.erase(file);
  changes_.erase(file);
  schedule_.unusable(file);
  const auto size = plan_->tree()[file].state.size;
  --files_total_;
  bytes_total_ -= std::min(size, bytes_total_);
  tally_.unsteady.add({plan_->shown(file), size, std::move(why)});
  if (means_->left_out) means_->left_out->add(plan_->absolute(file), state);
  returned();
}

void Transfer::failed(FileId file, const Error& error) {
  if (stopping_) return;
  hands_.erase(file);
  changes_.erase(file);
  trouble_ = error.text();
  const auto verdict = schedule_.failed(file, error, means_->clock.boot());
  if (!verdict.again) tally_.failed.add({plan_->shown(file), plan_->tree()[file].state.size, error.text()});
  if (verdict.target_given_up) {
    const auto size = [&](FileId other) { return plan_->tree()[other].state.size; };
    schedule_.take_all(plan_->tree()[file].target, [&](FileId other, const std::string& last) {
      tally_.failed.add(size(other), [&] {
        return Note{plan_->shown(other), size(other), last.empty() ? *verdict.target_given_up : last};
      });
    });
  }
  returned();
}

void Transfer::unusable(FileId file, const Error& error) {
  if (stopping_) return;
  hands_.erase(file);
  changes_.erase(file);
  schedule_.unusable(file);
  tally_.failed.add({plan_->shown(file), plan_->tree()[file].state.size, error.text()});
  returned();
}

// ---- the end

void Transfer::stop() {
  if (stopping_) return;
  stopping_ = true;
  *means_->stop = true;
  flush();
  work_.open();
  for (const auto& lane : lanes_) lane->signal.emit(asio::cancellation_type::terminal);
}

void Transfer::abort_open() {
  for (const auto& multi : open_) {
    ++aborting_;
    asio::co_spawn(means_->executor, abort_one(shared_from_this(), multi->to, multi->id),
                   [self = shared_from_this()](const std::exception_ptr&) {  // the manifest still has it
                     --self->aborting_;
                     self->ended_();
                   });
  }
}

Awaitable<void> Transfer::abort_one(std::shared_ptr<Transfer> self, aws::S3Location to, std::string id) {
  std::vector<Leftover> one;
  one.push_back({std::move(to), std::move(id)});
  const auto error = co_await abort_leftovers(self->means_, std::move(one));
  static_cast<void>(error);  // the manifest still has it, for the next save
}

void Transfer::fill(Progress& progress) {
  const BootTime now = means_->clock.boot();
  samples_.emplace_back(now, bytes_done_);
  while (samples_.size() > 2 && now - samples_[1].first >= k_rate_over) samples_.pop_front();
  const auto span = now - samples_.front().first;
  const auto bytes = bytes_done_ - std::min(bytes_done_, samples_.front().second);
  progress.phase = Phase::sending;
  progress.files_done = files_done_;
  progress.files_total = files_total_;
  progress.bytes_done = bytes_done_;
  progress.bytes_total = std::max(bytes_total_, bytes_done_);
  progress.bytes_per_second = span.count() > 0 ? bytes * 1000 / static_cast<std::uint64_t>(span.count()) : 0;
  progress.current = current_;
  progress.trouble = trouble_;
}

void Transfer::finish(Summary& summary, const std::string& reason) {
  summary.saved_files += tally_.saved_files;
  summary.saved_bytes += tally_.saved_bytes;
  summary.unchanged_files += tally_.unchanged_files;
  summary.unchanged_bytes += tally_.unchanged_bytes;
  const auto move = [](Notes& to, const Notes& from) {
    const auto kept = std::min(from.first.size(), Notes::k_kept - std::min(Notes::k_kept, to.first.size()));
    to.first.insert(to.first.end(), from.first.begin(),
                    from.first.begin() + static_cast<std::ptrdiff_t>(kept));
    to.count += from.count;
    to.bytes += from.bytes;
  };
  move(summary.failed, tally_.failed);
  move(summary.skipped, tally_.skipped);
  move(summary.changing, tally_.changing);
  move(summary.unsteady, tally_.unsteady);
  const auto unsaved = [&](FileId file, const std::string& last) {
    const auto size = plan_->tree()[file].state.size;
    summary.failed.add(size, [&] {
      return Note{plan_->shown(file), size, last.empty() ? reason : reason + "; before that: " + last};
    });
  };
  std::vector<FileId> begun(hands_.begin(), hands_.end());
  std::sort(begun.begin(), begun.end(), [this](FileId a, FileId b) {
    const auto x = plan_->tree()[a].state.modified;
    const auto y = plan_->tree()[b].state.modified;
    return x != y ? x > y : plan_->shown(a) < plan_->shown(b);
  });
  for (const FileId file : begun) unsaved(file, {});
  for (std::size_t i = 0; i < plan_->targets().size(); ++i)
    schedule_.take_all(static_cast<std::uint16_t>(i), unsaved);
}

}  // namespace curfew::save
