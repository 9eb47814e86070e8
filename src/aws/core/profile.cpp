// The files that hold profiles (SDKs and Tools Reference Guide, "Shared config and credentials files").
#include "aws/core/profile.hpp"

#include "base/text.hpp"
#include "net/encoding.hpp"

namespace curfew::aws {
namespace {

constexpr std::size_t k_longest = 1U << 20U;

bool is_indented(std::string_view line) { return line.starts_with(' ') || line.starts_with('\t'); }

// "[profile  name]", "[profile 'a name']": the words of a section's header, quotes taken off, one space between.
std::string section_name(std::string_view text) {
  std::string out;
  bool gap = false;
  char quote = 0;
  for (const char c : trimmed(text)) {
    if (quote != 0) {
      if (c == quote) quote = 0;
      else out += c;
      continue;
    }
    if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == ' ' || c == '\t') {
      gap = true;
      continue;
    }
    if (gap) out += ' ';
    gap = false;
    if (quote == 0) out += c;
  }
  return out;
}

std::string value_of(const IniSection& section, std::string_view key) {
  const auto found = section.find(key);
  return found == section.end() ? std::string() : found->second;
}

const IniSection* section_of(const Ini& ini, std::string_view name) {
  const auto found = ini.find(name);
  return found == ini.end() ? nullptr : &found->second;
}

// The endpoint_url within "s3 =\n  endpoint_url = http://…".
std::string nested_endpoint(std::string_view value) {
  for (const auto line : split(value, '\n')) {
    const auto at = line.find('=');
    if (at == std::string_view::npos) continue;
    if (net::equal_ignoring_case(trimmed(line.substr(0, at)), "endpoint_url"))
      return std::string(trimmed(line.substr(at + 1)));
  }
  return {};
}

Result<Ini> read_ini(const std::string& path, const ReadFile& read) {
  if (path.empty()) return Ini{};
  const auto text = read(path);
  if (!text && text.error().kind == ErrorKind::not_found) return Ini{};
  if (!text) return fail(text.error());
  auto ini = parse_ini(*text);
  if (!ini) return fail(std::move(ini).error().within("read " + path));
  return ini;
}

}  // namespace

Result<Ini> parse_ini(std::string_view text) {
  const auto refuse = [](int line, const char* why) {
    return fail(ErrorKind::invalid_input, "line " + std::to_string(line), why);
  };
  if (text.size() > k_longest) return refuse(1, "the file is larger than 1 MiB");
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  Ini ini;
  IniSection* section = nullptr;
  std::string* value = nullptr;
  int number = 0;
  for (auto line : split(text, '\n')) {
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto words = trimmed(line);
    if (words.empty() || words.starts_with('#') || words.starts_with(';')) continue;
    if (line.find('\0') != std::string_view::npos) return refuse(number, "has a zero byte");
    if (is_indented(line) && value != nullptr) {
      value->append("\n").append(words);
      continue;
    }
    if (words.starts_with('[')) {
      const auto close = words.find(']');
      if (close == std::string_view::npos) return refuse(number, "the section's [ isn't closed");
      section = &ini[section_name(words.substr(1, close - 1))];
      value = nullptr;
      continue;
    }
    const auto at = words.find_first_of("=:");
    if (at == std::string_view::npos || at == 0)
      return refuse(number, "is neither a [section] nor key = value");
    if (section == nullptr) return refuse(number, "stands before the first [section]");
    value = &(*section)[net::lower_case(trimmed(words.substr(0, at)))];
    *value = trimmed(words.substr(at + 1));
  }
  return ini;
}

const IniSection* ProfileFiles::in_config(std::string_view profile) const {
  const auto* named = section_of(config, "profile " + std::string(profile));
  return named == nullptr && profile == "default" ? section_of(config, profile) : named;
}

const IniSection* ProfileFiles::in_credentials(std::string_view profile) const {
  return section_of(credentials, profile);
}

std::optional<IniSection> ProfileFiles::merged(std::string_view profile) const {
  const auto* first = in_credentials(profile);
  const auto* second = in_config(profile);
  if (first == nullptr && second == nullptr) return {};
  IniSection both = first != nullptr ? *first : IniSection{};
  if (second != nullptr) both.insert(second->begin(), second->end());
  return both;
}

Profile profile_from(const std::string& name, std::shared_ptr<const ProfileFiles> files) {
  Profile profile;
  profile.name = name;
  profile.files = std::move(files);
  const auto section = profile.files->merged(name);
  profile.found = section.has_value();
  if (!section) return profile;
  profile.region = value_of(*section, "region");
  profile.endpoint_url = value_of(*section, "endpoint_url");
  profile.sts_regional_endpoints = value_of(*section, "sts_regional_endpoints");
  const auto services = value_of(*section, "services");
  const auto& config = profile.files->config;
  if (const auto* own = services.empty() ? nullptr : section_of(config, "services " + services))
    for (const auto& [service, value] : *own)
      if (auto url = nested_endpoint(value); !url.empty())
        profile.service_endpoints[service] = std::move(url);
  return profile;
}

Result<ProfileFiles> load_profile_files(const net::Environment& environment, const ReadFile& read) {
  // cloud-init runs without HOME: then there are no files.
  const auto home = net::get(environment, "HOME");
  const auto path = [&](const char* variable, const char* below) {
    auto set = net::get(environment, variable);
    if (set.starts_with("~/")) set = home + set.substr(1);
    return !set.empty() || home.empty() ? set : home + below;
  };
  ProfileFiles files;
  files.config_path = path("AWS_CONFIG_FILE", "/.aws/config");
  files.credentials_path = path("AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials");
  auto config = read_ini(files.config_path, read);
  if (!config) return fail(std::move(config).error());
  files.config = std::move(*config);
  auto credentials = read_ini(files.credentials_path, read);
  if (!credentials) return fail(std::move(credentials).error());
  files.credentials = std::move(*credentials);
  return files;
}

Result<Profile> load_profile(const net::Environment& environment, const std::string& name,
                             const ReadFile& read) {
  std::string chosen = name;
  if (chosen.empty()) chosen = net::get(environment, "AWS_PROFILE");
  if (chosen.empty()) chosen = net::get(environment, "AWS_DEFAULT_PROFILE");
  const bool named = !chosen.empty();
  if (!named) chosen = "default";
  auto files = load_profile_files(environment, read);
  if (!files) return fail(std::move(files).error());
  auto profile = profile_from(chosen, std::make_shared<const ProfileFiles>(std::move(*files)));
  if (named && !profile.found) {
    const auto& seen = *profile.files;
    const auto where = seen.config_path.empty()
                           ? "HOME isn't set, so there are no ~/.aws/config and ~/.aws/credentials"
                           : "neither " + printable(seen.config_path) + " nor " +
                                 printable(seen.credentials_path) + " has it";
    return fail(ErrorKind::not_found, "use the profile \"" + printable(chosen, 60) + "\"", where,
                "check --profile and AWS_PROFILE");
  }
  return profile;
}

}  // namespace curfew::aws
