// Mail by the machine's own sendmail, which every mail system of a Unix machine brings.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/environment.hpp"
#include "net/http.hpp"
#include "notify/message.hpp"
#include "os/command.hpp"

namespace curfew::notify {

struct Mailbox {
  std::string address;  // "team@example.com"
};
// One address and nothing around it: letters, digits and ._%+- before the @, a host's name after it. What is longer than
// SMTP takes (RFC 5321, 4.5.3.1), or has another character that RFC 5322 would allow, is refused: it stands in a header.
[[nodiscard]] Result<Mailbox> parse_mailbox(std::string_view text);

// The message with its headers as sendmail(8) reads it: ASCII, lines of at most 76 characters. Pure.
[[nodiscard]] std::string mail_text(const Mailbox& to, const Message& message);

class Mailer {
 public:
  virtual ~Mailer() = default;
  // Done: the mail system has taken it, not that it has arrived. Ends within `limit`. unavailable: may work later.
  [[nodiscard]] virtual net::Awaitable<Status> send(Mailbox to, Message message, Millis limit) = 0;
};

struct Sendmail {
  std::string path;
  os::Surroundings around;
};
// What CURFEW_SENDMAIL names, by its whole path, else /usr/sbin/sendmail, else /usr/lib/sendmail; never by PATH. It gets
// HOME, USER and LOGNAME of the environment (some have their settings in a file there), and nothing else of it.
[[nodiscard]] Result<Sendmail> find_sendmail(const net::Environment& environment);

[[nodiscard]] std::unique_ptr<Mailer> make_mailer(Sendmail sendmail);

}  // namespace curfew::notify
