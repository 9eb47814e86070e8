// What `curfew install` makes of the options and the request of `curfew run`. Pure; the command itself is in install.cpp.
#pragma once

#include "base/result.hpp"
#include "cli/run_options.hpp"
#include "cli/start.hpp"
#include "job/times.hpp"

namespace curfew::cli {

// Only what makes sense at each boot anew: a machine without a command that does end, and no time that passes once.
[[nodiscard]] Status check_installable(const RunOptions& options);

// What `curfew uninstall` says where the guard refused to be disarmed, by what that said.
[[nodiscard]] std::string refusal_of_uninstall(std::string_view said);

// To be kept: the installed program waits in place of a command, without the terminal of the one who installs.
[[nodiscard]] StartRequest to_be_kept(StartRequest request);

// What is kept, as of this boot: times count from `now`, and a file of --done-file that is there already isn't news.
[[nodiscard]] StartRequest for_this_boot(StartRequest kept, const job::Now& now,
                                         const guard::FileMark& done_file);

}  // namespace curfew::cli
