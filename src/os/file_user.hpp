// Looking at files with no more rights than another user has: for root, who reads what that user says.
#pragma once

#include <sys/types.h>

#include <array>
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

 private:
  Status status_;
  bool taken_ = false;
  gid_t group_ = 0;  // those to go back to
  std::vector<gid_t> groups_;
};

}  // namespace curfew::os
