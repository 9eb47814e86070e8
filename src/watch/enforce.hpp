// Ends what is past its own deadline: `curfew check --enforce`.
#pragma once

#include <vector>

#include "os/clock.hpp"
#include "watch/collect.hpp"
#include "watch/ending.hpp"
#include "watch/enforce_plan.hpp"
#include "watch/machine.hpp"

namespace curfew::watch {

// By a report that was just read, through the accounts that it was read by. Each instance is read again right before it's
// ended, with whether it's protected and what time it is by AWS's clock, and once more before each further call that ending
// it takes; whatever has changed speaks against ending it.
// What is done is put into report.enforced, and instances that were ended get the state that they were seen in. In a dry
// run nothing but read-only calls are made.
[[nodiscard]] Awaitable<void> enforce(Report& report, std::vector<AccountReads> accounts,
                                      EnforceOptions options, const os::Clock& clock, ActLog& log,
                                      EndingLimits limits);

}  // namespace curfew::watch
