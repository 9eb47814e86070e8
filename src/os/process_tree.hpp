// Processes as /proc shows them, and signals that can't hit another process which took over the number.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace curfew::os {

struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t group = 0;
  pid_t session = 0;
  char state = '?';         // as in proc(5): 'Z' a zombie, 'D' stuck in the kernel, 'T' stopped
  std::uint64_t start = 0;  // clock ticks after boot; with the pid it names the process for good
};

[[nodiscard]] std::optional<Process> read_process(pid_t pid);

// What `root` started, and what that started, and so on; not `root` itself. Orphans belong to it where it is their
// subreaper. A process for which `left_out` is true is left out with all below it. Taken while processes come and go:
// one that forks meanwhile may hide its child, so who wants all of them asks again until there are none.
[[nodiscard]] std::vector<Process> descendants(pid_t root,
                                               const std::function<bool(const Process&)>& left_out = {});

// Sends `signal` to exactly this process: true if it was sent. Nothing where the number has gone to another one.
bool signal_process(const Process& process, int signal);

namespace detail {
// The text of /proc/PID/stat.
[[nodiscard]] std::optional<Process> parse_stat(std::string_view text);
}  // namespace detail

}  // namespace curfew::os
