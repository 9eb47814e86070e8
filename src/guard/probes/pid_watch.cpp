// Watches and signals by pidfd.
#include "guard/probes/pid_watch.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <utility>

namespace curfew::guard {
namespace {

constexpr Millis k_wait{3'600'000};
constexpr std::size_t k_most_family = 65'536;
constexpr std::size_t k_most_orphans =
    64;                           // whose own children are looked for: each costs a walk through /proc
constexpr int k_deepest = 1'024;  // generations above this process

bool is_alive(const os::Process& process) {
  const auto now = os::read_process(process.pid);
  return now && now->start == process.start && now->state != 'Z' && now->state != 'X';
}

// This process, or one that it hangs below.
bool is_above_us(pid_t pid) {
  pid_t at = ::getpid();
  for (int i = 0; i < k_deepest && at > 1; ++i) {
    if (at == pid) return true;
    const auto process = os::read_process(at);
    if (!process) return false;
    at = process->parent;
  }
  return false;
}

bool is_ours(const os::Process& process) { return process.pid == ::getpid(); }

}  // namespace

Result<PidWatch> PidWatch::open(pid_t pid, std::optional<std::uint64_t> start) {
  const std::string what = "watch process " + std::to_string(pid);
  if (pid <= 1) return fail(ErrorKind::invalid_input, what, "is not a process that could be guarded");
  if (is_above_us(pid))
    return fail(ErrorKind::invalid_input, what, "it has started this guard, which would end with it",
                "start curfew from elsewhere");
  os::Fd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U))};
  if (!pidfd) {
    const int error = errno;
    if (error == ESRCH) return fail(ErrorKind::not_found, what, "there is no such process");
    if (error == EINVAL || error == ENOENT)
      return fail(ErrorKind::invalid_input, what, "is a thread of another process", "give that one's number");
    if (error == ENOSYS)
      return fail(ErrorKind::system, what, "this kernel is older than 5.3, and can't watch it safely");
    return fail_errno(what, error);
  }
  // Read after it was opened: what the descriptor holds is what is read, or has ended.
  const auto process = os::read_process(pid);
  if (!process || process->state == 'Z' || process->state == 'X')
    return fail(ErrorKind::not_found, what, "it has ended");
  if (start && process->start != *start)
    return fail(ErrorKind::not_found, what, "it has ended; another process has its number now");
  PidWatch watch(*process, std::move(pidfd));
  if (watch.has_ended()) return fail(ErrorKind::not_found, what, "it has ended");
  watch.look();
  return watch;
}

bool PidWatch::has_ended() const {
  pollfd wait{pidfd_.get(), POLLIN, 0};
  return ::poll(&wait, 1, 0) > 0;
}

Awaitable<void> PidWatch::ended() const {
  bool gone = has_ended();
  while (!gone) {
    (void)co_await readable(pidfd_.get(), k_wait);
    gone = has_ended();
  }
}

void PidWatch::look() {
  std::vector<os::Process> found;
  std::set<std::pair<pid_t, std::uint64_t>> names;
  const auto add = [&](const os::Process& process) {
    if (found.size() >= k_most_family || !is_alive(process)) return;
    if (names.emplace(process.pid, process.start).second) found.push_back(process);
  };
  if (!has_ended()) {
    const auto below = os::descendants(process_.pid, is_ours);
    // Where it has ended meanwhile, they may be the children of another process by its number.
    if (!has_ended()) std::for_each(below.begin(), below.end(), add);
  }
  // Those whose parent ended hang below init now, with what they start.
  std::size_t orphans = 0;
  for (const os::Process& before : family_) {
    if (names.contains({before.pid, before.start}) || !is_alive(before)) continue;
    add(before);
    if (++orphans > k_most_orphans) continue;
    const auto theirs = os::descendants(before.pid, is_ours);
    if (is_alive(before)) std::for_each(theirs.begin(), theirs.end(), add);
  }
  family_ = std::move(found);
}

std::size_t PidWatch::signal_tree(int signal) {
  look();
  std::size_t sent = 0;
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0U) == 0) ++sent;
  for (const os::Process& process : family_)
    if (os::signal_process(process, signal)) ++sent;
  return sent;
}

bool PidWatch::tree_gone() {
  look();
  return has_ended() && family_.empty();
}

}  // namespace curfew::guard
