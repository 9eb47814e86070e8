// Talks to systemd by systemctl and by the notification socket.
#include "os/systemd.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "base/text.hpp"
#include "os/command.hpp"
#include "os/fd.hpp"
#include "os/files.hpp"

namespace curfew::os {
namespace {

// systemctl(1), "Exit status": LSB's "program is not installed", of a unit that isn't loaded.
constexpr int k_no_such_unit = 5;

}  // namespace

bool has_systemd() { return exists("/run/systemd/system"); }

Result<std::string> systemctl(const std::vector<std::string>& words, Millis limit) {
  std::vector<std::string> argv{"systemctl"};
  argv.insert(argv.end(), words.begin(), words.end());
  auto outcome = run_command(argv, limit);
  if (!outcome) return fail(std::move(outcome.error()));
  if (outcome->code != 0) {
    return fail(outcome->code == k_no_such_unit ? ErrorKind::not_found : ErrorKind::system,
                shell_quoted(argv),
                "exit " + std::to_string(outcome->code) +
                    (outcome->output.empty() ? "" : ": " + printable(outcome->output)));
  }
  return std::move(outcome->output);
}

Result<std::map<std::string, std::string>> unit_properties(const std::string& unit,
                                                           const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ",") + name;
  auto output = systemctl({"show", unit, "--property=" + list});
  if (!output) return fail(std::move(output.error()));
  std::map<std::string, std::string> properties;
  for (const auto line : split(*output, '\n')) {
    const auto at = line.find('=');
    if (at != std::string_view::npos)
      properties.emplace(std::string(line.substr(0, at)), std::string(line.substr(at + 1)));
  }
  return properties;
}

bool is_stopping(Millis limit) {
  if (!has_systemd()) return false;
  // Not through systemctl(): every state but "running" is a non-zero exit.
  const auto outcome = run_command({"systemctl", "is-system-running"}, limit);
  return outcome && outcome->output == "stopping";
}

void notify_systemd(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t length = path == nullptr ? 0 : std::strlen(path);
  if (length == 0 || length >= sizeof(address.sun_path)) return;
  std::memcpy(address.sun_path, path, length);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const Fd fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  // A notification that is lost is one too few of many; the watchdog says so if all are.
  (void)::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length));
}

std::string unit_quoted(std::string_view word) {
  std::string out = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '%' || c == '$') out += c;
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    out += c;
  }
  return out + "\"";
}

}  // namespace curfew::os
