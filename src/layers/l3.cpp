// What L3 is.
#include "layers/l3.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace curfew::layers {
namespace {

constexpr Millis k_first_pause{1'000};
constexpr Millis k_most_pause{15'000};

bool may_pass(const Error& error) {
  // What a role that is only seconds old is answered with.
  const bool is_young_role =
      error.code == "ValidationException" && error.cause.find("role") != std::string::npos;
  return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timed_out || is_young_role;
}

}  // namespace

std::string l3_name(std::string_view instance) { return "curfew-" + std::string(instance); }

WallTime l3_start(WallTime end_at) {
  return std::chrono::ceil<std::chrono::minutes>(end_at) + k_l3_after_end;
}

aws::EndSchedule schedule_of(const L3& layer) {
  aws::EndSchedule schedule;
  schedule.name = l3_name(layer.instance);
  schedule.instance = layer.instance;
  schedule.start = l3_start(layer.end_at);
  schedule.end = schedule.start + (layer.stops ? k_l3_lasts_stopping : k_l3_lasts);
  schedule.role = layer.role;
  schedule.client_token = layer.token;
  schedule.description = "curfew: " + std::string(layer.stops ? "stops " : "ends ") + layer.instance;
  schedule.stops = layer.stops;
  return schedule;
}

bool is_armed_as(const aws::Schedule& read, const aws::EndSchedule& wanted, std::string_view region) {
  return read.enabled && read.expression == aws::k_end_every && read.start == wanted.start &&
         read.end == wanted.end && read.target == aws::end_target(region, wanted.stops) &&
         read.role == wanted.role && read.input == aws::end_input(wanted.instance);
}

bool is_curfews(const aws::Schedule& read, std::string_view instance, std::string_view region) {
  return read.name == l3_name(instance) && read.expression == aws::k_end_every && read.start && read.end &&
         (read.target == aws::end_target(region, true) || read.target == aws::end_target(region, false)) &&
         !read.role.empty() && read.input == aws::end_input(instance);
}

net::Awaitable<Status> arm_l3(L3World world, aws::EndSchedule wanted, std::string region) {
  const auto until = world.clock.boot() + world.limit;
  for (Millis wait = k_first_pause;; wait = std::min(wait * 2, k_most_pause)) {
    auto sending = world.send(wanted);
    auto sent = co_await std::move(sending);
    // There is one already: this one, whose answer was lost, which is then read; or another's.
    if (sent || sent.error().kind == ErrorKind::conflict) break;
    if (!may_pass(sent.error()) || world.gives_up() || world.clock.boot() + wait >= until)
      co_return fail(std::move(sent.error()));
    world.say(printable(sent.error().text(), 300) + "; again in " +
              format_duration(std::chrono::ceil<Seconds>(wait)));
    auto sleeping = world.sleep(wait);
    co_await std::move(sleeping);
  }
  auto reading = world.read(wanted.name);
  const auto read = co_await std::move(reading);
  if (!read) co_return fail(Error{read.error()}.within("read the schedule back"));
  if (!is_armed_as(*read, wanted, region))
    co_return fail(ErrorKind::conflict, "read the schedule " + wanted.name + " back",
                   "it isn't the one that was asked for");
  co_return Status{};
}

}  // namespace curfew::layers
