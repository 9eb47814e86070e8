// Reads for `curfew check`: with a line of progress, and with prices that are kept from one time to the next.
#pragma once

#include <functional>
#include <string>

#include "cli/accounts.hpp"
#include "cli/check_options.hpp"
#include "net/environment.hpp"
#include "os/clock.hpp"
#include "watch/collect.hpp"
#include "watch/machine.hpp"

namespace curfew::cli {

// Where it says how it goes; null: on stderr.
struct ReadingTold {
  std::function<void(const watch::Progress&)> progress = {};
  std::function<void(const std::string&)> say = {};
};

// `accounts` are signed in. May be done again and again.
[[nodiscard]] watch::Report read_all(Accounts& accounts, const CheckOptions& options, const os::Clock& clock,
                                     const net::Environment& environment, const ReadingTold& told = {});

}  // namespace curfew::cli
