// Texts and kinds of errors.
#include "base/result.hpp"

#include <cerrno>
#include <cstring>

namespace curfew {

std::string Error::text() const {
  std::string line = what;
  if (!cause.empty()) line += (line.empty() ? "" : ": ") + cause;
  if (!hint.empty()) line += " (" + hint + ")";
  return line;
}

Error Error::within(std::string_view doing) && {
  what = std::string(doing) + (what.empty() ? "" : ": " + what);
  return std::move(*this);
}

namespace {
ErrorKind kind_of(int number) {
  switch (number) {
    case ENOENT:
    case ENOTDIR:
    case ESRCH: return ErrorKind::not_found;
    case EACCES:
    case EPERM:
    case EROFS: return ErrorKind::refused;
    case ENOSPC:
    case EDQUOT: return ErrorKind::no_space;
    case ETIMEDOUT: return ErrorKind::timed_out;
    case EEXIST:
    case EADDRINUSE:
    case EBUSY: return ErrorKind::conflict;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case ENETUNREACH:
    case EHOSTUNREACH: return ErrorKind::unavailable;
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP: return ErrorKind::invalid_input;
    default: return ErrorKind::system;
  }
}
}  // namespace

tl::unexpected<Error> fail_errno(std::string what, int number, std::string hint) {
  return fail(kind_of(number), std::move(what), std::strerror(number), std::move(hint));
}

std::string_view name_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_input: return "invalid input";
    case ErrorKind::not_found: return "not found";
    case ErrorKind::refused: return "refused";
    case ErrorKind::unavailable: return "unavailable";
    case ErrorKind::timed_out: return "timed out";
    case ErrorKind::no_space: return "no space";
    case ErrorKind::conflict: return "conflict";
    case ErrorKind::system: return "system";
  }
  return "system";
}

}  // namespace curfew
