// `curfew check --watch`: the same again and again, until somebody ends it.
#pragma once

#include <functional>

#include "cli/check_options.hpp"
#include "cli/teller.hpp"
#include "net/environment.hpp"
#include "os/clock.hpp"
#include "watch/machine.hpp"

namespace curfew::cli {

// `write` puts a report where --output, or a stdout that is no terminal, wants it. Returns the exit code of the last
// report; SIGINT and SIGTERM end the process with it.
[[nodiscard]] int watch_check(const CheckOptions& options, const os::Clock& clock,
                              const net::Environment& environment, Teller& teller,
                              const std::function<Status(const watch::Report&)>& write);

}  // namespace curfew::cli
