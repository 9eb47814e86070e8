// What `curfew guard` and `curfew extend` do to an instance from outside: which calls, in which order, so that it's gone in
// time wherever they break off; and how that is told. Pure.
//
// Its end is held by two things that are moved from here: the schedule (L3) and the tag curfew:deadline, by which a guard
// on it and `curfew check --enforce` go. The earliest of them ends it. A later end is given to the schedule first, an
// earlier one to the tag first; to guard an instance is to give it a schedule, then the tags.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "aws/ec2_launch.hpp"
#include "aws/scheduler.hpp"
#include "watch/act.hpp"
#include "watch/find.hpp"

namespace curfew::watch {

// What was read of the schedule curfew-INSTANCE.
struct ScheduleSeen {
  enum class State : std::uint8_t { there, none, unknown };
  State state = State::none;
  aws::Schedule schedule = {};
  std::string why = {};  // of unknown; untrusted
};

struct GuardWish {
  Seconds max_time = std::chrono::hours{4};
  std::optional<Action> then = {};  // else its tag's; else spot instances are terminated, others stopped
  std::string name = {};            // of the job; empty: as its tags have it
  std::string scheduler_role = {};  // an ARN
  bool schedule = true;
};

struct MoveWish {
  std::optional<Seconds> by = {};  // one of these
  std::optional<WallTime> to = {};
  std::string scheduler_role = {};  // for a schedule that is missing; may be empty
  bool schedule = true;             // false: where it's missing, do without
};

struct Change {
  enum class Kind : std::uint8_t { make_schedule, move_schedule, set_tags };
  Kind kind = Kind::set_tags;
  aws::EndSchedule schedule = {};
  aws::EndSchedule before = {};  // of move_schedule: as it was
  aws::KeyValues tags = {};
};

struct DeadlinePlan {
  std::string refused = {};             // why nothing is done, with what to do instead; fit to be shown
  std::vector<std::string> lines = {};  // what it is, what is done with it; fit to be shown
  WallTime deadline{};
  std::vector<Change> changes = {};  // in this order; none, and not refused: all is as wanted
};

// `token`: 1 to 64 of [a-zA-Z0-9-_], another one each time. `profile`: --profile, or empty, for commands to be copied.
[[nodiscard]] DeadlinePlan plan_guard(const FoundInstance& found, const GuardWish& wish,
                                      const ScheduleSeen& seen, WallTime now, const std::string& token,
                                      const std::string& profile = {});
[[nodiscard]] DeadlinePlan plan_move(const FoundInstance& found, const MoveWish& wish,
                                     const ScheduleSeen& seen, WallTime now, const std::string& token);

// Sooner than this no end is set: `curfew stop` is for that.
inline constexpr Seconds k_nearest_deadline{120};
inline constexpr Seconds k_farthest_deadline = std::chrono::hours{24 * 366};

}  // namespace curfew::watch
