// The words that curfew gives its own roles: --state DIR --run DIR, and flags.
#pragma once

#include <algorithm>

#include "cli/commands.hpp"
#include "layers/units.hpp"
#include "os/files.hpp"

namespace curfew::cli {

[[nodiscard]] inline bool has_word(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

[[nodiscard]] inline Result<layers::Places> places_from(const Words& words) {
  layers::Places places;
  const auto value = [&](std::string_view name) {
    const auto found = std::find(words.begin(), words.end(), name);
    return found == words.end() || found + 1 == words.end() ? std::string() : *(found + 1);
  };
  places.state = value("--state");
  places.run = value("--run");
  if (places.state.empty() || places.run.empty())
    return fail(ErrorKind::invalid_input, "start a role of curfew", "needs --state and --run",
                "it's started by `curfew run`, not by hand");
  if (auto program = os::own_path()) places.program = *program;
  return places;
}

}  // namespace curfew::cli
