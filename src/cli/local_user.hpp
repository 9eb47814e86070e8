// Users of this machine, by its own files: what a directory service knows isn't asked.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace curfew::cli {

struct LocalUser {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // gid included
  std::string home;
  std::string shell;
};

// By the texts of passwd(5) and group(5). Pure.
[[nodiscard]] Result<LocalUser> local_user_in(std::string_view passwd, std::string_view group,
                                              std::string_view name);
// The name of the user that an image is made for: the first from 1000 on with a shell to log in by (ubuntu, ec2-user,
// admin); "root" where there is none. Pure.
[[nodiscard]] std::string ordinary_user_in(std::string_view passwd);
// By /etc/passwd and /etc/group; an empty name is the ordinary user's.
[[nodiscard]] Result<LocalUser> find_local_user(std::string_view name);

}  // namespace curfew::cli
