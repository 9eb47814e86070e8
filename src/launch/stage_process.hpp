// Runs a program of a stage on the instance: its output goes to the stage's log as it comes, its time is bounded.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"
#include "launch/stage_log.hpp"

namespace curfew::launch {

struct ProcessEnd {
  int code = 0;             // its exit code
  int signal = 0;           // or what it died of
  bool timed_out = false;   // it was ended by us
  std::optional<int> told;  // a signal that came to us meanwhile, and means to stop

  [[nodiscard]] bool is_good() const { return code == 0 && signal == 0 && !timed_out && !told; }
  // "exit status 2", "killed by signal 9".
  [[nodiscard]] std::string text() const;
};

// After its time the program's group gets SIGTERM, and SIGKILL this much later.
inline constexpr Millis k_stage_grace{10'000};

// argv[0] is found on the system's path, where it has no slash. The program has a process group of its own and /dev/null
// for stdin. SIGUSR1, SIGUSR2 and SIGHUP that come to us are handed on to it; SIGTERM and SIGINT, which the guard sends to
// the whole tree, are not. What it leaves running may go on printing into the log. One at a time.
[[nodiscard]] Result<ProcessEnd> run_logged(const std::vector<std::string>& argv,
                                            const std::vector<std::string>& environment,
                                            std::optional<Millis> limit,
                                            const std::shared_ptr<StageLog>& log);

}  // namespace curfew::launch
