// Times in this machine's zone, for people.
#pragma once

#include <string>

#include "base/times.hpp"

namespace curfew::os {

// "Fri 2026-11-27 10:00:00 CET" by TZ or /etc/localtime; empty where the zone is UTC, or can't be told.
[[nodiscard]] std::string format_local(WallTime time);

}  // namespace curfew::os
