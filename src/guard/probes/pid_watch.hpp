// A process that was there before curfew: watched by a descriptor that can't come to mean another process, and signalled
// with what it started. It isn't our child, so how it ends can't be known.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "guard/async.hpp"
#include "os/fd.hpp"
#include "os/process_tree.hpp"

namespace curfew::guard {

class PidWatch {
 public:
  // `start` is os::Process::start as it was when the user named the process: another one is another process by that
  // number. Errors: not_found (ended, or another one by now), invalid_input (a thread; init; this process or one that
  // it hangs below, which would end its own guard), system (kernel before 5.3).
  [[nodiscard]] static Result<PidWatch> open(pid_t pid, std::optional<std::uint64_t> start = {});

  [[nodiscard]] const os::Process& process() const { return process_; }
  // Readable once it has ended, also while its parent hasn't reaped it.
  [[nodiscard]] int fd() const { return pidfd_.get(); }
  [[nodiscard]] bool has_ended() const;
  // Returns once it has ended.
  [[nodiscard]] Awaitable<void> ended() const;

  // Notes who belongs to it. What it started is found below it only while it lives, and would else be lost with its end:
  // call it every few seconds.
  void look();
  // What it started and is still there, as of the last look.
  [[nodiscard]] const std::vector<os::Process>& family() const { return family_; }

  // Looks, then sends to it and to its family; how many were sent one. A process of another user may refuse.
  std::size_t signal_tree(int signal);
  // Nobody is left, itself included; looks first.
  [[nodiscard]] bool tree_gone();

 private:
  PidWatch(os::Process process, os::Fd pidfd) : process_(process), pidfd_(std::move(pidfd)) {}

  os::Process process_;
  os::Fd pidfd_;
  std::vector<os::Process> family_;
};

}  // namespace curfew::guard
