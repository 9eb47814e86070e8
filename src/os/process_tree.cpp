// Reads /proc and signals by pidfd.
#include "os/process_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include "base/text.hpp"
#include "os/fd.hpp"

namespace curfew::os {

namespace {

constexpr std::size_t k_most = 65'536;  // processes that are looked at

// A number that was a descendant's when it was read, and somebody else's when its children were, would make strangers
// of them our own. A process that still has the same parent, which after that is still the process it was, is related.
// What is left out now is found in the next round, by its new parent.
std::vector<Process> still_related(pid_t root, const std::vector<Process>& found) {
  std::vector<Process> sure;
  std::size_t parent = 0;  // where in `sure`: both are in the order of parents
  for (const Process& process : found) {
    const auto now = read_process(process.pid);
    if (!now || now->start != process.start || now->parent != process.parent) continue;
    if (process.parent != root) {
      std::size_t at = parent;
      while (at < sure.size() && sure[at].pid != process.parent) ++at;
      if (at == sure.size()) continue;  // it's left out itself
      parent = at;
      const auto parent_now = read_process(process.parent);
      if (!parent_now || parent_now->start != sure[at].start) continue;
    }
    sure.push_back(process);
  }
  return sure;
}

}  // namespace

std::optional<Process> detail::parse_stat(std::string_view text) {
  // "PID (NAME) STATE PARENT GROUP SESSION ..."; the name may hold blanks and brackets, so it ends at the last one.
  const auto bracket = text.rfind(')');
  if (bracket == std::string_view::npos || bracket + 2 >= text.size()) return std::nullopt;
  Process process;
  if (std::from_chars(text.data(), text.data() + text.size(), process.pid).ec != std::errc{})
    return std::nullopt;
  std::array<std::string_view, 20> fields{};
  std::string_view rest = text.substr(bracket + 2);
  for (std::string_view& field : fields) {
    const auto blank = rest.find(' ');
    field = rest.substr(0, blank);
    if (field.empty()) return std::nullopt;
    rest = blank == std::string_view::npos ? std::string_view{} : rest.substr(blank + 1);
  }
  const auto number = [](std::string_view field, auto& value) {
    return std::from_chars(field.data(), field.data() + field.size(), value).ec == std::errc{};
  };
  process.state = fields[0].front();
  if (!number(fields[1], process.parent) || !number(fields[2], process.group) ||
      !number(fields[3], process.session) || !number(fields[19], process.start))
    return std::nullopt;
  return process;
}

std::optional<Process> read_process(pid_t pid) {
  std::array<char, 32> path{};
  std::snprintf(path.data(), path.size(), "/proc/%d/stat", pid);
  const Fd fd{::open(path.data(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return std::nullopt;
  std::array<char, 1024> text{};
  const auto got = ::read(fd.get(), text.data(), text.size());
  if (got <= 0) return std::nullopt;
  return detail::parse_stat({text.data(), static_cast<std::size_t>(got)});
}

std::vector<Process> descendants(pid_t root, const std::function<bool(const Process&)>& left_out) {
  std::vector<Process> all;
  if (DIR* entries = ::opendir("/proc"); entries != nullptr) {
    while (const dirent* entry = ::readdir(entries)) {
      const auto pid = parse_number(entry->d_name);
      if (!pid || all.size() >= k_most) continue;
      if (const auto process = read_process(static_cast<pid_t>(*pid))) all.push_back(*process);
    }
    ::closedir(entries);
  }
  std::sort(all.begin(), all.end(), [](const Process& a, const Process& b) { return a.parent < b.parent; });
  std::vector<Process> found;
  const auto add_children_of = [&](pid_t parent) {
    auto child = std::lower_bound(all.begin(), all.end(), parent, [](const Process& process, pid_t number) {
      return process.parent < number;
    });
    for (; child != all.end() && child->parent == parent; ++child)
      if (!left_out || !left_out(*child)) found.push_back(*child);
  };
  add_children_of(root);
  // Numbers may be used again while /proc is read, so a loop of parents is possible: each process is taken once at most.
  for (std::size_t at = 0; at < found.size() && found.size() <= all.size(); ++at)
    add_children_of(found[at].pid);
  return still_related(root, found);
}

bool signal_process(const Process& process, int signal) {
  const Fd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0))};
  if (!pidfd && errno != ENOSYS) return false;
  const auto now = read_process(process.pid);
  if (!now || now->start != process.start) return false;
  // The descriptor holds the process whose start was read after it was opened.
  if (pidfd) return ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0;
  return ::kill(process.pid, signal) == 0;
}

}  // namespace curfew::os
