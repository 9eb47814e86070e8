// Reads the file that `--notify file:PATH` names.
#include "notify/secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/text.hpp"
#include "os/fd.hpp"

namespace curfew::notify {
namespace {

constexpr std::size_t k_longest = 4U << 10U;
constexpr mode_t k_read_by_others = S_IROTH;

}  // namespace

Result<SecretFile> read_secret_file(const std::string& path) {
  const auto what = "read " + printable(path);
  // O_NONBLOCK: a pipe without a writer must not hold up the start.
  const os::Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0) return fail_errno(what, errno);
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::refused, what, "is not a regular file");
  std::array<char, k_longest + 1> buffer{};
  std::size_t size = 0;
  while (size < buffer.size()) {
    const auto got = ::read(fd.get(), buffer.data() + size, buffer.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(what, errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > k_longest) return fail(ErrorKind::invalid_input, what, "is longer than 4 KiB");
  const std::string_view text(buffer.data(), size);
  SecretFile secret{std::string(text.substr(0, text.find('\n'))), {}};
  if ((info.st_mode & k_read_by_others) != 0)
    secret.warning = printable(path) + " holds a secret and can be read by every user (chmod o= mends that)";
  return secret;
}

}  // namespace curfew::notify
