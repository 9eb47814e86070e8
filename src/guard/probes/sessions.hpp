// Terminals with a person before them: when was something last typed? That is what w(1) calls idle: the time of a
// terminal's last read (tty_io.c sets it, whatever the mount options, every 8 s at most).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/times.hpp"

namespace curfew::guard {

struct TerminalSession {
  std::string name;        // "pts/3", "tty1", "ttyS0"
  std::int64_t input = 0;  // its atime in nanoseconds: to be compared with an earlier one, not with a clock
  WallTime input_at{};     // the same, for people
};

// DEV/pts/N, DEV/ttyN and DEV/ttySN, but for those named in `left_out` (the job's own). Never fails: what can't be read
// isn't there.
[[nodiscard]] std::vector<TerminalSession> terminal_sessions(const std::string& dev = "/dev",
                                                             const std::vector<std::string>& left_out = {});

// When input was last seen, on the clock that doesn't jump. Pure.
struct InputActivity {
  std::map<std::string, std::int64_t, std::less<>> inputs;
  BootTime last{};  // the first look counts as input
  bool looked = false;
};
// A terminal that is new (somebody has logged in) or was read since counts as input at `at`.
[[nodiscard]] InputActivity with_sessions(InputActivity activity,
                                          const std::vector<TerminalSession>& sessions, BootTime at);

}  // namespace curfew::guard
