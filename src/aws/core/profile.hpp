// ~/.aws/config and ~/.aws/credentials. Parsing is pure; reading them is bounded.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "aws/core/signer.hpp"
#include "base/result.hpp"
#include "net/environment.hpp"

namespace curfew::aws {

using IniSection = std::map<std::string, std::string, std::less<>>;
using Ini = std::map<std::string, IniSection, std::less<>>;

// As botocore reads them: keys in any case (kept in lower), lines that begin with # or ; are comments, nothing within a
// line is. An indented line goes on with the value before it, "\n" between (nested settings). Of two equal keys the
// last counts. Errors name the line, never its text: it may be a secret.
[[nodiscard]] Result<Ini> parse_ini(std::string_view text);

// What a profile says that concerns curfew.
struct Profile {
  std::string name = "default";
  bool found = false;
  std::optional<Credentials> keys;  // static ones
  std::string needs;  // "role_arn", "sso_session"…: how it gets credentials that aren't static; or empty
  std::string region;
  std::string endpoint_url;
  std::map<std::string, std::string, std::less<>> service_endpoints;  // of its [services] section
};

// Merges both files as the SDKs do: the credentials file wins for keys.
[[nodiscard]] Profile profile_from(const std::string& name, const Ini& config, const Ini& credentials);

using ReadFile = std::function<Result<std::string>(const std::string& path)>;

// AWS_PROFILE unless `name` is given; AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE, else below HOME. A file that
// isn't there is an empty one; one that can't be read or parsed is an error.
[[nodiscard]] Result<Profile> load_profile(const net::Environment& environment, const std::string& name,
                                           const ReadFile& read);

}  // namespace curfew::aws
