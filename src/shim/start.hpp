// Starts the job: the one fork and exec that must leave nothing of curfew's in the child.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.hpp"
#include "os/cgroup.hpp"
#include "os/fd.hpp"
#include "os/shim_channel.hpp"

namespace curfew::shim {

inline constexpr int k_not_found = 127;
inline constexpr int k_not_executable = 126;
inline constexpr int k_not_set_up = 125;

struct StartedJob {
  pid_t pid = -1;
  os::Fd status;  // at its end once the job's program runs; else read_start_failure() says what went wrong
  os::Fd input;   // our ends of the job's stdin, stdout and stderr where they are pipes; non-blocking
  os::Fd output;
  os::Fd errors;  // none where stderr goes with stdout
  os::Fd master;  // the pseudo-terminal where there is one; non-blocking
  os::Fd slave;   // held open so that the terminal outlives a moment without a process on it
};

struct StartFailure {
  int code = k_not_set_up;  // 125, 126 or 127
  std::string why;
};

// Forks; what happens after that in the child comes through `status`. With a cgroup the child is in it before it runs
// anything of the job's.
[[nodiscard]] Result<StartedJob> start_job(const os::JobSpec& spec, const os::Cgroup* cgroup);

// This process becomes spec.argv, as the job's user, in its folder, with its environment and limits; descriptors and
// session stay. Exits with 127 where that can't be.
[[noreturn]] void exec_as_job(const os::JobSpec& spec);

// Call when `status` is readable: the failure, or nothing where the program runs.
[[nodiscard]] std::optional<StartFailure> read_start_failure(int status, const os::JobSpec& spec);

// The job's environment without what belongs to curfew's own service (sd_notify(3), sd_listen_fds(3)).
[[nodiscard]] std::vector<std::string> clean_environment(const std::vector<std::string>& env);

}  // namespace curfew::shim
