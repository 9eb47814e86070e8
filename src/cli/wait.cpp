// `curfew wait`: what the job is where there is no command to run. Not for people.
//
//   curfew wait                          until it's told to end
//   curfew wait --pid PID --start TICKS --grace SECONDS
//                                        until that process is gone; told to end, it ends it
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <optional>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/role_words.hpp"
#include "os/fd.hpp"
#include "os/process_tree.hpp"

namespace curfew::cli {
namespace {

constexpr int k_kill_ahead_ms = 1'000;  // before the guard kills this process, which could then kill nobody

// The signals that end it, as a descriptor.
os::Fd take_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) ::sigaddset(&set, number);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  return os::Fd{::signalfd(-1, &set, SFD_CLOEXEC)};
}

int next_signal(int fd) {
  signalfd_siginfo info{};
  return ::read(fd, &info, sizeof info) == static_cast<ssize_t>(sizeof info)
             ? static_cast<int>(info.ssi_signo)
             : 0;
}

// The process and all that it started.
void signal_all(int pidfd, pid_t pid, int signal) {
  for (const auto& process : os::descendants(pid)) (void)os::signal_process(process, signal);
  ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0U);
}

int wait_for_process(pid_t pid, std::uint64_t start, int grace_ms) {
  const os::Fd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U))};
  const auto process = os::read_process(pid);
  if (!pidfd || !process || process->start != start) {
    std::printf("curfew: process %d has ended already; how can't be known\n", static_cast<int>(pid));
    return 0;
  }
  const auto signals = take_signals();
  int wait_ms = -1;
  for (;;) {
    pollfd polled[2] = {{pidfd.get(), POLLIN, 0}, {signals.get(), POLLIN, 0}};
    const int ready = ::poll(polled, 2, wait_ms);
    if (ready < 0 && errno != EINTR) return k_exit_failed;
    if (polled[0].revents != 0) {
      std::printf("curfew: process %d has ended; how can't be known\n", static_cast<int>(pid));
      return 0;
    }
    if (ready == 0) {
      signal_all(pidfd.get(), pid, SIGKILL);
      wait_ms = 100;
    } else if (polled[1].revents != 0) {
      signal_all(pidfd.get(), pid, next_signal(signals.get()));
      if (wait_ms < 0) wait_ms = grace_ms > k_kill_ahead_ms ? grace_ms - k_kill_ahead_ms : 0;
    }
  }
}

}  // namespace

int wait_command(const Words& words, const World&) {
  if (!has_word(words, "--pid")) {
    const auto signals = take_signals();
    return 128 + next_signal(signals.get());
  }
  const auto pid = parse_number(word_after(words, "--pid"));
  const auto start = parse_number(word_after(words, "--start"));
  const auto grace = parse_number(word_after(words, "--grace"));
  if (!pid || *pid == 0 || *pid > 0x7fffffff || !start || !grace) {
    std::fputs("curfew: wait is started by `curfew run --pid`, not by hand\n", stderr);
    return k_exit_failed;
  }
  const auto grace_ms = static_cast<int>(std::min<std::uint64_t>(*grace, 1'000'000) * 1'000);
  return wait_for_process(static_cast<pid_t>(*pid), *start, grace_ms);
}

}  // namespace curfew::cli
