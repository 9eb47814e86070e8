// Files as curfew uses them.
#include "os/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>

namespace curfew::os {

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
  if (!fd) return fail_errno("read " + path, errno);
  std::string text;
  std::array<char, 16384> chunk{};
  for (;;) {
    const auto got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read " + path, errno);
    if (got == 0) return text;
    text.append(chunk.data(), static_cast<std::size_t>(got));
    if (text.size() > limit)
      return fail(ErrorKind::invalid_input, "read " + path,
                  "is longer than " + std::to_string(limit) + " bytes");
  }
}

Status write_all(int fd, std::string_view text, const std::string& what) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno("write " + what, errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

namespace {

// A signal that ends this process would leave the temporary file behind: it comes a moment later.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t held;
    sigemptyset(&held);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&held, signal);
    ::pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  ~SignalsHeld() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

Status replace_file(const std::string& path, std::string_view text, mode_t mode, Sync sync) {
  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode) && !S_ISLNK(there.st_mode))
    return fail(ErrorKind::refused, "replace " + path, "it is no regular file", "name another");
  const SignalsHeld held;
  std::string temporary = path + ".XXXXXX";
  const Fd fd{::mkostemp(temporary.data(), O_CLOEXEC)};
  if (!fd) return fail_errno("write " + path, errno);
  Status done = write_all(fd.get(), text, path);
  if (done && ::fchmod(fd.get(), mode) != 0) done = fail_errno("set the mode of " + path, errno);
  if (done && sync == Sync::yes && ::fsync(fd.get()) != 0) done = fail_errno("write " + path, errno);
  if (done && ::rename(temporary.c_str(), path.c_str()) != 0) done = fail_errno("replace " + path, errno);
  if (!done) {
    ::unlink(temporary.c_str());
    return done;
  }
  if (sync == Sync::yes) {
    const Fd folder{::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!folder || ::fsync(folder.get()) != 0) return fail_errno("sync the folder of " + path, errno);
  }
  return {};
}

Result<Fd> open_append(const std::string& path, mode_t mode) {
  // O_NONBLOCK: a pipe that nobody reads must not hold up the one who opens it.
  constexpr int how = O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  Fd fd{::open(path.c_str(), how)};
  // Not O_CREAT at once: in /tmp that is refused even to root for a file that another user has made (sysctl
  // fs.protected_regular, which systemd sets), such as the log that the front end made before its guard was root.
  if (!fd && errno == ENOENT) fd = Fd{::open(path.c_str(), how | O_CREAT, mode)};
  if (!fd) {
    if (errno == ELOOP)
      return fail(ErrorKind::refused, "open " + path, "is a symbolic link", "name the file itself");
    return fail_errno("open " + path, errno);
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return fail(ErrorKind::refused, "open " + path, "is not a regular file");
  return fd;
}

Status make_private_folder(const std::string& path, mode_t mode) {
  for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    if (::mkdir(path.substr(0, at).c_str(), 0755) != 0 && errno != EEXIST)
      return fail_errno("make the folder " + path.substr(0, at), errno);
  }
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST)
    return fail_errno("make the folder " + path, errno);
  const Fd fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0) return fail_errno("open the folder " + path, errno);
  if (info.st_uid != ::geteuid())
    return fail(ErrorKind::refused, "use the folder " + path, "belongs to another user", "remove it");
  if ((info.st_mode & 07777U) != mode && ::fchmod(fd.get(), mode) != 0)
    return fail_errno("set the mode of " + path, errno);
  return {};
}

Result<Fd> lock_file(const std::string& path) {
  Fd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!fd) return fail_errno("open the lock " + path, errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return fail(ErrorKind::conflict, "lock " + path, "another process holds it");
    return fail_errno("lock " + path, errno);
  }
  return fd;
}

Status remove_file(const std::string& path) {
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  return fail_errno("remove " + path, errno);
}

bool exists(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

Result<std::string> own_path() {
  std::array<char, PATH_MAX> buffer{};
  const auto length = ::readlink("/proc/self/exe", buffer.data(), buffer.size() - 1);
  if (length < 0) return fail_errno("find curfew's own program file", errno);
  std::string path(buffer.data(), static_cast<std::size_t>(length));
  if (!exists(path)) return fail(ErrorKind::not_found, "find curfew's own program file", path + " is gone");
  return path;
}

}  // namespace curfew::os
