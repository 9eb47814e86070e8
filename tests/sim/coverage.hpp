// What a set of runs has come across. A cause or an event that no run draws is one that no invariant is checked with, so
// that what is new in the policy fails the simulation until it's drawn.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "scenario.hpp"

namespace curfew::sim {

class Coverage {
 public:
  void saw(const guard::Event& event, const guard::Step& made, bool guards_machine);
  void saw(FaultKind kind) { ++faults_[kind]; }

  // For people: what should come and never did. `alone` as for scenario_of.
  [[nodiscard]] std::vector<std::string> missing(bool alone) const;
  // What came least often, and how often.
  [[nodiscard]] std::string rarest(bool alone) const;

 private:
  struct Counts {
    std::map<std::size_t, std::uint64_t> events;
    std::map<guard::Cause, std::uint64_t> causes;
    std::map<guard::Stage, std::uint64_t> stages;
    std::map<guard::Cause, std::uint64_t> limits;  // that stop_at was moved to stand for
  };
  struct Line {
    std::string what;
    std::uint64_t times = 0;
  };
  [[nodiscard]] std::vector<Line> lines(bool alone) const;

  Counts with_job_, without_job_;  // the machine alone is guarded
  std::map<std::size_t, std::uint64_t> actions_;
  std::map<guard::Announce::What, std::uint64_t> announced_;
  std::map<guard::Rung, std::uint64_t> rungs_;
  std::map<FaultKind, std::uint64_t> faults_;
};

[[nodiscard]] std::string_view name_of(const guard::Event& event);
[[nodiscard]] std::string_view name_of(const guard::Action& action);

}  // namespace curfew::sim
