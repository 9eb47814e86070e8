// `curfew run` for other commands.
#pragma once

#include <optional>

#include "cli/commands.hpp"
#include "cli/relay.hpp"

namespace curfew::cli {

// As run_command(), but the job runs as somebody else where `identity` says so, which only root may.
[[nodiscard]] int run_words(const Words& words, const World& world, const std::optional<Identity>& identity);

}  // namespace curfew::cli
