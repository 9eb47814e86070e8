// Roles of STS: AssumeRole and AssumeRoleWithWebIdentity, as calls and as a source of credentials that renews itself.
// For the chain of credentials, and for whoever reads other accounts by a role in each: build on this.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "aws/core/credential_plan.hpp"
#include "aws/session.hpp"
#include "base/result.hpp"

namespace curfew::aws {

// RoleRequest, the role that is asked for, is credential_plan.hpp's.
//
// "arn:aws:iam::123456789012:role/path/name" of any partition, and a session name and external id that STS takes. An
// error is invalid_input and names the part. Pure.
[[nodiscard]] Status check_role(const RoleRequest& role);

// The region whose STS is asked where nothing names one: us-east-1, or one of the role's own partition.
[[nodiscard]] std::string sts_region_for(std::string_view role_arn);

// The credentials in <AssumeRoleResponse> or <AssumeRoleWithWebIdentityResponse>, whichever `action` ("AssumeRole") says.
// They always expire. No secret is in an error.
[[nodiscard]] Result<Credentials> parse_role_credentials(std::string_view xml, std::string_view action,
                                                         std::string source);

// Signed with the session's own credentials, retried as every call, within 30 s. Regional endpoints, unless
// AWS_STS_REGIONAL_ENDPOINTS or the profile's sts_regional_endpoints says legacy; AWS_ENDPOINT_URL_STS counts. AWS's own
// code ("AccessDenied") is in the error's `code`.
[[nodiscard]] Awaitable<Result<Credentials>> assume_role(Session& session, RoleRequest role);

// Unsigned: the token is what proves who asks, and is as secret as a key.
[[nodiscard]] Awaitable<Result<Credentials>> assume_role_with_web_identity(Session& session, RoleRequest role,
                                                                           std::string token);

// The role's credentials, taken with the session's own when first asked for, kept, and taken anew before they expire.
// The session must outlive it.
[[nodiscard]] std::unique_ptr<CredentialsSource> make_assumed_role(Session& session, RoleRequest role);

// A session that is to act as another: same transport, clock, variables, profile and region, with credentials of its own.
// Nothing is read from disk. What `like` refers to must outlive it; `like` itself need not, unless `credentials` does.
[[nodiscard]] std::unique_ptr<Session> make_session_as(const Session& like,
                                                       std::unique_ptr<CredentialsSource> credentials);

}  // namespace curfew::aws
