// Runs a program of the system (shutdown, systemctl, sudo) with a time limit, from a fixed PATH, in a clean environment.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"
#include "os/fd.hpp"

namespace curfew::os {

// Never the caller's PATH: what ends a machine must not depend on a training job's environment.
inline constexpr std::string_view k_system_path =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct Running {
  pid_t pid = -1;
  Fd pidfd;   // readable once it has ended
  Fd output;  // stdout and stderr together, non-blocking
};

struct Outcome {
  int code = 0;        // exit code, or 128 + signal
  std::string output;  // the first 64 KiB of stdout and stderr, without a trailing newline
};

// The program by its name, found on k_system_path; not_found where it isn't there.
[[nodiscard]] Result<std::string> find_program(std::string_view name);

struct Account {
  uid_t user = 0;
  gid_t group = 0;
};

// For a program of the user's, which needs what they have set: unlike those of the system, which get a clean environment.
struct Surroundings {
  std::vector<std::string> environment;  // "NAME=value"
  bool with_errors = true;               // stderr is read together with stdout, else it goes to /dev/null
  std::optional<Account> as;             // whose rights it gets, with no other groups; none: ours
};

// Starts argv[0] (looked up as above unless it has a slash) with default signals, no inherited descriptors, in its own
// process group, stdin from `input` (else /dev/null).
[[nodiscard]] Result<Running> start_command(const std::vector<std::string>& argv, std::string_view input = {},
                                            const Surroundings* surroundings = nullptr);
// Reads what has been written so far, and the outcome once it has ended (reaps it).
void read_output(Running& running, std::string& into);
[[nodiscard]] int reap(Running& running);
// Kills its process group and reaps, waiting a moment at most: a child stuck in the kernel is left behind.
void kill_command(Running& running);

// All of that, blocking, for at most `limit`; past it the program is killed (timed_out).
[[nodiscard]] Result<Outcome> run_command(const std::vector<std::string>& argv, Millis limit,
                                          std::string_view input = {});

}  // namespace curfew::os
