#include "coverage.hpp"

#include <algorithm>
#include <array>
#include <variant>

namespace curfew::sim {
namespace {

using guard::Announce;
using guard::Cause;
using guard::Rung;
using guard::Stage;

constexpr std::array<std::string_view, std::variant_size_v<guard::Event>> k_events{
    "JobStarted", "JobNotStarted",    "JobEnded",   "JobLost",          "TreeGone",       "Tick",
    "StopAsked",  "MachineGoingDown", "TimesMoved", "PlanKnown",        "SaveEnded",      "RungEnded",
    "Resumed",    "ReasonFound",      "GpuBusy",    "SpotInterruption", "BeforeEndEnded", "DisarmAsked"};
constexpr std::array<std::string_view, std::variant_size_v<guard::Action>> k_actions{
    "SignalTree", "KillTree",      "StartSave",      "CancelSave",      "Publish",
    "MarkEnded",  "MoveL0",        "Climb",          "Disarm",          "Leave",
    "Note",       "SignalCommand", "StartBeforeEnd", "CancelBeforeEnd", "Announce"};
// One that is added has no name here yet, and an empty one is no name.
static_assert(!k_events.back().empty() && !k_actions.back().empty());
constexpr std::array k_announced{Announce::What::started,     Announce::What::stop_is_near,
                                 Announce::What::interrupted, Announce::What::kept,
                                 Announce::What::disarmed,    Announce::What::ended};
constexpr std::array<std::string_view, k_announced.size()> k_announced_names{
    "started", "stop_is_near", "interrupted", "kept", "disarmed", "ended"};

// All of an enumeration whose last value isn't known here.
template <class Value>
std::vector<Value> values_until(std::string_view no_name) {
  std::vector<Value> values;
  for (int i = 0; name_of(static_cast<Value>(i)) != no_name; ++i) values.push_back(static_cast<Value>(i));
  return values;
}

template <class Key>
std::uint64_t times(const std::map<Key, std::uint64_t>& counts, Key key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

bool needs_job(Cause cause) {
  switch (cause) {
    case Cause::job_ended:
    case Cause::job_not_started:
    case Cause::job_lost:
    case Cause::rebooted: return true;
    default: return false;
  }
}

}  // namespace

void Coverage::saw(const guard::Event& event, const guard::Step& made, bool guards_machine) {
  Counts& counts = guards_machine ? without_job_ : with_job_;
  ++counts.events[event.index()];
  ++counts.causes[made.state.cause];
  ++counts.stages[made.state.stage];
  if (const auto* moved = std::get_if<guard::TimesMoved>(&event)) ++counts.limits[moved->limit];
  for (const auto& action : made.actions) {
    ++actions_[action.index()];
    if (const auto* news = std::get_if<Announce>(&action)) ++announced_[news->what];
    if (const auto* climb = std::get_if<guard::Climb>(&action)) ++rungs_[climb->rung];
  }
}

std::vector<Coverage::Line> Coverage::lines(bool alone) const {
  std::vector<Line> lines;
  const auto add = [&](std::string what, std::uint64_t times) { lines.push_back({std::move(what), times}); };
  for (const bool guards_machine : {false, true}) {
    const Counts& counts = guards_machine ? without_job_ : with_job_;
    const std::string where = guards_machine ? " without a command" : "";
    for (std::size_t i = 0; i < k_events.size(); ++i)
      add("event " + std::string(k_events[i]) + where, times(counts.events, i));
    for (const auto cause : values_until<Cause>("unknown")) {
      if (cause != Cause::none && !(guards_machine && needs_job(cause)))
        add("cause " + std::string(guard::name_of(cause)) + where, times(counts.causes, cause));
    }
    // Nothing fails where there's no job.
    for (const auto stage : values_until<Stage>("unknown")) {
      if (!(guards_machine && stage == Stage::holding))
        add("stage " + std::string(guard::name_of(stage)) + where, times(counts.stages, stage));
    }
    for (const auto limit : {Cause::none, Cause::time_limit, Cause::cost_limit})
      add("times moved, limit " + std::string(guard::name_of(limit)) + where, times(counts.limits, limit));
  }
  for (std::size_t i = 0; i < k_actions.size(); ++i)
    add("action " + std::string(k_actions[i]), times(actions_, i));
  for (std::size_t i = 0; i < k_announced.size(); ++i)
    add("announcement " + std::string(k_announced_names[i]), times(announced_, k_announced[i]));
  for (const auto rung : values_until<Rung>("unknown"))
    add("rung " + std::string(guard::name_of(rung)), times(rungs_, rung));
  for (const auto kind : values_until<FaultKind>("?")) {
    if (!(alone && kills_guard(kind)))
      add("fault '" + std::string(name_of(kind)) + "'", times(faults_, kind));
  }
  return lines;
}

std::vector<std::string> Coverage::missing(bool alone) const {
  std::vector<std::string> missing;
  for (const auto& line : lines(alone)) {
    if (line.times == 0) missing.push_back(line.what);
  }
  return missing;
}

std::string Coverage::rarest(bool alone) const {
  const auto all = lines(alone);
  const auto least = std::min_element(all.begin(), all.end(),
                                      [](const Line& a, const Line& b) { return a.times < b.times; });
  return least->what + ", " + std::to_string(least->times) + " times";
}

std::string_view name_of(const guard::Event& event) { return k_events[event.index()]; }
std::string_view name_of(const guard::Action& action) { return k_actions[action.index()]; }

}  // namespace curfew::sim
