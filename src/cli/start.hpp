// From a parsed `curfew run` to a running guard: where things are kept, which layers there are, and starting them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "cli/commands.hpp"
#include "guard/spec.hpp"
#include "os/fd.hpp"
#include "os/shim_channel.hpp"

namespace curfew::cli {

// All that is needed to start, so that `sudo -n` can be given it whole, by stdin.
struct StartRequest {
  os::JobSpec job;
  guard::Spec guard;
};
[[nodiscard]] std::string to_json(const StartRequest& request);
[[nodiscard]] Result<StartRequest> start_request_from_json(std::string_view text);

// Root: /var/lib/curfew and /run/curfew. Else below XDG_STATE_HOME (~/.local/state) and XDG_RUNTIME_DIR.
[[nodiscard]] Result<layers::Places> places_for_root();
[[nodiscard]] Result<layers::Places> places_for_user();

// A guard of whatever user that runs here: "process 57 of user 1000".
[[nodiscard]] std::optional<std::string> running_guard();
// Refuses where another guard protects this machine (conflict).
[[nodiscard]] Status check_no_other_guard(const layers::Places& places);

struct Started {
  std::vector<std::string> notes;  // what there is to say about how, a line each
  os::Fd lock;                     // keeps a second start out until the guard itself does: hold it that long
};
// Makes the folders, clears what an older job left, writes spec.json and guard.json, arms L0 (as root, where the machine
// is to end), then starts guard and shim: by systemd where request.guard.service is set, and where that fails, or else,
// as plain processes. What was done before a failure is undone.
[[nodiscard]] Result<Started> start_best(StartRequest& request, const World& world);

// Until it answers, for ten seconds at most.
void wait_for_guard(const layers::Places& places);

}  // namespace curfew::cli
