// passwd(5) and group(5).
#include "cli/local_user.hpp"

#include <algorithm>
#include <limits>
#include <optional>

#include "base/text.hpp"
#include "os/files.hpp"

namespace curfew::cli {
namespace {

constexpr std::size_t k_most_groups = 256;

std::optional<std::uint32_t> id_from(std::string_view text) {
  const auto number = parse_number(text);
  if (!number || *number >= std::numeric_limits<std::uint32_t>::max()) return {};
  return static_cast<std::uint32_t>(*number);
}

}  // namespace

Result<LocalUser> local_user_in(std::string_view passwd, std::string_view group, std::string_view name) {
  LocalUser user;
  for (const auto line : split(passwd, '\n')) {
    const auto fields = split(line, ':');
    if (fields.size() != 7 || fields[0] != name) continue;
    const auto uid = id_from(fields[2]);
    const auto gid = id_from(fields[3]);
    if (!uid || !gid || !fields[5].starts_with('/')) break;
    user = {std::string(name), *uid, *gid, {*gid}, std::string(fields[5]), std::string(fields[6])};
    break;
  }
  if (user.name.empty())
    return fail(ErrorKind::not_found, "the user " + printable(name, 40), "isn't in /etc/passwd of this image",
                "--user names another");
  for (const auto line : split(group, '\n')) {
    const auto fields = split(line, ':');
    if (fields.size() != 4) continue;
    const auto members = split(fields[3], ',');
    const auto gid = id_from(fields[2]);
    const bool is_member = std::find(members.begin(), members.end(), name) != members.end();
    const bool is_known = gid && std::find(user.groups.begin(), user.groups.end(), *gid) != user.groups.end();
    if (gid && is_member && !is_known && user.groups.size() < k_most_groups) user.groups.push_back(*gid);
  }
  return user;
}

std::string ordinary_user_in(std::string_view passwd) {
  // Debian's and Red Hat's bounds (FIRST_UID, UID_MIN); above are those that systemd makes up.
  constexpr std::uint32_t k_first = 1'000;
  constexpr std::uint32_t k_last = 59'999;
  std::string name = "root";
  auto lowest = k_last + 1;
  for (const auto line : split(passwd, '\n')) {
    const auto fields = split(line, ':');
    if (fields.size() != 7) continue;
    const auto uid = id_from(fields[2]);
    const auto shell = fields[6];
    const bool can_log_in = !shell.empty() && !shell.ends_with("/nologin") && !shell.ends_with("/false");
    if (!uid || *uid < k_first || *uid >= lowest || !can_log_in || !fields[5].starts_with("/home/")) continue;
    lowest = *uid;
    name = fields[0];
  }
  return name;
}

Result<LocalUser> find_local_user(std::string_view name) {
  const auto passwd = os::read_file("/etc/passwd");
  if (!passwd) return fail(Error{passwd.error()});
  const auto group = os::read_file("/etc/group");
  if (!group) return fail(Error{group.error()});
  return local_user_in(*passwd, *group, name.empty() ? ordinary_user_in(*passwd) : std::string(name));
}

}  // namespace curfew::cli
