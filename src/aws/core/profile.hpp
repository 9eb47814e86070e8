// ~/.aws/config and ~/.aws/credentials. Parsing is pure; reading them is bounded.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/environment.hpp"

namespace curfew::aws {

using IniSection = std::map<std::string, std::string, std::less<>>;
using Ini = std::map<std::string, IniSection, std::less<>>;

// As botocore reads them: keys in any case (kept in lower), lines that begin with # or ; are comments, nothing within a
// line is. An indented line goes on with the value before it, "\n" between (nested settings). Of two equal keys the
// last counts. Errors name the line, never its text: it may be a secret.
[[nodiscard]] Result<Ini> parse_ini(std::string_view text);

// Both files as they are, each under the path it was read from (empty: there was nowhere to look).
struct ProfileFiles {
  std::string config_path;
  std::string credentials_path;
  Ini config;
  Ini credentials;

  // The section of a profile in either file; null where it has none. In the config file it's "[profile NAME]", or
  // "[default]".
  [[nodiscard]] const IniSection* in_config(std::string_view profile) const;
  [[nodiscard]] const IniSection* in_credentials(std::string_view profile) const;
  // Both together, as the SDKs read them: of a key in both, the credentials file's counts. Nothing where neither has it.
  [[nodiscard]] std::optional<IniSection> merged(std::string_view profile) const;
};

// What a profile says of everything but credentials (credential_plan.hpp).
struct Profile {
  std::string name = "default";
  bool found = false;
  std::string region;
  std::string endpoint_url;
  std::map<std::string, std::string, std::less<>> service_endpoints;  // of its [services] section
  std::string sts_regional_endpoints;                                 // "legacy", "regional" or nothing
  std::shared_ptr<const ProfileFiles> files;                          // never null once loaded
};

// Merges both files as the SDKs do.
[[nodiscard]] Profile profile_from(const std::string& name, std::shared_ptr<const ProfileFiles> files);

using ReadFile = std::function<Result<std::string>(const std::string& path)>;

// AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE, else below HOME. A file that isn't there is an empty one; one that
// can't be read or parsed is an error.
[[nodiscard]] Result<ProfileFiles> load_profile_files(const net::Environment& environment,
                                                      const ReadFile& read);

// AWS_PROFILE unless `name` is given; not_found where it is named and in neither file.
[[nodiscard]] Result<Profile> load_profile(const net::Environment& environment, const std::string& name,
                                           const ReadFile& read);

}  // namespace curfew::aws
