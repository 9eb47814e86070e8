// The world around one guard: a machine with its two clocks, PID 1, L0 and L2, the job, the saves, the rungs, and faults.
// The guard's supervisor is here as it must behave: it persists the state before it does what a step says, reads the
// truth anew when it starts, and ticks once a second and at each bound.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "coverage.hpp"
#include "invariants.hpp"
#include "job_model.hpp"
#include "scenario.hpp"
#include "schedule.hpp"

namespace curfew::sim {

using StepFunction =
    std::function<guard::Step(guard::State, const guard::Rules&, const job::Now&, const guard::Event&)>;

class World {
 public:
  World(const Scenario& scenario, StepFunction step, Coverage& coverage, bool verbose);

  // Throws Violation.
  void run();

  [[nodiscard]] const Truth& truth() const { return truth_; }
  [[nodiscard]] bool is_beyond_us() const { return watcher_.is_beyond_us(); }

 private:
  // clocks
  [[nodiscard]] job::Now clocks() const;
  [[nodiscard]] BootTime boot_clock() const { return BootTime{schedule_.now() - boot_start_}; }
  [[nodiscard]] Millis true_time(const job::Instant& instant) const {
    return boot_start_ + instant.boot.time_since_epoch();
  }

  // the guard's process and its supervisor
  void start_guard();
  void end_guard(const std::string& how, bool may_restart);
  void deliver(const guard::Event& event);
  void send(const guard::Event& event);  // soon, if this guard is still there
  void persist(const guard::State& state);
  void act(const guard::Action& action);
  void hear(const guard::Event& event, guard::Stage before);
  void expect_tick();
  void tell_what_imds_knows();
  void move_times();
  void bring_times_forward();
  void carry_times_over();

  // what it does
  void start_save(BootTime until);
  void start_before_end();
  void climb(guard::Rung rung);
  void stopping(bool hangs);

  // the machine
  void job_reports(const guard::Event& event);
  void arm_l0();
  void set_l0(std::optional<BootTime> due, WallTime due_wall);
  void fire_l0();
  void end_machine(const std::string& by, bool by_other);
  void reboot(Millis downtime, Millis wall_error);

  // faults
  void entered(guard::Stage stage);
  void happens(const Fault& fault);
  void goes_down(const Fault& fault);
  void spot_notice(Millis ahead);
  void extend(Millis by);

  void trace(const std::string& text) const;

  const Scenario& scenario_;
  StepFunction step_;
  Coverage& coverage_;
  bool verbose_;
  Schedule schedule_;
  Truth truth_;
  Watcher watcher_;
  Job job_;

  Millis boot_start_{0};
  Millis down_at_{0};  // when the boot before ended
  int boots_ = 1;
  Millis wall_offset_{0};
  bool machine_up_ = true;
  std::optional<Millis> pid1_crashed_at_;

  bool alive_ = false;
  bool hung_ = false;
  bool left_ = false;
  bool disarmed_ = false;
  bool marked_ = false;
  std::uint64_t life_ = 0;  // grows with every start and end of a guard
  std::uint64_t tick_ = 0;
  guard::State live_;
  guard::State disk_;
  std::optional<Millis> left_before_;  // to stop_at, when last persisted
  std::vector<Millis> starts_;
  std::optional<FaultKind> crash_;  // at the next step that acts
  std::uint64_t save_ = 0;
  std::uint64_t before_end_ = 0;
  std::vector<bool> stages_seen_;
  bool plan_is_known_ = false;
  bool tag_is_known_ = false;
  Millis tag_end_at_;

  struct {
    bool armed = false;
    std::uint64_t number = 0;
    std::optional<BootTime> due;  // in this boot
    WallTime due_wall;
  } l0_;
};

}  // namespace curfew::sim
