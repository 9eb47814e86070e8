// Finds, signals and kills the job's processes.
#include "shim/tree.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace curfew::shim {

namespace {

// Rounds of looking for processes that were forked during the last one.
constexpr int k_rounds = 4;

bool same(const os::Process& a, const os::Process& b) { return a.pid == b.pid && a.start == b.start; }

}  // namespace

JobTree::JobTree(bool use_cgroup, const Keeper& keeper) : keeper_(keeper) {
  if (!use_cgroup) return;
  auto made = os::Cgroup::make_for_job();
  if (!made) return;
  auto events = made->open_events();
  if (!events) {
    made->remove();
    return;
  }
  cgroup_ = std::move(*made);
  events_ = std::move(*events);
  acknowledge();
}

JobTree::~JobTree() {
  if (cgroup_) cgroup_->remove();
}

void JobTree::acknowledge() const {
  if (!events_) return;
  std::array<char, 256> text{};
  [[maybe_unused]] const auto got = ::pread(events_.get(), text.data(), text.size(), 0);
}

std::vector<os::Process> JobTree::processes() const {
  auto found =
      os::descendants(::getpid(), [this](const os::Process& process) { return keeper_.owns(process); });
  if (!cgroup_) return found;
  for (const os::Process& process : cgroup_->processes()) {
    if (std::none_of(found.begin(), found.end(), [&](const auto& other) { return same(process, other); }))
      found.push_back(process);
  }
  return found;
}

void JobTree::signal(int number) const {
  std::vector<os::Process> done;
  for (int round = 0; round < k_rounds; ++round) {
    bool news = false;
    for (const os::Process& process : processes()) {
      if (std::any_of(done.begin(), done.end(), [&](const auto& other) { return same(process, other); }))
        continue;
      os::signal_process(process, number);
      done.push_back(process);
      news = true;
    }
    if (!news) break;
  }
  if (number == SIGSTOP || number == SIGTSTP) return;
  for (const os::Process& process : done) os::signal_process(process, SIGCONT);
}

void JobTree::kill() const {
  if (cgroup_) cgroup_->kill();
  for (const os::Process& process :
       os::descendants(::getpid(), [this](const os::Process& each) { return keeper_.owns(each); }))
    os::signal_process(process, SIGKILL);
}

bool JobTree::gone() const {
  if (cgroup_) {
    const auto populated = cgroup_->populated();
    if (populated && *populated) return false;
  }
  siginfo_t info{};
  if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD) return true;
  if (!keeper_.has_started()) return false;
  return os::descendants(::getpid(), [this](const os::Process& each) { return keeper_.owns(each); }).empty();
}

}  // namespace curfew::shim
