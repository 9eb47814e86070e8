// Addresses, headers, and the program that takes both.
#include "notify/mail.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "net/program.hpp"

namespace curfew::notify {
namespace {

constexpr std::size_t k_longest_local = 64;
constexpr std::size_t k_longest_address = 254;
constexpr std::size_t k_longest_label = 63;
constexpr std::size_t k_longest_line = 76;  // RFC 2045, 6.7
constexpr std::size_t k_longest_said = 300;
constexpr int k_try_again = 75;  // EX_TEMPFAIL of sysexits.h

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// None of them is empty: neither ".a" nor "a..b" nor "a.".
bool are_parts(std::string_view text, std::size_t longest, std::string_view also, bool hyphen_outside) {
  const auto parts = split(text, '.');
  return std::all_of(parts.begin(), parts.end(), [&](std::string_view part) {
    return !part.empty() && part.size() <= longest &&
           (hyphen_outside || (part.front() != '-' && part.back() != '-')) &&
           std::all_of(part.begin(), part.end(),
                       [&](char c) { return is_alphanumeric(c) || also.find(c) != std::string_view::npos; });
  });
}

// Quoted-printable (RFC 2045, 6.7): passes every mail system whole, and is still read by eye.
std::string quoted_printable(std::string_view text) {
  static constexpr std::string_view k_digits = "0123456789ABCDEF";
  std::string out;
  std::size_t column = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      out += '\n';
      column = 0;
      continue;
    }
    const bool at_end = i + 1 == text.size() || text[i + 1] == '\n';
    const auto byte = static_cast<unsigned char>(c);
    // "From " and "." at the start of a line mean something to old mail systems.
    const bool special = column == 0 && (c == 'F' || c == '.');
    const bool plain = byte >= 0x20 && byte < 0x7f && c != '=' && !(c == ' ' && at_end) && !special;
    const std::size_t size = plain ? 1 : 3;
    if (column + size > k_longest_line - 1) {
      out += "=\n";
      column = 0;
    }
    if (plain) out += c;
    else out += std::string("=") + k_digits[byte >> 4U] + k_digits[byte & 0xfU];
    column += size;
  }
  return out + "\n";
}

class SendmailMailer final : public Mailer {
 public:
  explicit SendmailMailer(Sendmail sendmail) : sendmail_(std::move(sendmail)) {}

  net::Awaitable<Status> send(Mailbox to, Message message, Millis limit) override {
    net::Program program;
    // -t: to whom is in the headers; -i: a line with a dot alone is no end.
    program.argv = {sendmail_.path, "-t", "-i"};
    program.input = mail_text(to, message);
    program.around = sendmail_.around;
    const auto ran = co_await net::run_program(std::move(program), limit);
    if (!ran) co_return fail(Error{ran.error()});
    if (ran->code == 0) co_return Status{};
    std::string cause = "it ended with exit code " + std::to_string(ran->code);
    if (!ran->output.empty()) cause += ": " + printable(ran->output, k_longest_said);
    co_return fail(ran->code == k_try_again ? ErrorKind::unavailable : ErrorKind::system,
                   "run " + printable(sendmail_.path), std::move(cause));
  }

 private:
  Sendmail sendmail_;
};

}  // namespace

Result<Mailbox> parse_mailbox(std::string_view text) {
  const auto at = text.find('@');
  const auto local = text.substr(0, at);
  const auto host = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
  const bool good = at != std::string_view::npos && text.size() <= k_longest_address &&
                    local.size() <= k_longest_local && are_parts(local, k_longest_local, "_%+-", true) &&
                    local.front() != '-' && are_parts(host, k_longest_label, "-", false);
  if (!good)
    return fail(ErrorKind::invalid_input, "read the address of a mailbox", "it is none that is taken here",
                "as mailto:team@example.com");
  return Mailbox{std::string(text)};
}

std::string mail_text(const Mailbox& to, const Message& message) {
  return "To: <" + to.address +
         ">\n"
         // RFC 3834: so that no holiday note answers.
         "Auto-Submitted: auto-generated\n"
         "User-Agent: curfew/" CURFEW_VERSION
         "\n"
         "MIME-Version: 1.0\n"
         "Content-Type: text/plain; charset=utf-8\n"
         "Content-Transfer-Encoding: quoted-printable\n"
         "Subject: " +
         ascii_subject(message.subject) + "\n\n" + quoted_printable(message.text);
}

Result<Sendmail> find_sendmail(const net::Environment& environment) {
  static constexpr std::array k_places{"/usr/sbin/sendmail", "/usr/lib/sendmail"};
  Sendmail found;
  const auto named = net::get(environment, "CURFEW_SENDMAIL");
  if (!named.empty()) {
    if (!named.starts_with('/'))
      return fail(ErrorKind::invalid_input, "use CURFEW_SENDMAIL",
                  "'" + printable(named) + "' is no whole path");
    if (::access(named.c_str(), X_OK) != 0) return fail_errno("run " + printable(named), errno);
    struct stat info {};
    if (::stat(named.c_str(), &info) != 0 || !S_ISREG(info.st_mode))
      return fail(ErrorKind::invalid_input, "use CURFEW_SENDMAIL",
                  "'" + printable(named) + "' is no program");
    found.path = named;
  }
  for (const auto* place : k_places)
    if (found.path.empty() && ::access(place, X_OK) == 0) found.path = place;
  if (found.path.empty())
    return fail(ErrorKind::not_found, "send mail", "this machine has no sendmail",
                "install a mail system (msmtp-mta, postfix), or name the program in CURFEW_SENDMAIL");
  found.around.environment = {"PATH=" + std::string(os::k_system_path), "LC_ALL=C", "TZ=UTC"};
  for (const auto* name : {"HOME", "USER", "LOGNAME"})
    if (const auto value = net::get(environment, name); !value.empty())
      found.around.environment.push_back(std::string(name) + "=" + value);
  return found;
}

std::unique_ptr<Mailer> make_mailer(Sendmail sendmail) {
  return std::make_unique<SendmailMailer>(std::move(sendmail));
}

}  // namespace curfew::notify
