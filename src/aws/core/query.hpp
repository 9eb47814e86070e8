// The Query protocol of EC2, STS, SNS and CloudWatch: a form is posted, XML comes back.
#pragma once

#include <optional>
#include <string>
#include <string_view>
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
  bool once = false;    // see Call
};

// The call that asks this, for perform(). An error where the endpoint can't be told (invalid_input).
[[nodiscard]] Result<Call> call_of(const Session& session, Query query, net::Limits limits, Millis total);

// Asks; the reply's body is whole XML, which the caller reads.
[[nodiscard]] Awaitable<Result<std::string>> ask_for_xml(Session& session, Query query, net::Limits limits,
                                                         Millis total);

// Asks, and reads the answer; one that `parse` doesn't take is as good as none. `query` is a copy of its own on purpose.
template <class T>
[[nodiscard]] Awaitable<Result<T>> ask(Session& session, Query query, net::Limits limits, Millis total,
                                       Result<T> (*parse)(std::string_view xml)) {
  auto call = call_of(session, std::move(query), limits, total);
  if (!call) co_return fail(std::move(call).error());
  std::optional<T> answer;
  call->read = [&answer, parse](net::Response& response) -> Status {
    auto read = parse(response.body);
    if (!read) return fail(std::move(read).error());
    answer.emplace(std::move(*read));
    return {};
  };
  auto response = co_await perform(session, std::move(*call));
  if (!response) co_return fail(std::move(response).error().error);
  co_return std::move(*answer);
}

}  // namespace curfew::aws
