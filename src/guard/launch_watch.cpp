// Looks at the tags of a launch until it's finished, or has had its time.
#include "guard/launch_watch.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "os/process_tree.hpp"

namespace curfew::guard {

LaunchState launch_state(const std::map<std::string, std::string>& tags) {
  if (!tags.contains(k_launch_tag)) return LaunchState::not_launched;
  const auto schedule = tags.find(k_schedule_tag);
  const bool is_settled =
      schedule != tags.end() && (schedule->second == "armed" || schedule->second == "none");
  return is_settled ? LaunchState::finished : LaunchState::unfinished;
}

Awaitable<void> LaunchWatch::run() {
  while (world_.goes_on()) {
    auto asked = world_.tags();
    const auto tags = co_await std::move(asked);
    if (tags && *tags) {
      if (launch_state(**tags) != LaunchState::unfinished) co_return;
      const auto up_for = world_.since_boot();
      if (up_for >= world_.patience) {
        world_.unfinished(
            "`curfew launch` was not finished: " + format_duration(std::chrono::floor<Seconds>(up_for)) +
            " after the boot there is no tag " + k_schedule_tag +
            ", and so no schedule that would end this machine from outside");
        co_return;
      }
    }
    const auto left = world_.patience - world_.since_boot();
    co_await pause(left > Millis{0} ? std::min(left, world_.look_every) : world_.look_every);
  }
}

std::optional<Millis> first_process_ran_for(BootTime now) {
  const auto first = os::read_process(1);
  const long ticks_a_second = ::sysconf(_SC_CLK_TCK);
  if (!first || ticks_a_second <= 0) return {};
  const auto begun = BootTime{Millis{static_cast<std::int64_t>(first->start) * 1'000 / ticks_a_second}};
  return std::max(now - begun, Millis{0});
}

}  // namespace curfew::guard
