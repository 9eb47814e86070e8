// Files that somebody else may have put there.
#include "os/own_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "os/files.hpp"

namespace curfew::os {
namespace {

// The file that was just judged, by its descriptor: another may stand under its name by now.
Result<std::string> read_open(const Fd& fd, std::size_t limit) {
  return read_file("/proc/self/fd/" + std::to_string(fd.get()), limit);
}

}  // namespace

Result<Fd> open_file_of(const std::string& path, std::optional<uid_t> owner) {
  // O_NONBLOCK: a pipe that nobody writes must not hold up the one who opens it.
  Fd fd{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)};
  if (!fd && errno == ELOOP) return fail(ErrorKind::refused, "read " + path, "it is a symbolic link");
  if (!fd) return fail_errno("read " + path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("read " + path, errno);
  const auto refuse = [&](const char* why) { return fail(ErrorKind::refused, "read " + path, why); };
  if (!S_ISREG(info.st_mode)) return refuse("it is no regular file");
  if (owner && info.st_uid != *owner) return refuse("it belongs to another user");
  return fd;
}

Result<std::string> read_file_of(const std::string& path, uid_t owner, std::size_t limit) {
  const auto fd = open_file_of(path, owner);
  if (!fd) return fail(Error{fd.error()});
  return read_open(*fd, limit);
}

Result<std::string> read_own_file(const std::string& path, std::size_t limit) {
  const auto fd = open_file_of(path, ::geteuid());
  if (!fd) return fail(Error{fd.error()});
  struct stat info {};
  if (::fstat(fd->get(), &info) != 0) return fail_errno("read " + path, errno);
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail(ErrorKind::refused, "read " + path, "others may write it");
  return read_open(*fd, limit);
}

}  // namespace curfew::os
