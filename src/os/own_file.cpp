// Files that somebody else may have put there.
#include "os/own_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "os/fd.hpp"
#include "os/files.hpp"

namespace curfew::os {

Result<std::string> read_own_file(const std::string& path, std::size_t limit) {
  // O_NONBLOCK: a pipe that nobody writes must not hold up the one who opens it.
  const Fd fd{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)};
  if (!fd && errno == ELOOP) return fail(ErrorKind::refused, "read " + path, "it is a symbolic link");
  if (!fd) return fail_errno("read " + path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("read " + path, errno);
  const auto refuse = [&](const char* why) { return fail(ErrorKind::refused, "read " + path, why); };
  if (!S_ISREG(info.st_mode)) return refuse("it is no regular file");
  if (info.st_uid != ::geteuid()) return refuse("it belongs to another user");
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) return refuse("others may write it");
  // The file that was just judged, by its descriptor: another may stand under its name by now.
  return read_file("/proc/self/fd/" + std::to_string(fd.get()), limit);
}

}  // namespace curfew::os
