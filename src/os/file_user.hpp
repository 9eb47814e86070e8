// Looking at files with no more rights than another user has: for root, who reads what that user says.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <vector>

#include "base/result.hpp"

namespace curfew::os {

struct FileUser {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;
};

// While it lives, the kernel judges paths and files that this thread looks at or opens by that user's rights, whatever
// their links lead to; the other threads keep theirs. What is open already stays open. Does nothing with null, in a process
// that isn't root, and where the user is root.
class AsFileUser {
 public:
  explicit AsFileUser(const FileUser* user);
  ~AsFileUser();
  AsFileUser(const AsFileUser&) = delete;
  AsFileUser& operator=(const AsFileUser&) = delete;

  // An error: the user's rights could not be taken, and nothing is to be opened.
  [[nodiscard]] const Status& status() const { return status_; }
  // Whether another's rights are taken, and this process has its own to go back to.
  [[nodiscard]] bool has_own() const { return taken_ && status_; }

 private:
  Status status_;
  bool taken_ = false;
  gid_t group_ = 0;  // those to go back to
  std::vector<gid_t> groups_;
};

// While it lives, this thread has the process's own rights again; inside of an AsFileUser whose has_own() is true.
class AsOwner {
 public:
  explicit AsOwner(const FileUser& user);
  ~AsOwner();
  AsOwner(const AsOwner&) = delete;
  AsOwner& operator=(const AsOwner&) = delete;

 private:
  uid_t user_;
};

// A system call that failed with this has not got the right to.
[[nodiscard]] inline bool is_no_right(int number) { return number == EACCES || number == EPERM; }

}  // namespace curfew::os
