// The guard's keeper.
#include "shim/keeper.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "os/signals.hpp"

namespace curfew::shim {

namespace {

constexpr std::size_t k_sessions = 16;

[[noreturn]] void run_guard(char* const* argv) {
  ::setsid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // survives exec: its orphans come to it, not to the shim
  os::default_signals();
  if (const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC); null >= 0) ::dup2(null, 0);
  ::execv(argv[0], argv);
  ::_exit(127);
}

}  // namespace

void Keeper::start(Moment now) {
  std::vector<char*> argv;
  for (const std::string& word : options_.guard) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) run_guard(argv.data());
  starts_.push_back(now);  // a fork that fails counts as a start that ended at once
  heard_ = now;
  start_at_ = now + options_.guard_restart;
  if (pid < 0) {
    std::fprintf(stderr, "curfew shim: can't start the guard: %s\n", std::strerror(errno));
    return;
  }
  pid_ = pid;
  sessions_.push_back(pid);
  if (sessions_.size() > k_sessions) sessions_.pop_front();
}

void Keeper::step(Moment now) {
  if (done()) return;
  if (pid_ > 0) {
    if (now - heard_ < options_.guard_silence) return;
    std::fprintf(stderr, "curfew shim: the guard (process %d) has been silent for %lld s: it is replaced\n",
                 pid_, static_cast<long long>(options_.guard_silence.count() / 1000));
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    heard_ = now;  // once more later, if it doesn't go
    return;
  }
  if (now < start_at_) return;
  while (!starts_.empty() && now - starts_.front() >= options_.guard_window) starts_.pop_front();
  if (static_cast<int>(starts_.size()) < options_.guard_starts) {
    hopeless_ = false;
    return start(now);
  }
  start_at_ = now + options_.guard_window;
  if (!hopeless_) std::fprintf(stderr, "curfew shim: the guard keeps ending: given up\n");
  hopeless_ = true;
  if (options_.on_guard_hopeless) options_.on_guard_hopeless();
}

std::optional<Moment> Keeper::next() const {
  if (done()) return std::nullopt;
  return pid_ > 0 ? heard_ + options_.guard_silence : start_at_;
}

bool Keeper::reaped(pid_t pid, int status, Moment now) {
  if (pid != pid_ || pid <= 0) return false;
  pid_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    done_ = true;
    return true;
  }
  if (!done_)
    std::fprintf(stderr, "curfew shim: the guard ended (%s %d)\n", WIFEXITED(status) ? "code" : "signal",
                 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
  start_at_ = now + options_.guard_restart;
  return true;
}

bool Keeper::owns(const os::Process& process) const {
  return std::find(sessions_.begin(), sessions_.end(), process.session) != sessions_.end();
}

}  // namespace curfew::shim
