// A save from looking to the summary.
#include "save/saver.hpp"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "os/files.hpp"
#include "save/transfer.hpp"

namespace curfew::save {
namespace asio = boost::asio;
using net::Awaitable;

namespace {

constexpr Millis k_progress_every{250};
// What a save that was cut may still take, in all less than a second.
constexpr Millis k_lanes_end{250};
constexpr Millis k_aborts_end{350};
constexpr Millis k_manifest_end{150};
constexpr Millis k_step{25};
constexpr Millis k_compact_end{
    20'000};  // a save that wasn't cut: a few hundred thousand lines on a slow disk
// Comparing spares work; it must not eat the time for the work.
constexpr Millis k_longest_comparing{60'000};
constexpr int k_comparing_share = 10;
constexpr std::size_t k_few = 8;  // as many files are asked for singly rather than by listing
constexpr std::size_t k_page = 1000;
constexpr std::size_t k_foreign_pages = 100;  // of objects under the prefix that aren't ours

}  // namespace

struct Saver::Run : std::enable_shared_from_this<Saver::Run> {
  Run(asio::any_io_executor executor, aws::S3& s3, const os::Clock& on, Options given)
      : options(std::move(given)), clock(on), wake(executor) {
    means = std::make_shared<Means>(
        Means{executor, s3, on, std::make_shared<Workers>(executor, options.threads),
              std::make_shared<Journal>(options.manifest_path), options.steady, options.left_out});
  }

  // What the first job on a thread finds out.
  struct Looked {
    std::shared_ptr<Plan> plan;
    std::vector<Leftover> leftovers;
    std::optional<Error> manifest_error;
    std::atomic<std::uint64_t> count{0};
  };
  // A coroutine beside the main one.
  struct Side {
    asio::cancellation_signal signal;
    bool ended = false;
  };

  Awaitable<Summary> save();
  Awaitable<bool> look();
  Awaitable<void> compare();
  static Awaitable<void> list(std::shared_ptr<Run> self, std::uint16_t target);
  static Awaitable<void> clean(std::shared_ptr<Run> self);
  static Awaitable<void> do_job(std::shared_ptr<Run> self, std::function<void()> job);
  Awaitable<void> look_again();
  Awaitable<void> send();
  Awaitable<void> cut_short();
  Awaitable<bool> pause();
  template <class Condition>
  Awaitable<void> wait_while(Condition condition, Millis at_most);
  std::shared_ptr<Side> beside(Awaitable<void> work);
  void drop(Side& side) { side.signal.emit(asio::cancellation_type::terminal); }
  void show(Phase phase);
  [[nodiscard]] std::string reason() const {
    return summary.limit_hit ? "the limit for saving ran out" : "saving was cut short";
  }

  Options options;
  const os::Clock& clock;
  Gate wake;
  std::shared_ptr<Means> means;
  std::shared_ptr<Looked> looked = std::make_shared<Looked>();
  std::shared_ptr<Transfer> transfer;
  Summary summary;
  bool cancel_asked = false;
  bool compared = false;  // the plan is no longer the listing's to change
  BootTime looked_at{};
  std::optional<BootTime> last_shown;
};

Saver::Saver(asio::any_io_executor executor, aws::S3& s3, const os::Clock& clock, Options options)
    : run_(std::make_shared<Run>(std::move(executor), s3, clock, std::move(options))) {}
Saver::~Saver() = default;

Awaitable<Summary> Saver::save() {
  const auto run = run_;
  co_return co_await run->save();
}

void Saver::cancel() {
  run_->cancel_asked = true;
  run_->wake.open();
}

// Waits a tick, or until something happened. False once the save is to end.
Awaitable<bool> Saver::Run::pause() {
  co_await wake.wait_for(options.tick);
  const auto cancelled = (co_await asio::this_coro::cancellation_state).cancelled();
  if (cancelled != asio::cancellation_type::none) cancel_asked = true;
  if (cancel_asked) summary.cancelled = true;
  else if (clock.boot() >= options.until) summary.limit_hit = true;
  co_return !summary.cancelled && !summary.limit_hit;
}

// By the machine's own clock: the one given may stand still.
template <class Condition>
Awaitable<void> Saver::Run::wait_while(Condition condition, Millis at_most) {
  const auto end = std::chrono::steady_clock::now() + at_most;
  while (condition() && std::chrono::steady_clock::now() < end) co_await wake.wait_for(k_step);
}

std::shared_ptr<Saver::Run::Side> Saver::Run::beside(Awaitable<void> work) {
  auto side = std::make_shared<Side>();
  asio::co_spawn(means->executor, std::move(work),
                 asio::bind_cancellation_slot(side->signal.slot(),
                                              [self = shared_from_this(), side](const std::exception_ptr&) {
                                                side->ended = true;
                                                self->wake.open();
                                              }));
  return side;
}

void Saver::Run::show(Phase phase) {
  if (!options.progress) return;
  const BootTime now = clock.boot();
  if (last_shown && now - *last_shown < k_progress_every) return;
  last_shown = now;
  Progress progress;
  progress.phase = phase;
  progress.left = options.until - now;
  if (phase == Phase::looking) progress.files_done = looked->count;
  if (phase == Phase::comparing) progress.files_total = looked->plan->tree().size();
  if (phase == Phase::sending) transfer->fill(progress);
  options.progress(progress);
}

Awaitable<Summary> Saver::Run::save() {
  // Cancelled, this coroutine ends in order instead of being thrown out of.
  const bool throws = co_await asio::this_coro::throw_if_cancelled();
  co_await asio::this_coro::throw_if_cancelled(false);
  const BootTime began = clock.boot();
  if (began >= options.until) summary.limit_hit = true;
  else if (cancel_asked) summary.cancelled = true;
  const bool known = !summary.limit_hit && !summary.cancelled && co_await look();
  if (known) {
    co_await compare();
    co_await send();
  } else {
    *means->stop = true;
    for (const auto& target : options.targets)
      summary.failed.add({target.source, 0, reason() + " before it was looked at"});
  }
  if (const auto error = means->journal->failure())
    summary.warnings.push_back("the list of what is saved isn't up to date: " + error->text());
  summary.elapsed = clock.boot() - began;
  co_await asio::this_coro::throw_if_cancelled(throws);
  co_return std::move(summary);
}

// Finds the files and reads the manifest, on a thread.
Awaitable<bool> Saver::Run::look() {
  auto job = [out = looked, stop = means->stop, targets = options.targets, base = options.base_dir,
              reader = options.reader, manifest_path = options.manifest_path, journal = means->journal] {
    auto manifest = Manifest::load(manifest_path);
    if (!manifest) out->manifest_error = std::move(manifest.error());
    const Manifest none;
    const Manifest& known = manifest ? *manifest : none;
    if (manifest) journal->loaded(known);
    out->leftovers = known.leftovers();
    const std::string own = manifest_path.empty() ? std::string{} : os::folder_of(manifest_path);
    Found found = walk(targets, base, own, *stop, out->count, reader);
    out->plan = std::make_shared<Plan>(targets, std::move(found), known);
  };
  const auto side = beside(do_job(shared_from_this(), std::move(job)));
  while (!side->ended) {
    show(Phase::looking);
    const bool go_on = co_await pause();
    if (go_on) continue;
    *means->stop = true;
    drop(*side);
    co_return false;
  }
  if (!looked->plan) co_return false;  // a bug or no memory: the job threw
  if (looked->manifest_error)
    summary.warnings.push_back(looked->manifest_error->text() + ": all is compared with S3");
  looked_at = clock.boot();
  Found& found = looked->plan->found();
  summary.failed = std::move(found.failed);
  summary.skipped = std::move(found.skipped);
  Notes& missing = options.steady ? summary.skipped : summary.failed;
  for (auto& note : found.missing.first) missing.add(std::move(note));
  missing.count += found.missing.count - found.missing.first.size();
  co_return true;
}

Awaitable<void> Saver::Run::do_job(std::shared_ptr<Run> self, std::function<void()> job) {
  const auto workers = self->means->workers;
  const bool ran = co_await workers->run(std::move(job));
  static_cast<void>(ran);
}

Awaitable<void> Saver::Run::list(std::shared_ptr<Run> self, std::uint16_t target) {
  Plan& plan = *self->looked->plan;
  const std::size_t most = k_foreign_pages + 2 * plan.files_of(target) / k_page;
  std::string next;
  for (std::size_t page = 0; page < most; ++page) {
    aws::S3Location prefix = plan.prefix_of(target);
    auto objects = co_await self->means->s3.list(std::move(prefix), next);
    if (self->compared || !objects)
      co_return;  // too late; or a role that may only write: no error, all is uploaded
    for (const auto& object : objects->objects) plan.seen(target, object);
    next = std::move(objects->next);
    if (next.empty()) co_return plan.seen_all(target);
  }
}

Awaitable<void> Saver::Run::clean(std::shared_ptr<Run> self) {
  std::vector<Leftover> leftovers = std::move(self->looked->leftovers);
  const auto error = co_await abort_leftovers(self->means, std::move(leftovers));
  if (error)
    self->summary.warnings.push_back("an unfinished upload of an earlier save could not be aborted: " +
                                     error->text());
}

// Asks S3 what it has, and tidies up after an earlier guard; within a share of the time that is left.
Awaitable<void> Saver::Run::compare() {
  Plan& plan = *looked->plan;
  std::vector<std::shared_ptr<Side>> sides;
  if (!looked->leftovers.empty()) sides.push_back(beside(clean(shared_from_this())));
  const auto targets = static_cast<std::uint16_t>(options.targets.size());
  for (std::uint16_t i = 0; i < targets; ++i) {
    const auto files = plan.files_of(i);
    if (files > 0 && files <= k_few) plan.ask_each(i);
    else if (files > 0) sides.push_back(beside(list(shared_from_this(), i)));
  }
  const BootTime now = clock.boot();
  const BootTime end = now + std::min(k_longest_comparing, (options.until - now) / k_comparing_share);
  const auto busy = [&] {
    return std::any_of(sides.begin(), sides.end(), [](const auto& side) { return !side->ended; });
  };
  while (busy() && clock.boot() < end) {
    show(Phase::comparing);
    const bool go_on = co_await pause();
    if (!go_on) break;
  }
  for (const auto& side : sides)
    if (!side->ended) drop(*side);
}

// Lets as much time pass since the first look as Steady asks for. The second is taken as each file is opened.
Awaitable<void> Saver::Run::look_again() {
  const BootTime end = looked_at + options.steady->between;
  while (clock.boot() < end) {
    show(Phase::comparing);
    const bool go_on = co_await pause();
    if (!go_on) co_return;
  }
}

Awaitable<void> Saver::Run::send() {
  auto plan = looked->plan;
  auto order = std::make_shared<Plan::Order>();
  compared = true;
  const auto sorting = beside(do_job(shared_from_this(), [plan, order] { *order = plan->order(); }));
  while (!sorting->ended) {
    // Not cut short: what isn't saved is listed in order. It takes well under a second.
    const bool go_on = co_await pause();
    static_cast<void>(go_on);
  }
  auto ended = [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->wake.open();
  };
  transfer = std::make_shared<Transfer>(means, std::move(plan), *order, options.pace, options.parallel,
                                        std::move(ended));
  const bool any = !order->small.empty() || !order->large.empty();
  if (options.steady && any && !summary.limit_hit && !summary.cancelled) co_await look_again();
  if (!summary.limit_hit && !summary.cancelled) {
    transfer->start();
    while (transfer->running()) {
      show(Phase::sending);
      const bool go_on = co_await pause();
      transfer->tick();
      if (!go_on) break;
    }
  }
  const bool cut = summary.limit_hit || summary.cancelled;
  if (cut) co_await cut_short();
  if (options.left_out) options.left_out->end_save(cut);
  // A limit that ran out just as the last file was done took nothing away.
  transfer->finish(summary, reason());
  if (summary.failed.count == 0) summary.limit_hit = summary.cancelled = false;
  // Hundreds of thousands of files are not kept in memory while the manifest is read again.
  transfer.reset();
  looked.reset();
  const auto journal = means->journal;
  const auto writing = beside(do_job(shared_from_this(), [journal, cut] {
    ::malloc_trim(0);  // what is free stays with the thread that made it otherwise
    journal->write();
    if (!cut) journal->compact();
  }));
  co_await wait_while([&] { return !writing->ended; }, cut ? k_manifest_end : k_compact_end);
}

Awaitable<void> Saver::Run::cut_short() {
  transfer->stop();
  co_await wait_while([this] { return transfer->running(); }, k_lanes_end);
  transfer->abort_open();
  co_await wait_while([this] { return transfer->aborting(); }, k_aborts_end);
}

}  // namespace curfew::save
