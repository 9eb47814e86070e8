// Where this process keeps its ledger of acts, and as whom it's told there.
#pragma once

#include <string>

#include "net/environment.hpp"
#include "watch/ledger.hpp"

namespace curfew::cli {

[[nodiscard]] watch::Ledger make_ledger(const net::Environment& environment, std::string command,
                                        const os::Clock& clock, watch::Unwritable unwritable);

// What Ctrl-C in the middle of ending instances says: what was asked for isn't taken back by it.
[[nodiscard]] std::string interrupted_text(const net::Environment& environment, bool has_ledger = true);

}  // namespace curfew::cli
