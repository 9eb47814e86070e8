// Reads for `curfew check`: with a line of progress, and with prices that are kept from one time to the next.
#pragma once

#include "cli/accounts.hpp"
#include "cli/check_options.hpp"
#include "net/environment.hpp"
#include "os/clock.hpp"
#include "watch/machine.hpp"

namespace curfew::cli {

// `accounts` are signed in. May be done again and again.
[[nodiscard]] watch::Report read_all(Accounts& accounts, const CheckOptions& options, const os::Clock& clock,
                                     const net::Environment& environment);

}  // namespace curfew::cli
