// The state machine behind step(): one event's worth of it. The events are in policy.cpp, the stages in
// policy_stages.cpp.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "guard/policy_parts.hpp"

namespace curfew::guard::detail {

class Machine {
 public:
  Machine(State& state, const Rules& rules, const job::Now& now, std::vector<Action>& actions)
      : state_(state), rules_(rules), now_(now), actions_(actions) {}

  void on(const JobStarted&);
  void on(const JobNotStarted& event);
  void on(const JobEnded& event);
  void on(const JobLost&);
  void on(const TreeGone&);
  void on(const Tick&);
  void on(const StopAsked& event);
  void on(const MachineGoingDown&);
  void on(const TimesMoved& event);
  void on(const PlanKnown& event);
  void on(const ReasonFound& event);
  void on(const GpuBusy&);
  void on(const SpotInterruption& event);
  void on(const BeforeEndEnded& event);
  void on(const DisarmAsked&);
  void on(const SaveEnded& event);
  void on(const RungEnded& event);
  void on(const Resumed& event);

 private:
  // stages
  void enter(Stage stage, Millis bound = Millis{0});
  void enter_draining(int signal);
  void enter_killing(const std::string& why);
  void enter_before_end();
  void enter_saving();
  void enter_holding();
  void enter_ending();
  void leave();
  void go_on_alone();
  void guard_again();
  void take_up_again();

  // the ladder
  void start_round();
  void climb();
  void pause();
  void move_l0();

  // bounds
  void tick_running();
  void tick_killing();
  void tick_ending();
  void pull_backstop();
  void give_up_saving(const std::string& why);
  void give_up_before_end(const std::string& why);
  void say_what_is_waited_for();

  // how long
  [[nodiscard]] Millis left_of_spot() const;
  [[nodiscard]] Millis grace() const;
  [[nodiscard]] Millis before_end_limit() const;
  [[nodiscard]] BootTime save_until() const;

  // small things
  void publish();
  // A machine that is guarded without a command, and that nothing but another's hand was to end.
  [[nodiscard]] bool is_without_reason() const {
    return rules_.guards_machine &&
           (is_before(state_.stage, Stage::draining) || state_.cause == Cause::machine_going_down);
  }
  [[nodiscard]] bool is_over() const { return state_.result || state_.start_failure; }
  [[nodiscard]] bool has_passed(std::optional<BootTime> bound) const { return bound && now_.boot >= *bound; }
  void set_cause(Cause cause) {
    if (state_.cause == Cause::none) state_.cause = cause;
  }
  template <class Known>
  void act(Known action) {
    actions_.emplace_back(std::in_place_type<Known>, std::move(action));
  }
  void announce(Announce::What what, std::string text) { act(Announce{what, std::move(text)}); }
  void info(std::string text) { act(Note{Note::Level::info, std::move(text)}); }
  void warn(std::string text) { act(Note{Note::Level::warning, std::move(text)}); }
  void error(std::string text) { act(Note{Note::Level::error, std::move(text)}); }

  State& state_;
  const Rules& rules_;
  const job::Now& now_;
  std::vector<Action>& actions_;
};

}  // namespace curfew::guard::detail
