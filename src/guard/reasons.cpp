// Asks the probes, and judges what they say.
#include "guard/reasons.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "base/text.hpp"
#include "os/shim_channel.hpp"

namespace curfew::guard {

namespace asio = boost::asio;

namespace {

constexpr Millis k_look{1'000};
constexpr Millis k_path_look{5'000};
constexpr Seconds k_warn_of_stall{1'800};  // where no --stall was given
constexpr std::size_t k_shown_gpus = 16;

std::string text_of(Millis duration) {
  return format_duration(std::chrono::duration_cast<Seconds>(duration));
}

}  // namespace

Reasons::Reasons(const Spec& spec, World world) : spec_(spec), world_(std::move(world)) {
  const auto& watches = spec_.watches;
  const auto executor = world_.io.get_executor();
  if (watches.idle || watches.gpu_start)
    prober_.emplace(world_.clock, world_.log,
                    [this](const Reading& reading, BootTime at) { take_gpus(reading, at); });
  if (watches.idle && spec_.rules.guards_machine)
    machine_.emplace(spec_, world_.io, world_.clock, world_.log,
                     [this](std::string why) { found(Cause::idle, std::move(why)); });
  // What isn't there needn't answer.
  if (machine_ && !machine_->has_hardware()) prober_->expect_nothing();
  if (!watches.stall_path.empty()) {
    // What the job prints counts by itself, wherever it goes.
    auto own = watches.own_files;
    own.insert(own.end(), {spec_.places.state, spec_.places.run});
    if (!spec_.log.empty()) own.push_back(spec_.log);
    path_watch_.emplace(executor, world_.clock, watches.stall_path, std::move(own));
  }
  if (!watches.done_file.empty()) done_file_.emplace(executor, watches.done_file);
  if (!watches.done_pattern.empty()) {
    // It was compiled when the command line was read; a pattern that isn't one now is a damaged file.
    auto pattern = DonePattern::compile(watches.done_pattern);
    if (pattern)
      done_pattern_.emplace(executor, os::JobPaths{spec_.places.state, spec_.places.run}.output(),
                            std::move(*pattern));
    else world_.log.error("--done-pattern: " + pattern.error().text());
  }
}

void Reasons::start(bool gpu_was_busy) {
  if (std::exchange(started_, true)) return;
  gpus_.ever_busy = gpu_was_busy;
  output_changed_at_ = world_.clock.boot();
  if (prober_) asio::co_spawn(world_.io, prober_->run(), k_rethrow);
  if (machine_) machine_->start();
  if (path_watch_) asio::co_spawn(world_.io, watch_path(), k_rethrow);
  if (done_file_) asio::co_spawn(world_.io, watch_done_file(), k_rethrow);
  if (done_pattern_) asio::co_spawn(world_.io, watch_done_pattern(), k_rethrow);
  asio::co_spawn(world_.io, watch_stall(), k_rethrow);
}

void Reasons::found(Cause cause, std::string why) {
  if (std::exchange(found_, true)) return;
  world_.sink(ReasonFound{cause, std::move(why)});
}

void Reasons::take_gpus(const Reading& reading, BootTime at) {
  const auto& watches = spec_.watches;
  const bool was_busy = gpus_.ever_busy;
  gpus_ = with_reading(std::move(gpus_), reading, at, watches.idle_millipercent / 1'000.0);
  gpus_.ever_busy = gpus_.ever_busy || was_busy;
  if (gpus_.ever_busy && !was_busy) world_.sink(GpuBusy{});
  if (machine_) {
    machine_->take_gpus(reading, gpus_);
  } else if (watches.idle) {
    const Millis idle = watches.idle_any ? any_idle_for(gpus_) : all_idle_for(gpus_);
    if (idle >= *watches.idle)
      found(Cause::idle, std::string(watches.idle_any ? "a GPU has" : "the GPUs have") + " been below " +
                             percent_text(watches.idle_millipercent) + " for " + text_of(idle));
  }
  if (watches.gpu_start && never_busy_for(gpus_) >= *watches.gpu_start)
    found(Cause::gpu_unused, "no GPU was ever busy, for " + text_of(never_busy_for(gpus_)));
}

Awaitable<void> Reasons::watch_stall() {
  const auto& watches = spec_.watches;
  const Millis limit = watches.stall.value_or(k_warn_of_stall);
  for (;;) {
    const auto now = world_.clock.boot();
    // Only that it changed counts, not the wall time it names: that clock may jump.
    const auto output = world_.output_at();
    if (output != last_output_) {
      last_output_ = output;
      output_changed_at_ = now;
      warned_ = false;
    }
    const bool path_is_quiet = !path_watch_ || unchanged_for(path_) >= limit;
    if (now - output_changed_at_ >= limit && path_is_quiet && !spec_.rules.no_command) {
      const std::string why =
          "nothing was written to stdout or stderr" +
          (path_watch_ ? " or below " + printable(watches.stall_path, 200) : std::string()) + " for " +
          text_of(now - output_changed_at_);
      if (watches.stall) found(Cause::stalled, why);
      else if (!std::exchange(warned_, true)) {
        world_.log.warning(why + "; --stall would end the job");
        world_.warn_of_stall(why);
      }
    } else if (watches.stall && path_watch_ && spec_.rules.no_command && path_is_quiet) {
      found(Cause::stalled,
            "nothing was written below " + printable(watches.stall_path, 200) + " for " + text_of(limit));
    }
    co_await pause(k_look);
  }
}

Awaitable<void> Reasons::watch_path() {
  bool said = false;
  for (;;) {
    const auto walked = co_await path_watch_->look();
    if (walked) path_ = with_walk(std::move(path_), *walked, world_.clock.boot());
    else if (!std::exchange(said, true))
      world_.log.warning("--stall-path: " + walked.error().text() + "; what can't be seen is no stall");
    co_await pause(k_path_look);
  }
}

Awaitable<void> Reasons::watch_done_file() {
  bool said = false;
  for (;;) {
    const auto mark = co_await done_file_->look();
    if (mark && has_appeared(spec_.watches.done_file_mark, *mark)) {
      found(Cause::work_done, "the work is done: " + printable(spec_.watches.done_file, 200) + " is there");
      co_return;
    }
    if (!mark && !std::exchange(said, true)) world_.log.warning("--done-file: " + mark.error().text());
    co_await pause(k_look);
  }
}

Awaitable<void> Reasons::watch_done_pattern() {
  bool said = false;
  for (;;) {
    const auto seen = co_await done_pattern_->look();
    if (seen && seen->done) {
      found(Cause::work_done,
            "the work is done: a line matched " + printable(spec_.watches.done_pattern, 200));
      co_return;
    }
    if (!seen && !std::exchange(said, true)) world_.log.warning("--done-pattern: " + seen.error().text());
    const bool more = seen && seen->more;
    if (!more) co_await pause(k_look);
  }
}

Readings Reasons::readings() const {
  Readings out;
  if (!started_) return out;
  const auto now = world_.clock.boot();
  if (prober_) {
    std::size_t shown = 0;
    for (const auto& one : gpus_.each) {
      if (++shown > k_shown_gpus) break;
      out.gpus += (out.gpus.empty() ? "" : ", ") + one.name + " " +
                  (one.busy_percent ? std::to_string(static_cast<int>(*one.busy_percent)) + "%" : "unknown");
    }
    if (out.gpus.empty()) out.gpus = "unknown";
  }
  if (!spec_.rules.no_command) out.output = "silent for " + text_of(now - output_changed_at_);
  if (machine_) out.machine = machine_->readings();
  if (path_watch_) out.path = "unchanged for " + text_of(unchanged_for(path_));
  return out;
}

}  // namespace curfew::guard
