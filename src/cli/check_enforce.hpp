// `curfew check --enforce`, between reading and showing.
#pragma once

#include "cli/accounts.hpp"
#include "cli/check_options.hpp"
#include "net/environment.hpp"
#include "os/clock.hpp"
#include "watch/machine.hpp"

namespace curfew::cli {

// Ends what the options say of a report that was just read through `accounts`, and puts into it what was done
// (report.enforced). Failures are told on stderr, and all of it in the formats that don't show it.
void enforce(watch::Report& report, Accounts& accounts, const CheckOptions& options, const os::Clock& clock,
             const net::Environment& environment);

// Of a report that could not be written after that: tells on stderr what was done, as far as enforce() didn't.
void tell_unwritten(const watch::Report& report, const CheckOptions& options);

}  // namespace curfew::cli
