// A plan as it's shown to people, before anything is made. Pure.
#pragma once

#include <functional>
#include <string>

#include "base/times.hpp"
#include "launch/plan.hpp"

namespace curfew::launch {

// A time as clocks here show it, "Fri 2026-11-27 10:00 CET"; empty where that's UTC.
using LocalTime = std::function<std::string(WallTime)>;

// Of several lines. Without `local` times are in UTC alone.
[[nodiscard]] std::string describe(const Plan& plan, const LocalTime& local = {});

}  // namespace curfew::launch
