// The real cloud: IMDS, EC2 and S3.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "guard/cloud.hpp"
#include "guard/spec.hpp"
#include "net/http.hpp"
#include "os/clock.hpp"
#include "os/log.hpp"

namespace curfew::guard {

// Works on the executor of the coroutines that call it; what it's given must outlive it.
[[nodiscard]] std::unique_ptr<Cloud> make_aws_cloud(const Spec& spec, net::HttpClient& http,
                                                    const os::Clock& clock, os::Log& log);

// Whether there are credentials for the API, found within `limit`; blocks. Nothing is asked of the API itself.
[[nodiscard]] Status check_credentials(const std::map<std::string, std::string>& environment,
                                       const os::Clock& clock, Millis limit);

}  // namespace curfew::guard
