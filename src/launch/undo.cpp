// Ends instances and schedules of a launch that isn't to be.
#include "launch/undo.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "layers/l3.hpp"

namespace curfew::launch {

bool may_have_happened(const Error& error) {
  return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timed_out;
}

bool has_ended(std::string_view state) { return state == "shutting-down" || state == "terminated"; }

Awaitable<Status> end_and_see(const os::Clock& clock, Calls& calls, std::string instance) {
  const auto until = clock.boot() + k_end_limit;
  for (Millis wait = k_first_pause;; wait = std::min(wait * 2, k_most_pause)) {
    auto asked = calls.terminate(instance);
    auto state = co_await std::move(asked);
    if (state && has_ended(*state)) break;
    const bool goes_on =
        state || may_have_happened(state.error()) || state.error().code == "InvalidInstanceID.NotFound";
    if (!goes_on || clock.boot() + wait >= until) {
      if (!state) co_return fail(std::move(state.error()));
      co_return fail(ErrorKind::timed_out, "end " + instance, "EC2 says that it is " + printable(*state, 40));
    }
    co_await calls.sleep(wait);
  }
  co_return Status{};
}

Awaitable<void> delete_schedule_of(World& world, Calls& calls, std::string instance) {
  auto asked = calls.delete_schedule(layers::l3_name(instance));
  const auto deleted = co_await std::move(asked);
  if (!deleted)
    world.say("a schedule of " + instance +
              ", if there is one, goes by itself: " + printable(deleted.error().text(), 300));
}

Awaitable<Status> clean_up(World world, const Record& left) {
  auto asked = world.calls.find(left.launch_id);
  const auto found = co_await std::move(asked);
  if (!found)
    co_return fail(Error{found.error()}.within("look for what launch " + left.launch_id + " has left"));
  for (const auto& one : *found) {
    const bool is_finished = one.schedule == k_armed || one.schedule == k_none;
    if (!has_ended(one.state)) {
      if (is_finished) continue;
      world.say("ending " + one.id + ", which launch " + left.launch_id + " (" + printable(left.job, 80) +
                ") has left half made");
      auto ending = end_and_see(world.clock, world.calls, one.id);
      auto ended = co_await std::move(ending);
      if (!ended) co_return ended;
    }
    co_await delete_schedule_of(world, world.calls, one.id);
  }
  // Nothing yet of a call that was sent just now proves nothing, and its schedule may be all that ends it.
  if (found->empty() && world.clock.wall() - left.sent < k_forget_after) {
    world.say("launch " + left.launch_id +
              " may still show an instance: it's looked for again the next time");
    co_return Status{};
  }
  if (found->empty() && !left.instance.empty())
    co_await delete_schedule_of(world, world.calls, left.instance);
  co_return world.records.forget(left.launch_id);
}

}  // namespace curfew::launch
