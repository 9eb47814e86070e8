// Runs programs of the system with a time limit.
#include "os/command.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/text.hpp"
#include "os/clock.hpp"
#include "os/files.hpp"
#include "os/signals.hpp"

namespace curfew::os {
namespace {

constexpr std::size_t k_most_output = 64U << 10U;
constexpr int k_most_reads = 64;  // four times what a pipe holds

struct Ends {
  int in;
  int out;
  int errors;
};

// The child's side, between fork and exec: only async-signal-safe calls.
[[noreturn]] void become(const char* path, char* const* argv, char* const* env, Ends ends,
                         const Account* as) {
  ::setpgid(0, 0);
  if (ends.in != 0) ::dup2(ends.in, 0);
  ::dup2(ends.out, 1);
  ::dup2(ends.errors, 2);
  if (as != nullptr && (::setgroups(0, nullptr) != 0 || ::setgid(as->group) != 0 || ::setuid(as->user) != 0))
    ::_exit(126);
  ::syscall(SYS_close_range, 3U, ~0U, 0U);
  default_signals();
  ::execve(path, argv, env);
  ::_exit(errno == ENOENT ? 127 : 126);
}

Result<Fd> input_of(std::string_view input) {
  if (input.empty()) {
    Fd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    if (!null) return fail_errno("open /dev/null", errno);
    return null;
  }
  Fd memory{::memfd_create("curfew-input", MFD_CLOEXEC)};
  if (!memory) return fail_errno("make a memory file", errno);
  if (auto written = write_all(memory.get(), input, "a memory file"); !written)
    return fail(std::move(written.error()));
  if (::lseek(memory.get(), 0, SEEK_SET) != 0) return fail_errno("rewind a memory file", errno);
  return memory;
}

// As exec wants them; good as long as the texts are.
std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const auto& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Result<std::string> find_program(std::string_view name) {
  if (name.find('/') != std::string_view::npos) return std::string(name);
  for (const auto folder : split(k_system_path, ':')) {
    std::string path = std::string(folder) + "/" + std::string(name);
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return fail(ErrorKind::not_found, "run " + std::string(name), "there is no such program on this machine");
}

Result<Running> start_command(const std::vector<std::string>& argv, std::string_view input,
                              const Surroundings* surroundings) {
  auto path = find_program(argv.at(0));
  if (!path) return fail(std::move(path.error()));
  auto in = input_of(input);
  if (!in) return fail(std::move(in.error()));
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return fail_errno("run " + argv[0], errno);
  Fd read_end{pipe[0]};
  const Fd write_end{pipe[1]};
  ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);

  // UTC, so that times read back are in the zone that we read.
  const std::vector<std::string> clean{"PATH=" + std::string(k_system_path), "LC_ALL=C", "TZ=UTC"};
  const auto words = pointers_to(argv);
  const auto env = pointers_to(surroundings != nullptr ? surroundings->environment : clean);
  Fd unheard;
  if (surroundings != nullptr && !surroundings->with_errors) {
    unheard.reset(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    if (!unheard) return fail_errno("open /dev/null", errno);
  }
  const int errors = unheard ? unheard.get() : write_end.get();

  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("run " + argv[0], errno);
  if (pid == 0) {
    const Ends ends{in->get(), write_end.get(), errors};
    const bool other = surroundings != nullptr && surroundings->as;
    become(path->c_str(), words.data(), env.data(), ends, other ? &*surroundings->as : nullptr);
  }
  Fd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U))};
  if (!pidfd) {
    const int error = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail_errno("watch " + argv[0], error);
  }
  return Running{pid, std::move(pidfd), std::move(read_end)};
}

void read_output(Running& running, std::string& into) {
  std::array<char, 4096> chunk{};
  // Bounded: one that writes faster than this reads must not hold up the caller.
  for (int reads = 0; reads < k_most_reads; ++reads) {
    const auto got = ::read(running.output.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    if (into.size() < k_most_output) into.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

int reap(Running& running) {
  int status = 0;
  while (::waitpid(running.pid, &status, 0) < 0 && errno == EINTR) {
  }
  running.pid = -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void kill_command(Running& running) {
  if (running.pid <= 0) return;
  ::kill(-running.pid, SIGKILL);
  ::kill(running.pid, SIGKILL);
  pollfd wait{running.pidfd.get(), POLLIN, 0};
  if (::poll(&wait, 1, 100) > 0) (void)reap(running);
}

Result<Outcome> run_command(const std::vector<std::string>& argv, Millis limit, std::string_view input) {
  auto running = start_command(argv, input);
  if (!running) return fail(std::move(running.error()));
  const SystemClock clock;
  const auto until = clock.boot() + limit;
  Outcome outcome;
  for (;;) {
    const auto left = until - clock.boot();
    if (left <= Millis{0}) {
      kill_command(*running);
      return fail(ErrorKind::timed_out, "run " + shell_quoted(argv),
                  "did not end within " + format_duration(std::chrono::ceil<Seconds>(limit)));
    }
    std::array<pollfd, 2> wait{{{running->pidfd.get(), POLLIN, 0}, {running->output.get(), POLLIN, 0}}};
    ::poll(wait.data(), running->output ? 2 : 1, static_cast<int>(left.count()));
    if (wait[1].revents != 0) {
      read_output(*running, outcome.output);
      if ((wait[1].revents & POLLHUP) != 0 && (wait[1].revents & POLLIN) == 0) running->output.reset();
    }
    if (wait[0].revents != 0) break;
  }
  if (running->output) read_output(*running, outcome.output);
  outcome.code = reap(*running);
  outcome.output = std::string(trimmed(outcome.output));
  return outcome;
}

}  // namespace curfew::os
