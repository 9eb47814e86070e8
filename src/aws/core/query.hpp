// The Query protocol of EC2, STS and SNS: a form is posted, XML comes back.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "aws/core/call.hpp"
#include "aws/session.hpp"
#include "base/result.hpp"

namespace curfew::aws {

using Form = std::vector<std::pair<std::string, std::string>>;

struct Query {
  std::string what;     // for messages
  std::string service;  // of the endpoint and the signature
  std::string region;
  std::string version;  // "2016-11-15"
  std::string action;   // "DescribeInstances"
  Form form;            // its parameters
};

// The call that asks this, for perform(). An error where the endpoint can't be told (invalid_input).
[[nodiscard]] Result<Call> call_of(const Session& session, Query query, net::Limits limits, Millis total);

}  // namespace curfew::aws
