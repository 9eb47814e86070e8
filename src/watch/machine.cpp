// Names of what is known of an instance.
#include "watch/machine.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace curfew::watch {
namespace {

constexpr std::array<std::pair<InstanceState, std::string_view>, 6> k_states{
    {{InstanceState::pending, "pending"},
     {InstanceState::running, "running"},
     {InstanceState::shutting_down, "shutting-down"},
     {InstanceState::terminated, "terminated"},
     {InstanceState::stopping, "stopping"},
     {InstanceState::stopped, "stopped"}}};

}  // namespace

std::string_view name_of(Lifecycle lifecycle) {
  switch (lifecycle) {
    case Lifecycle::on_demand: return "on-demand";
    case Lifecycle::spot: return "spot";
    case Lifecycle::other: break;
  }
  return "other";
}

std::string_view name_of(InstanceState state) {
  for (const auto& [known, name] : k_states)
    if (known == state) return name;
  return "unknown";
}

InstanceState parse_state(std::string_view name) {
  for (const auto& [state, known] : k_states)
    if (known == name) return state;
  return InstanceState::unknown;
}

std::string_view name_of(ScheduleState state) {
  switch (state) {
    case ScheduleState::not_asked: return "not_asked";
    case ScheduleState::armed: return "armed";
    case ScheduleState::none: return "none";
    case ScheduleState::missing: return "missing";
    case ScheduleState::refused: return "refused";
    case ScheduleState::failed: break;
  }
  return "failed";
}

std::string_view name_of(RegionReading::Outcome outcome) {
  switch (outcome) {
    case RegionReading::Outcome::read: return "read";
    case RegionReading::Outcome::failed: return "failed";
    case RegionReading::Outcome::ignored: return "ignored";
    case RegionReading::Outcome::denied: break;
  }
  return "denied";
}

bool is_unread(const Report& report) {
  const auto failed = [](const RegionReading& region) {
    return region.outcome == RegionReading::Outcome::failed;
  };
  return std::any_of(report.regions.begin(), report.regions.end(), failed) ||
         std::any_of(report.notes.begin(), report.notes.end(), [](const Note& note) { return note.unread; });
}

std::optional<Seconds> running_for(const Machine& machine, WallTime now) {
  if (machine.state != InstanceState::running) return {};
  return std::max(std::chrono::floor<Seconds>(now - machine.launched), Seconds{0});
}

}  // namespace curfew::watch
