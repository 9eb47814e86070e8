// STS: who we are; behind an interface for tests. Becoming somebody else (AssumeRole) is in core/sts_credentials.hpp.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aws/session.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace curfew::aws {

struct CallerIdentity {
  std::string account;               // 12 digits
  std::string arn;                   // "arn:aws:sts::123456789012:assumed-role/NAME/SESSION"; printable ASCII
  std::optional<WallTime> answered;  // AWS's clock (the header Date), whole seconds
};

// For several accounts, a session each:
//
//     auto other = make_session_as(base, make_assumed_role(base, {role_arn}));
//     auto sts = make_sts(*other, region);
//     auto who = co_await sts->caller_identity();  // assumes the role; a refusal is told here, once an account
//     auto ec2 = make_ec2_inventory(*other, "eu-west-1");
class Sts {
 public:
  virtual ~Sts() = default;
  // Needs no permission: what is refused are credentials that are none. Ends within 30 s. Error.code is STS's own:
  // "ExpiredToken", "InvalidClientTokenId", "RegionDisabledException".
  [[nodiscard]] virtual Awaitable<Result<CallerIdentity>> caller_identity() = 0;
};

// The region's own endpoint; the session must outlive it.
[[nodiscard]] std::unique_ptr<Sts> make_sts(Session& session, std::string region);

// The account in "arn:aws:iam::123456789012:role/path/name", of any partition; nothing where that is no role's ARN. Pure.
[[nodiscard]] std::optional<std::string> account_of_role(std::string_view arn);

// The identity in a GetCallerIdentityResponse, without `answered`. Pure; for sts.cpp and its tests.
[[nodiscard]] Result<CallerIdentity> parse_caller_identity(std::string_view xml);

}  // namespace curfew::aws
