// STS: who we are, and becoming somebody else; behind an interface for tests.
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

struct RoleToAssume {
  std::string arn;           // "arn:aws:iam::123456789012:role/watch"
  std::string session_name;  // shows in CloudTrail; 2 to 64 of [A-Za-z0-9_+=,.@-]
  std::string external_id;   // empty: none
};
// Refuses what is no role's ARN, and session names and external ids that STS wouldn't take; before anything is sent. Pure.
[[nodiscard]] Status check_role(const RoleToAssume& role);
// The account in a role's ARN. Pure; invalid_input where that is none.
[[nodiscard]] Result<std::string> account_of_role(std::string_view arn);

// Each call ends within 30 s. Error.code is STS's own: "AccessDenied", "ExpiredToken", "RegionDisabledException".
class Sts {
 public:
  virtual ~Sts() = default;
  // Needs no permission: what it refuses are credentials that are none.
  [[nodiscard]] virtual Awaitable<Result<CallerIdentity>> caller_identity() = 0;
  // For an hour, the most that role chaining allows. `source` in them is "role ARN".
  [[nodiscard]] virtual Awaitable<Result<Credentials>> assume_role(RoleToAssume role) = 0;
};

// The region's own endpoint, whose tokens are valid in opt-in regions too. The session must outlive it.
[[nodiscard]] std::unique_ptr<Sts> make_sts(Session& session, std::string region);

// A session that is `base` in all (transport, clock, environment, endpoints, proxies, what main has set for random, sleep
// and note) but its credentials: the role's, asked for by `base` on first use, by one call however many wait for it, and
// renewed 10 minutes before they expire. Its retry quota is its own: an account in trouble doesn't slow the others.
// `base` must outlive it, and calls that are under way must have ended before it goes.
//
//     auto other = session_for_role(base, region, {arn, "curfew-check", external_id});
//     auto sts = make_sts(*other, region);               // AssumeRole is refused? it's told here, once an account
//     auto who = co_await sts->caller_identity();
//     auto ec2 = make_ec2_inventory(*other, "eu-west-1");
//
// `region` is where STS is asked.
[[nodiscard]] std::unique_ptr<Session> session_for_role(Session& base, std::string region, RoleToAssume role);

}  // namespace curfew::aws
