// Keeps credentials, and takes new ones before they run out: one caller fetches, whoever else asks meanwhile waits for
// what comes of it.
#pragma once

#include <functional>
#include <memory>

#include "aws/core/credentials.hpp"

namespace curfew::aws {

using FetchCredentials = std::function<Awaitable<Result<Credentials>>()>;

// They are renewed 10 minutes before they expire, or after half their life where that is shorter; if that fails the old
// ones serve until they have expired, and the next try is 30 s later. The clock must outlive it. On one executor only.
[[nodiscard]] std::unique_ptr<CredentialsSource> make_kept_credentials(const os::Clock& clock,
                                                                       FetchCredentials fetch);

// Always the same, whatever AWS says of them.
[[nodiscard]] std::unique_ptr<CredentialsSource> make_fixed_credentials(Credentials credentials);

}  // namespace curfew::aws
