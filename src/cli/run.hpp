// `curfew run` for other commands.
#pragma once

#include <optional>
#include <string>

#include "cli/commands.hpp"
#include "cli/relay.hpp"
#include "guard/spec.hpp"

namespace curfew::cli {

struct RunAs {
  std::optional<Identity> identity;         // somebody else, which only root may
  std::string shown;                        // what people are told that it is; empty: the words
  std::optional<guard::Launched> launched;  // by `curfew launch`
};

// As run_command(), where nothing of that is said.
[[nodiscard]] int run_words(const Words& words, const World& world, const RunAs& as);

}  // namespace curfew::cli
