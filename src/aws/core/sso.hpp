// IAM Identity Center: role credentials by the token that `aws sso login` left behind, and that token's renewal.
#pragma once

#include <string>
#include <string_view>

#include "aws/core/credential_plan.hpp"
#include "aws/session.hpp"
#include "base/result.hpp"
#include "base/times.hpp"

namespace curfew::aws {

// ~/.aws/sso/cache/SHA1.json. All but the last two are secret.
struct SsoToken {
  std::string access_token;
  std::string refresh_token;  // with it and the registration the token can be renewed; empty: it can't
  std::string client_id;
  std::string client_secret;
  std::string registration_expires;  // as it is written there
  WallTime expires{};
};
// Errors show nothing of it. Pure.
[[nodiscard]] Result<SsoToken> parse_sso_token(std::string_view json);

// "/home/u/.aws/sso/cache/<SHA-1 of the session's name, else of the start URL>.json"; refused where HOME isn't set.
[[nodiscard]] Result<std::string> sso_token_path(const SsoSource& source,
                                                 const net::Environment& environment);

// GetRoleCredentials' reply. Pure.
[[nodiscard]] Result<Credentials> parse_sso_credentials(std::string_view json, std::string source);

// CreateToken's reply, for the token that was renewed by it. Pure.
[[nodiscard]] Result<SsoToken> parse_renewed_token(std::string_view json, SsoToken old, WallTime now);

// Renews the token where it's of an [sso-session], near its end, and the file is this user's own to replace; then asks
// the portal for the role's credentials. Where the token has expired, the error's hint is the `aws sso login` to run.
[[nodiscard]] Awaitable<Result<Credentials>> sso_credentials(Session& session, SsoSource source,
                                                             ReadFile read);

}  // namespace curfew::aws
