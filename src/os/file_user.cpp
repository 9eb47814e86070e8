// setfsuid(2), setfsgid(2) and setgroups(2) by their numbers: the kernel's are the thread's own, glibc's setgroups is the whole
// process's.
//
// With the file-system user no longer 0, the kernel takes CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH and their kin out of the
// thread's effective set, and puts them back with it (capabilities(7)).
#include "os/file_user.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace curfew::os {
namespace {

// Both return what was before, and say nothing of a failure; an id that can't be changes nothing.
bool set_user(uid_t user) {
  ::syscall(SYS_setfsuid, user);
  return ::syscall(SYS_setfsuid, static_cast<uid_t>(-1)) == static_cast<long>(user);
}

bool set_group(gid_t group) {
  ::syscall(SYS_setfsgid, group);
  return ::syscall(SYS_setfsgid, static_cast<gid_t>(-1)) == static_cast<long>(group);
}

bool set_groups(const std::vector<gid_t>& groups) {
  return ::syscall(SYS_setgroups, groups.size(), groups.data()) == 0;
}

}  // namespace

AsFileUser::AsFileUser(const FileUser* user) {
  if (user == nullptr || user->user == 0 || ::geteuid() != 0) return;
  const std::string what = "read as user " + std::to_string(user->user);
  const long count = ::syscall(SYS_getgroups, 0, nullptr);
  groups_.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  if (count < 0 || ::syscall(SYS_getgroups, groups_.size(), groups_.data()) != count) {
    status_ = fail_errno(what, errno);
    return;
  }
  group_ = ::getegid();
  taken_ = true;
  if (!set_groups(user->groups)) status_ = fail_errno(what, errno);
  else if (!set_group(user->group) || !set_user(user->user))
    status_ = fail(ErrorKind::refused, what, "the kernel doesn't let this process");
}

AsFileUser::~AsFileUser() {
  if (!taken_) return;
  // Who could take them can go back: the rights to do so stay. A thread that isn't root any more must not go on as if it were.
  if (!set_user(0) || !set_group(group_) || !set_groups(groups_)) {
    if (status_) std::abort();
  }
}

AsOwner::AsOwner(const FileUser& user) : user_(user.user) {
  if (!set_user(0)) std::abort();  // has_own() said that it can
}

AsOwner::~AsOwner() {
  // Else the thread would look on with rights that it was to give up.
  if (!set_user(user_)) std::abort();
}

}  // namespace curfew::os
