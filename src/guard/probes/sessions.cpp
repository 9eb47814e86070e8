// Looks at the terminals in /dev.
#include "guard/probes/sessions.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/text.hpp"

namespace curfew::guard {
namespace {

constexpr std::size_t k_most_sessions = 4'096;

bool is_number(std::string_view text) { return text.size() <= 9 && parse_number(text).has_value(); }

bool is_terminal(std::string_view name) {
  if (name.starts_with("ttyS")) return is_number(name.substr(4));
  return name.starts_with("tty") && is_number(name.substr(3));
}

void add_from(const std::string& folder, const std::string& prefix, bool (*wanted)(std::string_view),
              const std::vector<std::string>& left_out, std::vector<TerminalSession>& sessions) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(folder.c_str()), ::closedir);
  while (entries && sessions.size() < k_most_sessions) {
    const dirent* entry = ::readdir(entries.get());
    if (entry == nullptr) return;
    if (!wanted(entry->d_name)) continue;
    const std::string name = prefix + entry->d_name;
    if (std::find(left_out.begin(), left_out.end(), name) != left_out.end()) continue;
    struct stat info {};
    if (::fstatat(::dirfd(entries.get()), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    const auto& time = info.st_atim;
    sessions.push_back({name, time.tv_sec * 1'000'000'000 + time.tv_nsec,
                        WallTime{Millis{time.tv_sec * 1'000 + time.tv_nsec / 1'000'000}}});
  }
}

}  // namespace

std::vector<TerminalSession> terminal_sessions(const std::string& dev,
                                               const std::vector<std::string>& left_out) {
  std::vector<TerminalSession> sessions;
  add_from(dev + "/pts", "pts/", is_number, left_out, sessions);
  add_from(dev, "", is_terminal, left_out, sessions);
  return sessions;
}

InputActivity with_sessions(InputActivity activity, const std::vector<TerminalSession>& sessions,
                            BootTime at) {
  bool input = !activity.looked;
  std::map<std::string, std::int64_t, std::less<>> inputs;
  for (const auto& session : sessions) {
    const auto before = activity.inputs.find(session.name);
    input = input || before == activity.inputs.end() || before->second != session.input;
    inputs.emplace(session.name, session.input);
  }
  if (input) activity.last = at;
  activity.inputs = std::move(inputs);
  activity.looked = true;
  return activity;
}

}  // namespace curfew::guard
