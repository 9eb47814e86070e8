// All processes of the job: what is in its cgroup, and what descends from the shim, which is their subreaper. Both,
// since root can leave a cgroup, and a helper of the job's can be put into it from outside.
#pragma once

#include <optional>
#include <vector>

#include "os/cgroup.hpp"
#include "os/process_tree.hpp"
#include "shim/keeper.hpp"

namespace curfew::shim {

class JobTree {
 public:
  // Without the right to a cgroup, or where it isn't wanted, descent alone has to do.
  JobTree(bool use_cgroup, const Keeper& keeper);
  ~JobTree();
  JobTree(const JobTree&) = delete;
  JobTree& operator=(const JobTree&) = delete;

  [[nodiscard]] const os::Cgroup* cgroup() const { return cgroup_ ? &*cgroup_ : nullptr; }
  // Poll for POLLPRI; -1 without a cgroup.
  [[nodiscard]] int events_fd() const { return events_.get(); }
  void acknowledge() const;

  // Sends it to every process, then SIGCONT, so that stopped ones see it.
  void signal(int number) const;
  // One round of SIGKILL; to be repeated until gone().
  void kill() const;
  // No process is left, zombies of ours reaped. True only when it's certain.
  [[nodiscard]] bool gone() const;

 private:
  [[nodiscard]] std::vector<os::Process> processes() const;

  const Keeper& keeper_;
  std::optional<os::Cgroup> cgroup_;
  os::Fd events_;
};

}  // namespace curfew::shim
