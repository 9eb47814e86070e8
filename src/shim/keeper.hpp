// Keeps the guard running where no systemd does: starts it, starts it again, and gives up after a number of times.
#pragma once

#include <sys/types.h>

#include <deque>
#include <optional>

#include "os/process_tree.hpp"
#include "shim/shim.hpp"

namespace curfew::shim {

// Milliseconds on CLOCK_MONOTONIC: a machine that slept hasn't got a silent guard.
using Moment = Millis;

class Keeper {
 public:
  explicit Keeper(const ShimOptions& options) : options_(options) {}

  // Whether the shim may leave: no guard to keep, or it has said that it's done.
  [[nodiscard]] bool done() const { return options_.guard.empty() || done_; }
  void set_done() { done_ = true; }

  // Starts, restarts, replaces or gives up, as the time has come. What on_guard_hopeless does may take its time.
  void step(Moment now);
  [[nodiscard]] std::optional<Moment> next() const;
  void heard_from_guard(Moment now) { heard_ = now; }
  // True where `pid` was the guard; `status` as from waitpid(2).
  bool reaped(pid_t pid, int status, Moment now);

  // The guard and what it started aren't the job's.
  [[nodiscard]] bool owns(const os::Process& process) const;
  [[nodiscard]] bool has_started() const { return !sessions_.empty(); }

 private:
  void start(Moment now);

  const ShimOptions& options_;
  bool done_ = false;
  bool hopeless_ = false;
  pid_t pid_ = -1;
  Moment start_at_{0};
  Moment heard_{0};
  std::deque<Moment> starts_;   // within the window; at most guard_starts
  std::deque<pid_t> sessions_;  // of the last guards: what a dead one left behind
};

}  // namespace curfew::shim
