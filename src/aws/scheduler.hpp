// EventBridge Scheduler: is a schedule there, and what does it say; behind an interface for tests. Making and deleting
// them isn't here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/session.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace curfew::aws {

struct Schedule {
  std::string name;
  std::string group;
  bool enabled = false;
  std::string expression;  // "at(2026-11-24T18:00:00)", "rate(10 minutes)"; printable ASCII, at most 256
  std::string timezone;    // "UTC"; may be empty
  std::optional<WallTime> start;  // repeating ones
  std::optional<WallTime> end;
  std::string target;  // the ARN of what it calls; printable ASCII
};

struct ScheduleName {
  std::string name;
  std::string group;
  bool enabled = false;
};
struct SchedulePage {
  std::vector<ScheduleName> schedules;
  std::string next;  // empty: the last page
};

// 1 to 64 of [0-9a-zA-Z-_.]: schedules' and groups' names.
[[nodiscard]] bool is_schedule_name(std::string_view text);

// Each call ends within 30 s. Error.code is the service's own ("ResourceNotFoundException", "AccessDeniedException").
class Scheduler {
 public:
  virtual ~Scheduler() = default;
  // not_found: there's no such schedule (or group); refused: no permission, which says nothing about the schedule.
  [[nodiscard]] virtual Awaitable<Result<Schedule>> schedule(std::string name, std::string group) = 0;
  // Those of a group ("default", or empty: of all groups) whose names begin with `prefix` (empty: all), 100 a page: for
  // many instances cheaper than asking for each.
  [[nodiscard]] virtual Awaitable<Result<SchedulePage>> schedules(std::string prefix, std::string group,
                                                                  std::string token) = 0;
};

// In `region`; the session must outlive it.
[[nodiscard]] std::unique_ptr<Scheduler> make_scheduler(Session& session, std::string region);

// The replies' documents, read and checked; errors: unavailable. Pure; for scheduler.cpp and its tests.
[[nodiscard]] Result<Schedule> parse_schedule(std::string_view json);
[[nodiscard]] Result<SchedulePage> parse_schedules(std::string_view json);

}  // namespace curfew::aws
