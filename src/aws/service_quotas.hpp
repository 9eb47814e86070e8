// Service Quotas: how much of something the account may have in a region; behind an interface for tests.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "aws/session.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace curfew::aws {

// "L-DB2E81BA".
[[nodiscard]] bool is_quota_code(std::string_view text);

class ServiceQuotas {
 public:
  virtual ~ServiceQuotas() = default;
  // A quota of EC2's, whole units, rounded down: what the account was given, or AWS's own where it was given nothing.
  // not_found: there is no such quota in that region. Ends within 30 s.
  [[nodiscard]] virtual Awaitable<Result<std::uint64_t>> ec2_quota(std::string code) = 0;
};

// In `region`; the session must outlive it.
[[nodiscard]] std::unique_ptr<ServiceQuotas> make_service_quotas(Session& session, std::string region);

// The value in GetServiceQuota's and GetAWSDefaultServiceQuota's reply, which must be about `code`. Errors: unavailable.
// Pure; for service_quotas.cpp and its tests.
[[nodiscard]] Result<std::uint64_t> parse_quota(std::string_view json, std::string_view code);

}  // namespace curfew::aws
