// Result and Error: how every function that can fail for reasons outside the program says so.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace curfew {

// What sort of failure it is, for callers that act on it. The text is for people.
enum class ErrorKind : std::uint8_t {
  invalid_input,  // what the user, a file or a peer gave can't be used; trying again is pointless
  not_found,      // the named thing is not there
  refused,        // no permission, no credentials, denied by policy
  unavailable,    // may work later: network, throttling, 5xx
  timed_out,      // a limit of ours ran out
  no_space,       // disk full or quota
  conflict,       // somebody else holds it (a second guard)
  system,         // a system call failed in a way that has no kind of its own
};

// `what` is what was tried on what ("read /etc/foo"), `cause` why it failed, `hint` what to do next (may be empty).
struct Error {
  ErrorKind kind = ErrorKind::system;
  std::string what;
  std::string cause;
  std::string hint;
  std::string code = {};  // the peer's own name for it, e.g. AWS's "UnauthorizedOperation"; else empty

  // One line: "what: cause (hint)".
  [[nodiscard]] std::string text() const;
  // The same error with what the caller was doing put in front.
  [[nodiscard]] Error within(std::string_view doing) &&;
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}
[[nodiscard]] inline tl::unexpected<Error> fail(ErrorKind kind, std::string what, std::string cause,
                                                std::string hint = {}) {
  return tl::unexpected<Error>(Error{kind, std::move(what), std::move(cause), std::move(hint), {}});
}
// From errno; the kind follows from the number (ENOENT: not_found, EACCES: refused, ENOSPC: no_space, ...).
[[nodiscard]] tl::unexpected<Error> fail_errno(std::string what, int number, std::string hint = {});

[[nodiscard]] std::string_view name_of(ErrorKind kind);

}  // namespace curfew
