// fork and exec of the job.
#include "shim/start.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "os/files.hpp"
#include "os/signals.hpp"
#include "os/terminal.hpp"

extern char** environ;

namespace curfew::shim {

namespace {

// What the child was doing when it failed; travels through the status pipe with errno.
enum class Step : int { session, cgroup, terminal, descriptors, identity, folder, execute };

struct Report {
  Step step = Step::execute;
  int error = 0;
};

// More than the default 64 KiB: fewer turns for a chatty job. Refused past a user's quota, which is fine.
constexpr int k_pipe_bytes = 256 * 1024;

// All that the child needs, made before the fork.
struct Plan {
  const os::JobSpec* spec = nullptr;
  std::vector<char*> argv;
  std::vector<char*> env;
  std::string oom_score;
  std::array<int, 3> descriptors{-1, -1, -1};
  int terminal = -1;      // to become the controlling one
  int cgroup_procs = -1;  // to write "0" to; -1 where clone3 did it or there's none
  int status = -1;
};

[[noreturn]] void give_up(int status, Step step) {
  const Report report{step, errno};
  while (::write(status, &report, sizeof report) < 0 && errno == EINTR) continue;
  ::_exit(k_not_set_up);
}

void restore_limits(const os::JobSpec& spec) {
  for (const auto& [resource, wanted] : spec.limits) {
    const auto which = static_cast<__rlimit_resource_t>(resource);
    if (::setrlimit(which, &wanted) == 0) continue;
    // Without the right to raise it, as near as we may.
    rlimit now{};
    if (::getrlimit(which, &now) != 0) continue;
    const rlimit near{std::min(wanted.rlim_cur, now.rlim_max), std::min(wanted.rlim_max, now.rlim_max)};
    ::setrlimit(which, &near);
  }
}

void take_identity(const os::JobSpec& spec, int status) {
  if (::geteuid() == 0) {
    if (::setgroups(spec.groups.size(), spec.groups.data()) != 0 && (errno != EPERM || spec.uid != 0))
      give_up(status, Step::identity);
  }
  if (::setresgid(spec.gid, spec.gid, spec.gid) != 0 || ::setresuid(spec.uid, spec.uid, spec.uid) != 0)
    give_up(status, Step::identity);
}

void close_inherited() {
  if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  // Before Linux 5.11. Our own are all close-on-exec; this is for what was handed to us.
  const long most = std::min(::sysconf(_SC_OPEN_MAX), 65'536L);
  for (int fd = 3; fd < most; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

// The caller's world, but for the session and the descriptors.
[[noreturn]] void become_job(const Plan& plan) {
  const os::JobSpec& spec = *plan.spec;
  // The armour of the one who started us isn't the job's. Raising the score is always allowed.
  if (const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC); score >= 0) {
    [[maybe_unused]] const auto written = ::write(score, plan.oom_score.data(), plan.oom_score.size());
    ::close(score);
  }
  close_inherited();
  restore_limits(spec);
  ::umask(spec.umask);
  take_identity(spec, plan.status);
  if (::chdir(spec.cwd.c_str()) != 0) give_up(plan.status, Step::folder);
  os::default_signals();
  // execvp(3) looks in environ's PATH, and hands a script without "#!" to /bin/sh as every shell does.
  environ = const_cast<char**>(plan.env.data());
  ::execvp(plan.argv[0], plan.argv.data());
  give_up(plan.status, Step::execute);
}

[[noreturn]] void run_child(const Plan& plan) {
  if (::setsid() < 0) give_up(plan.status, Step::session);
  if (plan.cgroup_procs >= 0 && ::write(plan.cgroup_procs, "0", 1) != 1) give_up(plan.status, Step::cgroup);
  if (plan.terminal >= 0 && ::ioctl(plan.terminal, TIOCSCTTY, 0) != 0) give_up(plan.status, Step::terminal);
  for (int fd = 0; fd < 3; ++fd)
    if (::dup2(plan.descriptors[static_cast<std::size_t>(fd)], fd) < 0)
      give_up(plan.status, Step::descriptors);
  become_job(plan);
}

struct Pipe {
  os::Fd read;
  os::Fd write;
};

// The job's end belongs to the job's user, so that it may open /dev/stdout; ours doesn't block.
Result<Pipe> make_pipe(const os::JobSpec& spec, bool ours_reads) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("make a pipe", errno);
  Pipe made{os::Fd{ends[0]}, os::Fd{ends[1]}};
  const int ours = ours_reads ? ends[0] : ends[1];
  if (::fcntl(ours, F_SETFL, O_NONBLOCK) != 0) return fail_errno("make a pipe", errno);
  if (ours_reads) ::fcntl(ours, F_SETPIPE_SZ, k_pipe_bytes);
  if (spec.uid != ::geteuid() && ::fchown(ends[0], spec.uid, spec.gid) != 0)
    return fail_errno("give a pipe to the job's user", errno);
  return made;
}

// Both at once where the kernel can (5.7); in the child, 0.
pid_t fork_into(const os::Cgroup* cgroup, bool& entered) {
  entered = false;
  if (cgroup != nullptr) {
    if (const auto folder = cgroup->open_folder()) {
      clone_args arguments{};
      arguments.flags = CLONE_INTO_CGROUP;
      arguments.exit_signal = SIGCHLD;
      arguments.cgroup = static_cast<std::uint64_t>(folder->get());
      const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
      if (pid >= 0) {
        entered = true;
        return pid;
      }
    }
  }
  return ::fork();
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> array;
  array.reserve(texts.size() + 1);
  for (const std::string& text : texts) array.push_back(const_cast<char*>(text.c_str()));
  array.push_back(nullptr);
  return array;
}

const char* name_of(Step step) {
  switch (step) {
    case Step::session: return "start a session";
    case Step::cgroup: return "enter the job's cgroup";
    case Step::terminal: return "take the pseudo-terminal";
    case Step::descriptors: return "set up stdin, stdout and stderr";
    case Step::identity: return "become the job's user";
    case Step::folder: return "enter the folder";
    case Step::execute: return "run";
  }
  return "start";
}

}  // namespace

std::vector<std::string> clean_environment(const std::vector<std::string>& env) {
  static constexpr std::array<std::string_view, 6> k_ours{
      "NOTIFY_SOCKET=", "WATCHDOG_USEC=", "WATCHDOG_PID=", "LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES="};
  std::vector<std::string> clean;
  for (const std::string& entry : env) {
    const auto is_ours = [&](std::string_view name) { return entry.starts_with(name); };
    if (std::none_of(k_ours.begin(), k_ours.end(), is_ours)) clean.push_back(entry);
  }
  return clean;
}

void exec_as_job(const os::JobSpec& spec) {
  Plan plan;
  plan.spec = &spec;
  plan.oom_score = std::to_string(spec.oom_score);
  plan.argv = pointers(spec.argv);
  const auto env = clean_environment(spec.env);
  plan.env = pointers(env);
  become_job(plan);
}

Result<StartedJob> start_job(const os::JobSpec& spec, const os::Cgroup* cgroup) {
  StartedJob job;
  Plan plan;
  plan.spec = &spec;
  plan.oom_score = std::to_string(spec.oom_score);
  plan.argv = pointers(spec.argv);
  const auto env = clean_environment(spec.env);
  plan.env = pointers(env);

  if (spec.stdin_tty || spec.stdout_tty || spec.stderr_tty) {
    auto terminal = os::open_pseudoterminal(spec.uid, spec.terminal_settings, {spec.rows, spec.columns});
    if (!terminal) return tl::unexpected(std::move(terminal.error()));
    job.master = std::move(terminal->master);
    job.slave = std::move(terminal->slave);
    // Typed at a terminal but shown elsewhere: the outer terminal stays as it is and does both itself.
    if (!spec.stdin_tty || !spec.stdout_tty) os::make_silent(job.slave.get());
    plan.terminal = job.slave.get();
  }

  std::array<os::Fd, 3> theirs;
  const auto with_pipe = [&](bool is_tty, std::size_t which, os::Fd& ours) -> Status {
    if (is_tty) {
      plan.descriptors[which] = job.slave.get();
      return {};
    }
    auto made = make_pipe(spec, which != 0);
    if (!made) return tl::unexpected(std::move(made.error()));
    ours = std::move(which == 0 ? made->write : made->read);
    theirs[which] = std::move(which == 0 ? made->read : made->write);
    plan.descriptors[which] = theirs[which].get();
    return {};
  };
  if (auto done = with_pipe(spec.stdin_tty, 0, job.input); !done)
    return tl::unexpected(std::move(done.error()));
  if (auto done = with_pipe(spec.stdout_tty, 1, job.output); !done)
    return tl::unexpected(std::move(done.error()));
  if (spec.one_output && !spec.stdout_tty && !spec.stderr_tty) {
    plan.descriptors[2] = plan.descriptors[1];
  } else if (auto done = with_pipe(spec.stderr_tty, 2, job.errors); !done) {
    return tl::unexpected(std::move(done.error()));
  }

  std::array<int, 2> status{-1, -1};
  if (::pipe2(status.data(), O_CLOEXEC) != 0) return fail_errno("make a pipe", errno);
  job.status.reset(status[0]);
  const os::Fd status_write{status[1]};
  plan.status = status_write.get();

  os::Fd procs;
  if (cgroup != nullptr) {
    if (auto opened = cgroup->open_procs()) procs = std::move(*opened);
  }
  bool entered = false;
  job.pid = fork_into(cgroup, entered);
  if (job.pid < 0) return fail_errno("fork", errno);
  if (job.pid == 0) {
    if (!entered) plan.cgroup_procs = procs.get();
    run_child(plan);
  }
  return job;
}

std::optional<StartFailure> read_start_failure(int status, const os::JobSpec& spec) {
  Report report;
  ssize_t got = 0;
  do got = ::read(status, &report, sizeof report);
  while (got < 0 && errno == EINTR);
  if (got != sizeof report) return std::nullopt;
  StartFailure failure;
  if (report.step == Step::execute) failure.code = report.error == ENOENT ? k_not_found : k_not_executable;
  const std::string on = report.step == Step::execute  ? " " + spec.argv[0]
                         : report.step == Step::folder ? " " + spec.cwd
                                                       : "";
  failure.why = std::string(name_of(report.step)) + on + ": " + std::strerror(report.error);
  if (report.step == Step::execute && report.error == ENOENT && spec.argv[0].find('/') == std::string::npos)
    failure.why = spec.argv[0] + ": command not found";
  return failure;
}

}  // namespace curfew::shim
