// A child, a thread that reads what it prints, and a descriptor for our own signals.
#include "launch/stage_process.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <future>
#include <thread>

#include "os/command.hpp"

namespace curfew::launch {
namespace {

using Steady = std::chrono::steady_clock;

// What a program has printed is in the pipe when it ends; what it left running may keep that open for ever.
constexpr Millis k_drain_limit{1'000};
constexpr std::size_t k_chunk = 64U << 10U;

// Blocks what is heard by descriptor, and puts the mask back.
class Signals {
 public:
  Signals() {
    sigset_t heard;
    ::sigemptyset(&heard);
    for (const int one : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2}) ::sigaddset(&heard, one);
    ::pthread_sigmask(SIG_BLOCK, &heard, &old_);
    fd_.reset(::signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~Signals() { ::pthread_sigmask(SIG_SETMASK, &old_, nullptr); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] std::optional<int> next() const {
    signalfd_siginfo info{};
    if (::read(fd_.get(), &info, sizeof info) != sizeof info) return {};
    return static_cast<int>(info.ssi_signo);
  }

 private:
  sigset_t old_{};
  os::Fd fd_;
};

// Until every end for writing is closed.
void pump(const os::Fd& from, StageLog& log) {
  std::vector<char> chunk(k_chunk);
  for (;;) {
    pollfd wait{from.get(), POLLIN, 0};
    if (::poll(&wait, 1, -1) < 0 && errno != EINTR) return;
    const auto got = ::read(from.get(), chunk.data(), chunk.size());
    if (got > 0) log.write({chunk.data(), static_cast<std::size_t>(got)});
    else if (got == 0 || (errno != EAGAIN && errno != EINTR)) return;
  }
}

Millis left_until(std::optional<Steady::time_point> until) {
  constexpr Millis k_long{60'000};
  if (!until) return k_long;
  return std::clamp(std::chrono::ceil<Millis>(*until - Steady::now()), Millis{0}, k_long);
}

bool is_handed_on(int signal) { return signal == SIGUSR1 || signal == SIGUSR2 || signal == SIGHUP; }

// `child`: 0 once there is none.
void hear(const Signals& signals, pid_t child, ProcessEnd& end) {
  while (const auto signal = signals.next()) {
    if (!is_handed_on(*signal)) end.told = *signal;
    else if (child > 0) ::kill(child, *signal);
  }
}

}  // namespace

std::string ProcessEnd::text() const {
  if (timed_out) return "not done in time";
  if (signal != 0) return "killed by signal " + std::to_string(signal);
  return "exit status " + std::to_string(code);
}

Result<ProcessEnd> run_logged(const std::vector<std::string>& argv,
                              const std::vector<std::string>& environment, std::optional<Millis> limit,
                              const std::shared_ptr<StageLog>& log) {
  const Signals signals;
  const os::Surroundings around{environment, true, {}};
  auto running = os::start_command(argv, {}, &around);
  if (!running) return fail(std::move(running.error()));
  auto drained = std::make_shared<std::promise<void>>();
  auto is_drained = drained->get_future();
  // It has the signals blocked, as its parent has now, and outlives this call where the pipe stays open.
  std::thread([drained, log, output = std::make_shared<os::Fd>(std::move(running->output))] {
    pump(*output, *log);
    drained->set_value();
  }).detach();

  ProcessEnd end;
  std::optional<Steady::time_point> until;
  if (limit) until = Steady::now() + *limit;
  for (;;) {
    std::array<pollfd, 2> wait{{{running->pidfd.get(), POLLIN, 0}, {signals.fd(), POLLIN, 0}}};
    ::poll(wait.data(), wait.size(), static_cast<int>(left_until(until).count()));
    hear(signals, running->pid, end);
    if (wait[0].revents != 0) break;
    if (!until || Steady::now() < *until) continue;
    ::kill(-running->pid, end.timed_out ? SIGKILL : SIGTERM);
    if (!end.timed_out) ::kill(-running->pid, SIGCONT);
    end.timed_out = true;
    until = Steady::now() + k_stage_grace;
  }
  // Of its group nobody is to go on after its time.
  if (end.timed_out) ::kill(-running->pid, SIGKILL);
  int status = 0;
  while (::waitpid(running->pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  else end.code = WEXITSTATUS(status);
  hear(signals, 0, end);
  (void)is_drained.wait_for(k_drain_limit);
  return end;
}

}  // namespace curfew::launch
