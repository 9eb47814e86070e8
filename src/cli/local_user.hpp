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
// By /etc/passwd and /etc/group.
[[nodiscard]] Result<LocalUser> find_local_user(std::string_view name);

}  // namespace curfew::cli
