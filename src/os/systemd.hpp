// systemd as this program needs it: is it there, its units, its notifications. Every call has a time limit.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"

namespace curfew::os {

inline constexpr Millis k_systemctl_limit{20'000};

// True where systemd is PID 1 (sd_booted(3)).
[[nodiscard]] bool has_systemd();

// systemctl with these words; its output. A non-zero exit is an error with what it printed; not_found where a unit isn't
// loaded.
[[nodiscard]] Result<std::string> systemctl(const std::vector<std::string>& words,
                                            Millis limit = k_systemctl_limit);

// Properties of a unit by `systemctl show`; absent ones are empty.
[[nodiscard]] Result<std::map<std::string, std::string>> unit_properties(
    const std::string& unit, const std::vector<std::string>& names);

// True while the machine is going down ("stopping" by `systemctl is-system-running`).
[[nodiscard]] bool is_stopping(Millis limit = Millis{2'000});

// sd_notify(3): "READY=1", "WATCHDOG=1", "STOPPING=1". Nothing where NOTIFY_SOCKET is unset.
void notify_systemd(std::string_view state);

// A word for a unit file's ExecStart= or Environment=: quoted, with %, $ and \ escaped (systemd.syntax(7)).
[[nodiscard]] std::string unit_quoted(std::string_view word);

}  // namespace curfew::os
