// What the shim is told to run, and what it writes down when that has ended. Shared by shim, guard and front end, which
// may not include each other.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace curfew::os {

// Where one guarded job keeps its things. `state` survives a reboot (root: /var/lib/curfew), `run` does not
// (/run/curfew).
struct JobPaths {
  std::string state;
  std::string run;

  [[nodiscard]] std::string spec() const {
    return state + "/spec.json";
  }  // 0600: holds the job's environment
  [[nodiscard]] std::string exit_record() const { return state + "/exit.json"; }
  [[nodiscard]] std::string output() const { return state + "/output.log"; }
  [[nodiscard]] std::string shim_socket() const { return run + "/shim.sock"; }
};

// The caller's world, as the job shall find it.
struct JobSpec {
  std::vector<std::string> argv;
  std::string cwd;
  std::vector<std::string> env;  // NAME=value
  mode_t umask = 022;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  std::vector<std::pair<int, rlimit>> limits;  // RLIMIT_* and its values
  // Which of the job's descriptors are the pseudo-terminal; the others are pipes.
  bool stdin_tty = false;
  bool stdout_tty = false;
  bool stderr_tty = false;
  // stdout and stderr are the same pipe or file (`2>&1`): the job gets one pipe for both, so that their order is kept.
  bool one_output = false;
  std::uint16_t rows = 24;
  std::uint16_t columns = 80;
  std::string
      terminal_settings;  // the caller's termios as bytes, for the pseudo-terminal; empty: the kernel's default
  // The kernel's preference for it where memory runs out: one of curfew's own frees none by dying.
  int oom_score = 500;
  std::uint64_t output_bytes = 64ULL << 20U;  // output.log is renamed to output.log.1 past that
};
[[nodiscard]] std::string to_json(const JobSpec& spec);
[[nodiscard]] Result<JobSpec> job_spec_from_json(std::string_view text);

// exit.json.
struct ExitRecord {
  enum class How : std::uint8_t { not_started, exited, signalled };
  How how = How::exited;
  int number = 0;             // exit code, signal, or 125/126/127
  std::string why;            // not_started: what failed
  std::int64_t ended_ms = 0;  // wall time, milliseconds
  std::string boot_id;
};
[[nodiscard]] std::string to_json(const ExitRecord& record);
[[nodiscard]] Result<ExitRecord> exit_record_from_json(std::string_view text);

}  // namespace curfew::os
