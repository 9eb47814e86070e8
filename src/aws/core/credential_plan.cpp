// botocore's chain (credentials.py: create_credential_resolver, AssumeRoleProvider, ProfileProviderBuilder) as a function.
#include "aws/core/credential_plan.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace curfew::aws {
namespace {

constexpr std::size_t k_most_roles =
    10;  // loops are found for themselves: this is for a file made to be long
constexpr std::size_t k_longest_token = 16U << 10U;

std::string value_of(const IniSection& section, std::string_view key) {
  const auto found = section.find(key);
  return found == section.end() ? std::string() : found->second;
}

bool has(const IniSection& section, std::string_view key) { return !value_of(section, key).empty(); }

bool has_keys(const IniSection& section) {
  return has(section, "aws_access_key_id") || has(section, "aws_secret_access_key");
}

// A profile with web_identity_token_file gets its role by that, not with other credentials.
bool takes_role(const IniSection& section) {
  return has(section, "role_arn") && !has(section, "web_identity_token_file");
}

std::string quoted(std::string_view name) { return "\"" + printable(name, 60) + "\""; }

using Found = Result<std::optional<CredentialPlan>>;

class Planner {
 public:
  Planner(const ProfileFiles& files, const net::Environment& environment)
      : files_(files), environment_(environment) {}

  Found with_role(const std::string& name) {
    const auto section = files_.merged(name);
    if (!section || !takes_role(*section)) return std::nullopt;
    visited_.push_back(name);
    return take_role(name, *section);
  }

  // What a profile has without a role_arn. `variables`: whether those of web identity count.
  Found without_role(const std::string& name, bool variables) const {
    const auto section = files_.merged(name);
    const IniSection none;
    auto found = from_web_identity(name, section ? *section : none, variables);
    if (!found || *found || !section) return found;
    found = from_sso(name, *section);
    if (!found || *found) return found;
    if (const auto* own = files_.in_credentials(name)) {
      found = from_keys(name, *own, files_.credentials_path);
      if (!found || *found) return found;
    }
    if (has(*section, "login_session"))
      return refuse(name, "login_session", ErrorKind::refused, "the tokens of `aws login` are not supported",
                    "set credential_process = aws configure export-credentials --profile " +
                        printable(name, 60) + " --format process in a profile of its own");
    if (has(*section, "credential_process"))
      return plan(
          name, "credential_process",
          ProcessSource{name, file_of(name, "credential_process"), value_of(*section, "credential_process")});
    if (const auto* own = files_.in_config(name)) return from_keys(name, *own, files_.config_path);
    return std::nullopt;
  }

 private:
  // The file whose word on a key counts.
  [[nodiscard]] const std::string& file_of(const std::string& name, std::string_view key) const {
    const auto* own = files_.in_credentials(name);
    const bool there = own != nullptr && (own->contains(key) || files_.in_config(name) == nullptr);
    return there ? files_.credentials_path : files_.config_path;
  }

  [[nodiscard]] std::string place(const std::string& name, std::string_view key) const {
    return "the profile " + quoted(name) + " (" + printable(file_of(name, key)) + ")";
  }

  tl::unexpected<Error> refuse(const std::string& name, std::string_view key, ErrorKind kind,
                               std::string cause, std::string hint) const {
    return fail(kind, "find AWS credentials by " + place(name, key), std::move(cause), std::move(hint));
  }

  template <class Base>
  [[nodiscard]] CredentialPlan plan(const std::string& name, std::string_view key, Base base) const {
    return {std::move(base), {}, place(name, key)};
  }

  Found take_role(const std::string& name, const IniSection& section) {
    if (visited_.size() > k_most_roles)
      return refuse(name, "role_arn", ErrorKind::invalid_input,
                    "more than " + std::to_string(k_most_roles) + " roles are chained",
                    "let source_profile name a profile that is nearer to the keys");
    if (has(section, "mfa_serial"))
      return refuse(name, "mfa_serial", ErrorKind::refused,
                    "it wants an MFA code (mfa_serial), and curfew never asks for one",
                    R"(eval "$(aws configure export-credentials --profile )" + printable(name, 60) +
                        R"x( --format env)": that asks for the code, and sets keys for an hour)x");
    const auto source = value_of(section, "source_profile");
    const auto named = value_of(section, "credential_source");
    if (source.empty() == named.empty())
      return refuse(name, "role_arn", ErrorKind::invalid_input,
                    source.empty() ? "it has a role_arn, but neither source_profile nor credential_source"
                                   : "it has both source_profile and credential_source",
                    "give it one of them: what the role is taken with");
    auto base = source.empty() ? from_named(name, named) : from_profile(name, source);
    if (!base || !*base) return base;
    (*base)->roles.push_back({name, file_of(name, "role_arn"), role_of(section)});
    (*base)->profile = place(name, "role_arn");
    return base;
  }

  Found from_named(const std::string& name, const std::string& source) const {
    if (source == "Ec2InstanceMetadata") return plan(name, "credential_source", OwnSource::instance);
    if (source == "EcsContainer") return plan(name, "credential_source", OwnSource::container);
    if (source != "Environment")
      return refuse(name, "credential_source", ErrorKind::invalid_input,
                    "there is no credential_source " + quoted(source),
                    "it is one of Environment, Ec2InstanceMetadata, EcsContainer");
    auto keys = credentials_from_environment(environment_);
    if (!keys) return fail(std::move(keys).error().within("use " + place(name, "credential_source")));
    if (!*keys)
      return refuse(name, "credential_source", ErrorKind::refused,
                    "its credential_source is Environment, and that has no keys",
                    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    return plan(name, "credential_source", std::move(**keys));
  }

  Found from_profile(const std::string& name, const std::string& source) {
    const auto section = files_.merged(source);
    if (!section)
      return refuse(name, "source_profile", ErrorKind::invalid_input,
                    "its source_profile " + quoted(source) + " is in neither file",
                    "write that profile, or name another");
    // One that names itself means its own keys.
    if (std::find(visited_.begin(), visited_.end(), source) != visited_.end() &&
        (source != name || !has_keys(*section))) {
      std::string way;
      for (const auto& one : visited_) way += quoted(one) + " -> ";
      return refuse(name, "source_profile", ErrorKind::invalid_input,
                    "its source_profile goes round in a circle: " + way + quoted(source),
                    "let one of them have keys, or another source");
    }
    visited_.push_back(source);
    if (!has_keys(*section) && takes_role(*section)) return take_role(source, *section);
    auto found = without_role(source, false);
    if (found && !*found)
      return refuse(
          source, {}, ErrorKind::invalid_input,
          "it has no credentials, and " + place(name, "source_profile") + " takes its role with them",
          "give it keys, or another way to get them");
    return found;
  }

  static RoleRequest role_of(const IniSection& section) {
    RoleRequest role;
    role.role_arn = value_of(section, "role_arn");
    role.session_name = value_of(section, "role_session_name");
    role.external_id = value_of(section, "external_id");
    // As in botocore, one that isn't a number is none.
    if (const auto seconds = parse_number(value_of(section, "duration_seconds")))
      role.duration = Seconds{static_cast<std::int64_t>(std::min<std::uint64_t>(*seconds, 1U << 30U))};
    return role;
  }

  Found from_web_identity(const std::string& name, const IniSection& section, bool variables) const {
    // A variable that is set, though to nothing, hides the profile's word.
    const auto choose = [&](std::string_view variable, std::string_view key) {
      return variables && environment_.contains(variable) ? net::get(environment_, variable)
                                                          : value_of(section, key);
    };
    WebIdentitySource source;
    source.token_file = choose("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
    if (source.token_file.empty()) return std::nullopt;
    source.role.role_arn = choose("AWS_ROLE_ARN", "role_arn");
    source.role.session_name = choose("AWS_ROLE_SESSION_NAME", "role_session_name");
    const bool by_variable = variables && environment_.contains("AWS_WEB_IDENTITY_TOKEN_FILE");
    const auto who = by_variable ? "AWS_WEB_IDENTITY_TOKEN_FILE" : place(name, "web_identity_token_file");
    if (source.role.role_arn.empty())
      return fail(ErrorKind::invalid_input, "find AWS credentials by " + who, "no role goes with the token",
                  "set AWS_ROLE_ARN, or role_arn in the profile");
    return CredentialPlan{std::move(source), {}, who};
  }

  Found from_sso(const std::string& name, const IniSection& section) const {
    if (!has(section, "sso_role_name") && !has(section, "sso_account_id")) return std::nullopt;
    SsoSource source{name, value_of(section, "sso_session"), {}, {}, {}, {}};
    IniSection both = section;
    if (!source.session.empty()) {
      const auto session = files_.config.find("sso-session " + source.session);
      if (session == files_.config.end())
        return refuse(name, "sso_session", ErrorKind::invalid_input,
                      "there is no [sso-session " + printable(source.session, 60) + "] in " +
                          printable(files_.config_path),
                      "aws configure sso-session");
      for (const auto& [key, value] : session->second) {
        if (const auto own = section.find(key); own != section.end() && own->second != value)
          return refuse(name, key, ErrorKind::invalid_input,
                        "its " + printable(key, 40) + " is another than that of its sso_session " +
                            quoted(source.session),
                        "remove it from the profile");
        both.insert_or_assign(key, value);
      }
    }
    std::string missing;
    const auto take = [&](std::string_view key) {
      auto value = value_of(both, key);
      if (value.empty()) missing += (missing.empty() ? "" : ", ") + std::string(key);
      return value;
    };
    source.role = take("sso_role_name");
    source.account = take("sso_account_id");
    source.start_url = take("sso_start_url");
    source.region = take("sso_region");
    if (!missing.empty())
      return refuse(name, "sso_account_id", ErrorKind::invalid_input, "for SSO it lacks " + missing,
                    "aws configure sso --profile " + printable(name, 60));
    return plan(name, "sso_account_id", std::move(source));
  }

  // One file's: a pair isn't made of halves from both.
  Found from_keys(const std::string& name, const IniSection& section, const std::string& file) const {
    Credentials keys;
    keys.access_key = value_of(section, "aws_access_key_id");
    keys.secret_key = value_of(section, "aws_secret_access_key");
    keys.session_token = value_of(section, "aws_session_token");
    if (keys.session_token.empty()) keys.session_token = value_of(section, "aws_security_token");
    if (keys.access_key.empty()) return std::nullopt;
    const auto who = "the profile " + quoted(name) + " (" + printable(file) + ")";
    if (keys.secret_key.empty())
      return fail(ErrorKind::invalid_input, "find AWS credentials by " + who,
                  "it has aws_access_key_id without aws_secret_access_key", "aws configure");
    for (const auto* text : {&keys.access_key, &keys.secret_key, &keys.session_token})
      if (!is_credential_text(*text))
        return fail(ErrorKind::invalid_input, "find AWS credentials by " + who,
                    "one of its keys has a space or a character that no key has", "aws configure");
    keys.source = "profile " + name;
    return CredentialPlan{std::move(keys), {}, who};
  }

  const ProfileFiles& files_;
  const net::Environment& environment_;
  std::vector<std::string> visited_;
};

}  // namespace

bool is_credential_text(std::string_view text) {
  return text.size() <= k_longest_token &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

Result<std::optional<Credentials>> credentials_from_environment(const net::Environment& environment) {
  const std::string what = "take AWS credentials from the environment";
  Credentials found;
  found.access_key = net::get(environment, "AWS_ACCESS_KEY_ID");
  found.secret_key = net::get(environment, "AWS_SECRET_ACCESS_KEY");
  found.session_token = net::get(environment, "AWS_SESSION_TOKEN");
  if (found.session_token.empty()) found.session_token = net::get(environment, "AWS_SECURITY_TOKEN");
  found.source = "environment";
  if (found.access_key.empty()) return std::nullopt;  // as botocore: the secret alone is nothing
  if (found.secret_key.empty())
    return fail(ErrorKind::refused, what, "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not");
  for (const auto* text : {&found.access_key, &found.secret_key, &found.session_token})
    if (!is_credential_text(*text))
      return fail(ErrorKind::refused, what, "one of the keys has a space or a character that no key has");
  return found;
}

Result<CredentialPlan> plan_credentials(const Result<Profile>& profile, bool explicit_profile,
                                        const net::Environment& environment) {
  if (!explicit_profile) {
    auto keys = credentials_from_environment(environment);
    if (!keys) return fail(std::move(keys).error());
    if (*keys) return CredentialPlan{std::move(**keys), {}, {}};
  }
  // What is wrong with the profile doesn't matter to who doesn't need it.
  if (!profile) return fail(profile.error());
  Planner planner(*profile->files, environment);
  auto found = planner.with_role(profile->name);
  if (found && !*found) found = planner.without_role(profile->name, !explicit_profile);
  if (!found) return fail(std::move(found).error());
  if (*found) return std::move(**found);
  return CredentialPlan{OwnSource::either, {}, {}};
}

}  // namespace curfew::aws
