// Which credentials the variables and profiles ask for, in botocore's order. Pure: nothing is run, asked or opened here.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "aws/core/profile.hpp"
#include "aws/core/signer.hpp"
#include "base/times.hpp"
#include "net/environment.hpp"

namespace curfew::aws {

// A role to take: by AssumeRole, or by AssumeRoleWithWebIdentity.
struct RoleRequest {
  std::string role_arn;
  std::string session_name;  // shown in CloudTrail; empty: "curfew-" and the time in seconds
  std::string external_id;   // empty: none
  std::optional<Seconds>
      duration;        // none: STS's own, an hour; a role taken with a role gets no more than that
  std::string region;  // whose STS is asked; empty: the session's, without asking IMDS
};

// A program that prints credentials, by its command line.
struct ProcessSource {
  std::string profile;
  std::string file;  // that names the program
  std::string command;
};

// IAM Identity Center, by the token that `aws sso login` has left in ~/.aws/sso/cache.
struct SsoSource {
  std::string profile;
  std::string session;  // of [sso-session NAME]; empty: the older form, whose token can't be renewed
  std::string start_url;
  std::string region;
  std::string account;
  std::string role;
};

struct WebIdentitySource {
  std::string token_file;  // read anew each time: it's replaced while we run
  RoleRequest role;
};

// The machine's own: what is not in any file.
enum class OwnSource {
  container,  // of ECS and EKS, by the variables that they set
  instance,   // the role of the instance, by IMDS
  either,     // the container's where there is one
};

struct RoleStep {
  std::string profile;  // whose role it is
  std::string file;     // where that says so
  RoleRequest role;
};

struct CredentialPlan {
  std::variant<Credentials, ProcessSource, SsoSource, WebIdentitySource, OwnSource> base;
  std::vector<RoleStep> roles;  // taken one after the other, each with the credentials before it
  std::string profile;  // for messages: "the profile \"dev\" (/home/u/.aws/config)"; empty: none is to blame
};

// What AWS_ACCESS_KEY_ID and its kin say; nothing where they're unset, an error where only one of them is set.
[[nodiscard]] Result<std::optional<Credentials>> credentials_from_environment(
    const net::Environment& environment);

// In order: the variables' keys; the profile's role_arn, with its source_profile or credential_source, as deep as they
// go; web identity, by variables or profile; SSO; keys in the credentials file; credential_process; keys in the config
// file; the container's, then the instance's role. With a profile that was named by an option (`explicit_profile`), the
// variables' keys and web identity don't count; one that AWS_PROFILE names comes after them. Errors name the profile and
// the file, never a value that may be secret: invalid_input for a mistake in them, refused for what curfew doesn't do
// (MFA codes, `aws login`), with what to do instead.
[[nodiscard]] Result<CredentialPlan> plan_credentials(const Result<Profile>& profile, bool explicit_profile,
                                                      const net::Environment& environment);

// Whether text may be a key or a token: it goes into a header, so no control characters, and within bounds.
[[nodiscard]] bool is_credential_text(std::string_view text);

}  // namespace curfew::aws
