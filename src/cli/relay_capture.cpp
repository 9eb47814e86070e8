// Takes down the caller's world.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include "cli/relay.hpp"

extern char** environ;

namespace curfew::cli {

namespace {

// `2>&1`: the same pipe, file or socket. Two terminals are one too, but there the pseudo-terminal keeps the order.
bool are_the_same(int a, int b) {
  struct stat one {};
  struct stat other {};
  return ::fstat(a, &one) == 0 && ::fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
         one.st_ino == other.st_ino && !S_ISCHR(one.st_mode);
}

}  // namespace

Result<os::JobSpec> capture_job(std::vector<std::string> argv, const std::optional<Identity>& identity) {
  os::JobSpec spec;
  spec.argv = std::move(argv);

  std::array<char, PATH_MAX> folder{};
  if (::getcwd(folder.data(), folder.size()) == nullptr)
    return fail_errno("find the current folder", errno, "has it been removed? change to one that exists");
  spec.cwd = folder.data();
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) spec.env.emplace_back(*entry);

  spec.umask = ::umask(077);
  ::umask(spec.umask);

  if (identity) {
    spec.uid = identity->uid;
    spec.gid = identity->gid;
    spec.groups = identity->groups;
  } else {
    spec.uid = ::getuid();
    spec.gid = ::getgid();
    const int count = ::getgroups(0, nullptr);
    if (count < 0) return fail_errno("read the groups of this user", errno);
    spec.groups.resize(static_cast<std::size_t>(count));
    if (count > 0 && ::getgroups(count, spec.groups.data()) < 0)
      return fail_errno("read the groups of this user", errno);
  }

  for (int resource = 0; resource < static_cast<int>(RLIM_NLIMITS); ++resource) {
    rlimit limit{};
    if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) == 0)
      spec.limits.emplace_back(resource, limit);
  }

  spec.stdin_tty = ::isatty(STDIN_FILENO) == 1;
  spec.stdout_tty = ::isatty(STDOUT_FILENO) == 1;
  spec.stderr_tty = ::isatty(STDERR_FILENO) == 1;
  spec.one_output = are_the_same(STDOUT_FILENO, STDERR_FILENO);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::isatty(fd) != 1) continue;
    spec.terminal_settings = os::terminal_settings(fd);
    const os::WindowSize size = os::window_size(fd);
    spec.rows = size.rows;
    spec.columns = size.columns;
    break;
  }
  return spec;
}

}  // namespace curfew::cli
