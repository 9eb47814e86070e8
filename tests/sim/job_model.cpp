#include "job_model.hpp"

#include <algorithm>

namespace curfew::sim {

using guard::JobResult;

void Job::start() {
  schedule_.after(model_.start_delay, [this] {
    if (!shim_alive_) return;
    if (model_.start_failure) {
      failed_ = true;
      report_(guard::JobNotStarted{*model_.start_failure});
      return;
    }
    started_ = true;
    processes_.assign(1 + model_.children.size(), {.alive = true});
    report_(guard::JobStarted{});
    for (std::size_t i = 0; i < processes_.size(); ++i) {
      if (const auto& ends = model_of(i).ends_after) {
        schedule_.after(*ends, [this, i] { die(i, model_of(i).result); });
      }
    }
  });
}

void Job::signal_tree() {
  if (++signals_ <= model_.signals_lost) return;
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    Process& process = processes_[i];
    if (!process.alive || process.signalled) continue;
    process.signalled = true;
    if (const auto& ends = model_of(i).ends_on_term) {
      schedule_.after(*ends, [this, i] { die(i, model_of(i).result); });
    }
  }
}

void Job::kill_tree() {
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    Process& process = processes_[i];
    if (!process.alive || model_of(i).stuck || ++process.kills <= model_of(i).kills_missed) continue;
    schedule_.after(Millis{1}, [this, i] { die(i, {JobResult::How::signalled, 9}); });
  }
}

void Job::die(std::size_t process, JobResult result) {
  if (process >= processes_.size() || !processes_[process].alive) return;
  processes_[process].alive = false;
  if (process == 0 && shim_alive_) {
    exit_ = result;
    report_(guard::JobEnded{result});
  }
  if (is_tree_empty() && is_over()) report_(guard::TreeGone{});
}

void Job::lose_shim() {
  if (!shim_alive_ || failed_) return;
  shim_alive_ = false;
  if (exit_ && is_tree_empty()) return;  // it had done its work
  if (!exit_) {
    lost_ = true;
    report_(guard::JobLost{});
  }
  if (is_tree_empty()) report_(guard::TreeGone{});
  else kill_tree();  // by the guard's link to it, whatever the policy says
}

void Job::vanish() {
  processes_.clear();
  lost_ = !exit_ && !failed_;
  shim_alive_ = false;
}

std::vector<guard::Event> Job::found() const {
  std::vector<guard::Event> events;
  if (failed_) events.emplace_back(guard::JobNotStarted{*model_.start_failure});
  if (started_ && shim_alive_) events.emplace_back(guard::JobStarted{});
  if (exit_) events.emplace_back(guard::JobEnded{*exit_});
  else if (lost_) events.emplace_back(guard::JobLost{});
  if ((exit_ || lost_) && is_tree_empty()) events.emplace_back(guard::TreeGone{});
  return events;
}

bool Job::is_tree_empty() const {
  return std::none_of(processes_.begin(), processes_.end(),
                      [](const Process& process) { return process.alive; });
}

}  // namespace curfew::sim
