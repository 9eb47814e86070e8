// EventBridge Scheduler: is a schedule there, what does it say; making one that ends an instance, moving and deleting it. Behind
// an interface for tests.
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
  std::string target;      // the ARN of what it calls; printable ASCII
  std::string role = {};   // the ARN that it takes for that; printable ASCII
  std::string input = {};  // what it calls it with; any bytes
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

// A schedule that calls TerminateInstances or StopInstances on one instance: every ten minutes from `start` on until `end`,
// then it deletes itself, so that one refused call isn't the end.
struct EndSchedule {
  std::string name;
  std::string group = "default";
  std::string instance;  // i-…
  WallTime start{};      // whole seconds
  WallTime end{};
  std::string role;          // the ARN of the role that the scheduler takes for the call
  std::string client_token;  // 1 to 64 of [a-zA-Z0-9-_]: the same call again makes no other schedule
  std::string description;   // at most 512 bytes
  bool stops = false;        // StopInstances
  bool enabled = true;       // else it's there and calls nothing
};
inline constexpr std::string_view k_end_every = "rate(10 minutes)";
// "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances", or …:stopInstances, in the region's partition.
[[nodiscard]] std::string end_target(std::string_view region, bool stops = false);
[[nodiscard]] std::string end_input(std::string_view instance);
// The body of CreateSchedule and UpdateSchedule, which replaces everything. Pure.
[[nodiscard]] std::string end_body(const EndSchedule& wanted, std::string_view region);

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

// Apart from reading, so that who only looks can't make any.
class ScheduleMaker {
 public:
  virtual ~ScheduleMaker() = default;
  // conflict: there is one of that name already, which may be this one: read it. Error.code "ValidationException" is also
  // what a role that is only seconds old may give.
  [[nodiscard]] virtual Awaitable<Status> create_schedule(EndSchedule wanted) = 0;
  // not_found: there's none of that name to be replaced.
  [[nodiscard]] virtual Awaitable<Status> update_schedule(EndSchedule wanted) = 0;
  // Fine when it's already gone.
  [[nodiscard]] virtual Awaitable<Status> delete_schedule(std::string name, std::string group) = 0;
};

// In `region`; the session must outlive it.
[[nodiscard]] std::unique_ptr<Scheduler> make_scheduler(Session& session, std::string region);
[[nodiscard]] std::unique_ptr<ScheduleMaker> make_schedule_maker(Session& session, std::string region);

// The replies' documents, read and checked; errors: unavailable. Pure; for scheduler.cpp and its tests.
[[nodiscard]] Result<Schedule> parse_schedule(std::string_view json);
[[nodiscard]] Result<SchedulePage> parse_schedules(std::string_view json);

}  // namespace curfew::aws
