// A control group (version 2) of our own: the surest way to reach every process of a job, whatever it forked.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.hpp"
#include "os/fd.hpp"
#include "os/process_tree.hpp"

namespace curfew::os {

class Cgroup {
 public:
  // Makes a group for a job below the caller's own, in the unified hierarchy (also where it's mounted beside version
  // 1). In a delegated unit of systemd's the caller moves to a sibling, `shim`, and the job's group is `job`: systemd
  // wants no processes in inner groups there. An error where there is no version 2, or no right to it.
  [[nodiscard]] static Result<Cgroup> make_for_job();
  // The caller's own; an error where there is no version 2.
  [[nodiscard]] static Result<Cgroup> own();
  // One that is there already.
  [[nodiscard]] static Cgroup at(std::string folder) { return Cgroup(std::move(folder)); }

  [[nodiscard]] const std::string& folder() const { return folder_; }

  // For clone3(2)'s CLONE_INTO_CGROUP.
  [[nodiscard]] Result<Fd> open_folder() const;
  // For a child to write "0" to before it executes anything.
  [[nodiscard]] Result<Fd> open_procs() const;
  // Readable by POLLPRI whenever `populated` may have changed.
  [[nodiscard]] Result<Fd> open_events() const;

  // Whether a process lives in it or below. Zombies don't count.
  [[nodiscard]] Result<bool> populated() const;
  // Processes in it and below, at most k_most_processes; certainly its own, so some that just came may be missing.
  [[nodiscard]] std::vector<Process> processes() const;
  // SIGKILL to all of it: by cgroup.kill, and where the kernel hasn't got it (before 5.14) one by one, which needs to
  // be repeated until it's no longer populated.
  void kill() const;
  // SIGKILL to each but the caller.
  void kill_others() const;
  // Removes it and what the job made below it; quietly nothing where a process is left.
  void remove() const;

 private:
  [[nodiscard]] std::vector<pid_t> members() const;

  explicit Cgroup(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
};

inline constexpr std::size_t k_most_processes = 65'536;

namespace detail {
// The folder of the unified hierarchy that /proc/self/cgroup and /proc/self/mountinfo speak of; empty: none.
[[nodiscard]] std::string cgroup_folder(std::string_view own_groups, std::string_view mounts);
}  // namespace detail

}  // namespace curfew::os
