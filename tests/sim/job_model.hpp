// The job as the kernel and the shim have it: a command, what it left behind, and who hears of their ends.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "scenario.hpp"
#include "schedule.hpp"

namespace curfew::sim {

class Job {
 public:
  using Report = std::function<void(const guard::Event&)>;

  Job(Schedule& schedule, const JobModel& model, Report report)
      : schedule_(schedule), model_(model), report_(std::move(report)) {}

  void start();
  void signal_tree();
  void kill_tree();
  void lose_shim();
  void vanish();  // with the machine: nobody is told

  // What a guard that starts finds out, in the order in which it would have been told.
  [[nodiscard]] std::vector<guard::Event> found() const;

  [[nodiscard]] bool is_started() const { return started_; }
  [[nodiscard]] bool is_tree_empty() const;
  [[nodiscard]] bool is_over() const { return exit_ || lost_ || failed_; }
  [[nodiscard]] bool is_lost() const { return lost_; }
  [[nodiscard]] const std::optional<guard::JobResult>& exit() const { return exit_; }

 private:
  struct Process {
    bool alive = false;
    bool signalled = false;
    int kills = 0;
  };

  void die(std::size_t process, guard::JobResult result);
  [[nodiscard]] const ProcessModel& model_of(std::size_t process) const {
    return process == 0 ? model_.command : model_.children[process - 1];
  }

  Schedule& schedule_;
  const JobModel& model_;
  Report report_;
  std::vector<Process> processes_;
  bool started_ = false;
  bool failed_ = false;
  bool shim_alive_ = true;
  bool lost_ = false;
  int signals_ = 0;
  std::optional<guard::JobResult> exit_;  // exit.json
};

}  // namespace curfew::sim
