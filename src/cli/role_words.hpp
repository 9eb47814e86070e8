// The words that curfew gives its own roles: --state DIR --run DIR, and flags.
#pragma once

#include <algorithm>

#include "cli/commands.hpp"
#include "guard/spec.hpp"
#include "layers/units.hpp"
#include "os/files.hpp"

namespace curfew::cli {

[[nodiscard]] inline bool has_word(const Words& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

[[nodiscard]] inline std::string word_after(const Words& words, std::string_view name) {
  const auto found = std::find(words.begin(), words.end(), name);
  return found == words.end() || found + 1 == words.end() ? std::string() : *(found + 1);
}

[[nodiscard]] inline Result<layers::Places> places_from(const Words& words) {
  layers::Places places;
  places.state = word_after(words, "--state");
  places.run = word_after(words, "--run");
  if (places.state.empty() || places.run.empty())
    return fail(ErrorKind::invalid_input, "start a role of curfew", "needs --state and --run",
                "it's started by `curfew run`, not by hand");
  if (auto program = os::own_path()) places.program = *program;
  return places;
}

// A unit that systemd starts late, after `curfew run` had given up on systemd and started plain processes: what runs by
// then is not its to touch.
[[nodiscard]] inline bool is_stale_service(const Words& words, const guard::Spec& spec) {
  return has_word(words, "--service") && !spec.service;
}

// guard.json of these places.
[[nodiscard]] inline Result<guard::Spec> read_spec(const layers::Places& places) {
  guard::Spec here;
  here.places = places;
  constexpr std::size_t k_largest_spec = 4U << 20U;
  auto text = os::read_file(here.path(), k_largest_spec);
  if (!text) return fail(std::move(text.error()));
  return guard::spec_from_json(*text);
}

}  // namespace curfew::cli
