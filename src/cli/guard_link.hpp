// Asking the guard of this machine, from another process.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "guard/control.hpp"
#include "layers/units.hpp"

namespace curfew::cli {

// Where a guard that this user may speak to keeps its things: root's, then the user's own.
[[nodiscard]] std::vector<layers::Places> guard_places();

// Sends one message and waits for the answer, for five seconds. not_found or unavailable: no guard is there.
[[nodiscard]] Result<os::Message> ask_guard(const layers::Places& places, guard::ToGuard what,
                                            std::string_view text);
[[nodiscard]] inline bool is_no_guard(const Error& error) {
  return error.kind == ErrorKind::not_found || error.kind == ErrorKind::unavailable;
}

// What to say where none answers: it may be another user's.
[[nodiscard]] std::string no_guard_text();

}  // namespace curfew::cli
