// `curfew wait JOB` is in wait_job.cpp. Otherwise: what the job is where there is no command to run; not for people.
//
//   curfew wait --machine                until it's told to end
//   curfew wait --pid PID --start TICKS --grace SECONDS
//                                        until that process is gone; told to end, it ends it
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/jobs_commands.hpp"
#include "cli/role_words.hpp"
#include "os/fd.hpp"
#include "os/process_tree.hpp"

namespace curfew::cli {
namespace {

constexpr Millis k_kill_ahead{1'000};  // before the guard kills this process, which could then kill nobody
constexpr int k_look_ms = 100;

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

Millis monotonic() {
  return std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch());
}

// The process, and what it had started when it was first told to end: that may outlive it.
class Watched {
 public:
  Watched(os::Fd pidfd, pid_t pid) : pidfd_(std::move(pidfd)), pid_(pid) {}

  [[nodiscard]] int pidfd() const { return gone_ ? -1 : pidfd_.get(); }
  void signal(int number) {
    if (!gone_) {
      for (const auto& below : os::descendants(pid_)) remember(below);
      ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0U);
    }
    for (const auto& below : below_) os::signal_process(below, number);
  }
  void set_gone() { gone_ = true; }
  [[nodiscard]] bool all_gone() const {
    return gone_ && std::none_of(below_.begin(), below_.end(), [](const os::Process& process) {
             const auto now = os::read_process(process.pid);
             return now && now->start == process.start && now->state != 'Z';
           });
  }

 private:
  void remember(const os::Process& process) {
    const auto same = [&](const os::Process& known) {
      return known.pid == process.pid && known.start == process.start;
    };
    if (std::none_of(below_.begin(), below_.end(), same)) below_.push_back(process);
  }

  os::Fd pidfd_;
  pid_t pid_;
  bool gone_ = false;
  std::vector<os::Process> below_;
};

int wait_for_process(pid_t pid, std::uint64_t start, Millis grace) {
  os::Fd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U))};
  const auto process = os::read_process(pid);
  if (!pidfd || !process || process->start != start) {
    std::printf("curfew: process %d has ended already; how can't be known\n", static_cast<int>(pid));
    return 0;
  }
  Watched watched(std::move(pidfd), pid);
  const auto signals = take_signals();
  std::optional<Millis> kill_at;  // counts from the first signal
  while (!watched.all_gone()) {
    std::array<pollfd, 2> polled{{{watched.pidfd(), POLLIN, 0}, {signals.get(), POLLIN, 0}}};
    if (::poll(polled.data(), polled.size(), kill_at ? k_look_ms : -1) < 0 && errno != EINTR)
      return k_exit_failed;
    if (polled[0].revents != 0) watched.set_gone();
    if (polled[1].revents != 0) {
      watched.signal(next_signal(signals.get()));
      if (!kill_at) kill_at = monotonic() + std::max(grace - k_kill_ahead, Millis{0});
    }
    if (kill_at && monotonic() >= *kill_at) watched.signal(SIGKILL);
  }
  std::printf("curfew: process %d has ended; how can't be known\n", static_cast<int>(pid));
  return 0;
}

}  // namespace

int wait_command(const Words& words, const World& world) {
  const bool is_machines = words == Words{"--machine"};
  if (!is_machines && !has_word(words, "--pid")) return wait_for_job(words, world);
  if (is_machines) {
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
  const Seconds patience{static_cast<std::int64_t>(std::min<std::uint64_t>(*grace, 100'000'000))};
  return wait_for_process(static_cast<pid_t>(*pid), *start, patience);
}

}  // namespace curfew::cli
