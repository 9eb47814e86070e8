// A guard in a world that the test moves by hand.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "guard/policy.hpp"

namespace curfew::guard {

using namespace std::chrono_literals;

inline constexpr WallTime k_start_wall{1'800'000'000s};
inline constexpr BootTime k_start_boot{100s};
inline const std::vector<Rung> k_two_rungs{Rung::shutdown_command, Rung::instance_api};

inline std::string text_of(const Action& action) {
  struct Texts {
    std::string operator()(const SignalTree& a) const { return "signal " + std::to_string(a.signal); }
    std::string operator()(const KillTree&) const { return "kill"; }
    std::string operator()(const StartSave& a) const {
      return "save " + format_duration(std::chrono::floor<Seconds>(a.until - k_start_boot));
    }
    std::string operator()(const CancelSave&) const { return "cancel save"; }
    std::string operator()(const Publish& a) const { return "publish " + std::to_string(a.exit_code); }
    std::string operator()(const MarkEnded&) const { return "mark"; }
    std::string operator()(const MoveL0& a) const {
      return "l0 " + format_duration(std::chrono::floor<Seconds>(a.ahead));
    }
    std::string operator()(const Climb& a) const { return std::string(name_of(a.rung)); }
    std::string operator()(const Disarm&) const { return "disarm"; }
    std::string operator()(const Leave&) const { return "leave"; }
    std::string operator()(const Note&) const { return {}; }
    std::string operator()(const Announce&) const { return {}; }
    std::string operator()(const SignalCommand& a) const {
      return "signal command " + std::to_string(a.signal);
    }
    std::string operator()(const StartBeforeEnd& a) const {
      return "before-end " + format_duration(std::chrono::floor<Seconds>(a.until - k_start_boot));
    }
    std::string operator()(const CancelBeforeEnd&) const { return "cancel before-end"; }
  };
  return std::visit(Texts{}, action);
}

// A guard in a world that the test moves by hand. Limits: 1 h, 60 s of grace, 300 s to save.
class Guard {
 public:
  Guard() {
    rules.limits = {.max_time = 1h, .deadline = {}, .grace = 60s, .before_end = 0s, .save = 300s};
    rules.has_saves = true;
    state.plan = {Ending::terminate, k_two_rungs, false};
    set_times();
  }

  void set_times() { state.times = job::times_from(rules.limits, now); }

  // Everything but notes and announcements, joined by commas.
  std::string takes(const Event& event) {
    Step made = step(state, rules, now, event);
    state = std::move(made.state);
    std::string line;
    notes.clear();
    announced.clear();
    for (const auto& action : made.actions) {
      if (const auto* note = std::get_if<Note>(&action)) notes += note->text + "\n";
      else if (const auto* news = std::get_if<Announce>(&action)) announced += news->text + "\n";
      else line += (line.empty() ? "" : ", ") + text_of(action);
    }
    return line;
  }

  std::string ticks_at(Seconds since_start) {
    set_clock(since_start);
    return takes(Tick{});
  }

  void set_clock(Seconds since_start) {
    now.boot = k_start_boot + since_start;
    now.wall = k_start_wall + since_start;
  }

  // Leads it to a stage as an ordinary life would.
  Guard& in(Stage stage) {
    if (stage == Stage::arming) return *this;
    takes(JobStarted{});
    if (stage == Stage::running) return *this;
    set_clock(10s);
    takes(StopAsked{2, false});
    if (stage == Stage::draining) return *this;
    ticks_at(70s);
    if (stage == Stage::killing) return *this;
    takes(JobEnded{{JobResult::How::signalled, 9}});
    takes(TreeGone{});
    if (stage == Stage::saving) return *this;
    takes(SaveEnded{true});
    if (stage == Stage::ending) return *this;
    takes(MachineGoingDown{});
    return *this;
  }

  job::Now now{k_start_wall, k_start_boot, "boot-1"};
  Rules rules;
  State state;
  std::string notes;
  std::string announced;
};

}  // namespace curfew::guard
