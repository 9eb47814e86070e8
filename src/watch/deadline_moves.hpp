// Carries out what deadline_plan.hpp has decided, one call after another, each seen to have worked.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "aws/ec2_launch.hpp"
#include "aws/scheduler.hpp"
#include "base/result.hpp"
#include "net/http.hpp"
#include "os/clock.hpp"
#include "watch/deadline_plan.hpp"
#include "watch/reads.hpp"

namespace curfew::watch {

// Of one region of one account; behind an interface so that every cut point can be tested without it.
class DeadlineCalls {
 public:
  virtual ~DeadlineCalls() = default;
  [[nodiscard]] virtual Awaitable<Status> create_schedule(aws::EndSchedule wanted) = 0;
  [[nodiscard]] virtual Awaitable<Status> update_schedule(aws::EndSchedule wanted) = 0;
  [[nodiscard]] virtual Awaitable<Result<aws::Schedule>> schedule(std::string name) = 0;
  [[nodiscard]] virtual Awaitable<Status> delete_schedule(std::string name) = 0;
  [[nodiscard]] virtual Awaitable<Status> tag(std::string instance, aws::KeyValues tags) = 0;
  // As EC2 tells them now.
  [[nodiscard]] virtual Awaitable<Result<aws::TagList>> tags(std::string instance) = 0;
  [[nodiscard]] virtual Awaitable<void> sleep(Millis time) = 0;
};
[[nodiscard]] std::unique_ptr<DeadlineCalls> make_deadline_calls(Reads& reads, const std::string& region);

[[nodiscard]] Awaitable<ScheduleSeen> see_schedule(DeadlineCalls& calls, std::string instance);

// Calls that fail in a way that may pass are repeated for a minute each. Where a later one is refused, a schedule that was
// made or moved before it is put back. The error says what is left, and what finishes it: `again`, a command.
[[nodiscard]] Awaitable<Status> carry_out(DeadlineCalls& calls, const FoundInstance& found,
                                          const DeadlinePlan& plan, const os::Clock& clock,
                                          std::function<void(const std::string&)> say, std::string again);

}  // namespace curfew::watch
