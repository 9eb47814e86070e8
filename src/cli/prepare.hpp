// What `curfew run` finds out and refuses before anything is started: paths, who calls, what may end this machine.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "cli/run_options.hpp"
#include "cli/start.hpp"
#include "net/environment.hpp"
#include "notify/target.hpp"
#include "os/clock.hpp"

namespace curfew::cli {

// How the guard gets to run.
enum class Way : std::uint8_t {
  as_is,      // by this process: root, or nothing that needs root
  with_sudo,  // `sudo -n`: the guard is root's, the job stays the caller's
};

struct Prepared {
  StartRequest request;
  Way way = Way::as_is;
  std::vector<std::string> notes;  // to be said, however little is to be said
};

// The variables that the guard gets of the caller's: AWS_*, proxies, certificates, HOME.
[[nodiscard]] std::map<std::string, std::string> guard_environment(const net::Environment& environment);

// Whether this is an EC2 instance whose metadata service may be asked.
[[nodiscard]] bool is_on_ec2(const net::Environment& environment, bool looks_like_it);

// What --notify names, each place once, as notify::Target::secret_text(). Notes are added.
[[nodiscard]] Result<std::vector<std::string>> resolve_notify(const RunOptions& options,
                                                              const net::Environment& environment,
                                                              const notify::ReadSecret& read,
                                                              std::vector<std::string>& notes);

[[nodiscard]] Result<Prepared> prepare(const RunOptions& options, os::JobSpec job, const os::Clock& clock);

}  // namespace curfew::cli
