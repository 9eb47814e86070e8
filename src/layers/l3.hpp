// L3: an EventBridge schedule in AWS that ends the instance from outside, with nothing on it alive. What it is, and
// whether what was read is that; and arming it until it was seen to be armed.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "aws/scheduler.hpp"
#include "base/times.hpp"
#include "os/clock.hpp"

namespace curfew::layers {

// After end_at, so that a save of full length and L0 come first.
inline constexpr Seconds k_l3_after_end{300};
// For so long it calls every ten minutes.
inline constexpr Seconds k_l3_lasts = std::chrono::hours{6};
// Where it stops the instance: whoever starts it again within this finds it stopped once more.
inline constexpr Seconds k_l3_lasts_stopping = std::chrono::hours{1};

[[nodiscard]] std::string l3_name(std::string_view instance);
// The minute of end_at, rounded up, and k_l3_after_end.
[[nodiscard]] WallTime l3_start(WallTime end_at);

struct L3 {
  std::string instance;
  WallTime end_at{};
  bool stops = false;
  std::string role;   // the scheduler's
  std::string token;  // for idempotency, 1 to 64 of [a-zA-Z0-9-_]
};
[[nodiscard]] aws::EndSchedule schedule_of(const L3& layer);

// Whether the schedule that was read does what is wanted, when it's wanted.
[[nodiscard]] bool is_armed_as(const aws::Schedule& read, const aws::EndSchedule& wanted,
                               std::string_view region);
// Whether it is one that curfew has made for that instance, whatever its times.
[[nodiscard]] bool is_curfews(const aws::Schedule& read, std::string_view instance, std::string_view region);

struct L3World {
  std::function<net::Awaitable<Status>(aws::EndSchedule)>
      send;  // CreateSchedule, or UpdateSchedule to move it
  std::function<net::Awaitable<Result<aws::Schedule>>(std::string)> read;
  std::function<net::Awaitable<void>(Millis)> sleep;
  const os::Clock& clock;
  std::function<bool()> gives_up;  // Ctrl-C
  std::function<void(const std::string&)> say;
  Millis limit{60'000};  // for repeating what may pass: a role that is seconds old can't be taken yet
};
// Sends it, again where that may help, and reads it back. An error: it may be there all the same.
[[nodiscard]] net::Awaitable<Status> arm_l3(L3World world, aws::EndSchedule wanted, std::string region);

}  // namespace curfew::layers
