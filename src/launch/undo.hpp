// How what a launch has made is ended again, by the launch itself and by one that comes after a dead one: private to both.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "launch/calls.hpp"
#include "launch/sequence.hpp"
#include "os/clock.hpp"

namespace curfew::launch {

// Of calls that are tried again.
inline constexpr Millis k_first_pause{1'000};
inline constexpr Millis k_most_pause{15'000};

// What the tag curfew:schedule says of a launch that came to its end.
inline constexpr const char* k_armed = "armed";
inline constexpr const char* k_none = "none";

// Whether the call may have been carried out all the same, or may work later.
[[nodiscard]] bool may_have_happened(const Error& error);
[[nodiscard]] bool has_ended(std::string_view state);

// Until EC2 says that it's on its way.
[[nodiscard]] Awaitable<Status> end_and_see(const os::Clock& clock, Calls& calls, std::string instance);
// After the instance, never before: it's the one layer that would still end it. Left, it would find nothing to end.
[[nodiscard]] Awaitable<void> delete_schedule_of(World& world, Calls& calls, std::string instance);

}  // namespace curfew::launch
