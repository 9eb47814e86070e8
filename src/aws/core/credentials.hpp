// Where credentials come from, in the SDKs' order, kept and renewed before they run out.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "aws/core/credential_plan.hpp"
#include "aws/core/credential_process.hpp"
#include "aws/core/profile.hpp"
#include "aws/core/signer.hpp"
#include "aws/imds.hpp"
#include "base/result.hpp"
#include "net/environment.hpp"
#include "net/http.hpp"
#include "os/clock.hpp"

namespace curfew::aws {

// Error.code of a source that has had no credentials yet, whatever the kind of error: it may be that there are none.
inline constexpr std::string_view k_no_credentials = "NoCredentials";

class CredentialsSource {
 public:
  virtual ~CredentialsSource() = default;
  // Errors: with what was tried and a hint; no secret is in any of them.
  [[nodiscard]] virtual Awaitable<Result<Credentials>> get() = 0;
  // AWS said that they have expired: the next get() asks again.
  virtual void forget() = 0;
};

// The document that the container service and IMDS answer with.
[[nodiscard]] Result<Credentials> parse_credentials_document(std::string_view json, std::string source);

// The URL that AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI names; nothing where neither is set. Plain http only
// to this machine and to ECS's and EKS's own addresses: anything else could be read on the way.
[[nodiscard]] Result<std::optional<net::Url>> container_url(const net::Environment& environment);

struct CredentialsParts {
  net::HttpClient& http;
  const os::Clock& clock;
  Imds& imds;
  net::Environment environment;
  Result<Profile> profile;        // an error in it is told only when the profile is needed
  bool explicit_profile = false;  // by --profile: then the environment's keys don't count
  ReadFile read;
  std::string region = {};  // by --region; empty: the variables', the profile's
  RunAs run_as = run_as_owner;
  std::function<void(const std::string&)> note = [](auto&) {};  // a line for the log: what was tried again
};
// By plan_credentials(), which is asked when credentials are: where none of it is set up, nothing of it runs. Programs,
// STS and SSO have limits of their own, a minute together at the longest for each; kept and renewed as
// kept_credentials.hpp says. What the parts refer to must outlive it.
[[nodiscard]] std::unique_ptr<CredentialsSource> make_credentials(CredentialsParts parts);

}  // namespace curfew::aws
