// Instances whose end is put on them or moved from outside, and their schedules.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "layers/l3.hpp"
#include "unit/watch/report.hpp"
#include "watch/deadline_plan.hpp"

namespace curfew::watch::test {

inline const std::string k_scheduler = "arn:aws:iam::111122223333:role/curfew-scheduler";

// One that nothing of curfew's is on.
inline FoundInstance bare() {
  FoundInstance made;
  made.machine = machine();
  made.machine.name = "train-7b";
  made.machine.job.reset();
  made.machine.deadline.reset();
  made.machine.schedule = ScheduleState::not_asked;
  made.volumes = std::vector<aws::Volume>{{"vol-1", "/dev/sda1", true}, {"vol-2", "/dev/sdb", false}};
  return made;
}

// To be gone in three hours.
inline FoundInstance guarded() {
  auto made = bare();
  made.machine.job = "digits";
  made.machine.deadline = Deadline{k_now + 3h};
  return made;
}

inline GuardWish guard_wish() {
  GuardWish wish;
  wish.scheduler_role = k_scheduler;
  return wish;
}

inline aws::Schedule as_read(const aws::EndSchedule& made) {
  return {made.name, "default",
          true,      std::string(aws::k_end_every),
          "UTC",     made.start,
          made.end,  aws::end_target("us-east-1", made.stops),
          made.role, aws::end_input(made.instance)};
}

// Its schedule, for that deadline.
inline ScheduleSeen seen_at(const FoundInstance& found, WallTime end_at, bool stops = false) {
  return {ScheduleSeen::State::there,
          as_read(layers::schedule_of({found.machine.id, end_at, stops, k_scheduler, "before"})),
          {}};
}

}  // namespace curfew::watch::test
