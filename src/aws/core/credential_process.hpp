// credential_process: a program of the user's that prints credentials ("Sourcing credentials with an external process").
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/core/credential_plan.hpp"
#include "base/result.hpp"
#include "net/environment.hpp"
#include "net/http.hpp"
#include "os/command.hpp"

namespace curfew::aws {

// A command line into words as POSIX shells quote them: ' ', " ", backslash; nothing is expanded, and no shell is asked.
// An error (invalid_input) where a quote isn't closed, a backslash ends it, or there is no word. Never shows the text.
[[nodiscard]] Result<std::vector<std::string>> split_command(std::string_view text);

// Whose rights a program gets that a file names; none: ours.
using RunAs = std::function<Result<std::optional<os::Account>>(const std::string& file)>;
// Root runs what another's file names as that other; and refuses what a file names that others can write.
[[nodiscard]] Result<std::optional<os::Account>> run_as_owner(const std::string& file);

// {"Version": 1, "AccessKeyId": …, "SecretAccessKey": …, "SessionToken": …, "Expiration": …}; the last two may be missing:
// then they are long-lived, or never asked for again. Errors never show any of it.
[[nodiscard]] net::Awaitable<Result<Credentials>> run_credential_process(ProcessSource source,
                                                                         net::Environment environment,
                                                                         RunAs run_as);
[[nodiscard]] Result<Credentials> parse_process_output(std::string_view json, std::string source);

}  // namespace curfew::aws
