// `curfew run` for other commands.
#pragma once

#include <optional>
#include <string>

#include "cli/commands.hpp"
#include "cli/relay.hpp"

namespace curfew::cli {

// As run_command(), but the job runs as somebody else where `identity` says so, which only root may, and people are told
// that it is `shown`, unless that's empty.
[[nodiscard]] int run_words(const Words& words, const World& world, const std::optional<Identity>& identity,
                            const std::string& shown = {});

}  // namespace curfew::cli
