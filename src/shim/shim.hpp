// The job's parent: starts it, holds its pipes or pseudo-terminal, passes its output on, keeps it in a log, reaps what it
// leaves behind, and writes down how it ended. It decides nothing, speaks to no network and can't turn a machine off:
// so small that it has no reason to fail. One thread, one poll(2), nothing that grows.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/times.hpp"
#include "os/shim_channel.hpp"

namespace curfew::shim {

struct ShimOptions {
  // Where there is no systemd, the shim also keeps the guard alive: its program and arguments. Empty: somebody else does.
  std::vector<std::string> guard;
  // Called when the guard can't be kept alive (guard_starts within guard_window), and every guard_window after that.
  std::function<void()> on_guard_hopeless;
  int guard_starts = 5;
  Millis guard_window{600'000};
  Millis guard_restart{1'000};
  Millis guard_silence = os::k_guard_silence;

  // How long a front end is waited for: its job's first output is held for it that long, and its stdin is open.
  Millis front_wait{10'000};
  // From a SIGTERM to the shim, when its unit is stopped, until what is left of the tree is killed.
  Millis stop_wait{5'000};
  // Off: only process groups and /proc, as where cgroup v2 can't be used.
  bool use_cgroup = true;
};

// Runs the job that paths.spec() describes, until its tree is gone and the clients know. Takes over signals, descriptors
// 0 to 2 where they are closed, and the subreaper's part, so it's the whole of a process. Returns the exit code: 0, or
// 125 where the job could not be started for a reason of ours (the exit record says which).
[[nodiscard]] int run_shim(const os::JobPaths& paths, const ShimOptions& options);

}  // namespace curfew::shim
