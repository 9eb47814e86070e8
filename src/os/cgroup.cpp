// cgroup v2 by its files. Source: the kernel's Documentation/admin-guide/cgroup-v2.rst.
#include "os/cgroup.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>

#include "base/text.hpp"
#include "os/files.hpp"

namespace curfew::os {

namespace {

constexpr int k_deepest = 16;  // groups below groups that are looked at

// Calls `each` with the folder and every folder below it, deepest first.
void each_folder(const std::string& folder, int depth, const std::function<void(const std::string&)>& each) {
  if (depth < k_deepest) {
    if (DIR* entries = ::opendir(folder.c_str()); entries != nullptr) {
      while (const dirent* entry = ::readdir(entries)) {
        const std::string_view name = entry->d_name;
        if (entry->d_type == DT_DIR && name != "." && name != "..")
          each_folder(folder + "/" + std::string(name), depth + 1, each);
      }
      ::closedir(entries);
    }
  }
  each(folder);
}

Status write_word(const std::string& path, std::string_view word) {
  const Fd fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!fd) return fail_errno("open " + path, errno);
  return write_all(fd.get(), word, path);
}

// systemd marks what it has handed over: trusted.delegate by a manager with the right to, user.delegate by others.
bool is_delegated(const std::string& folder) {
  std::array<char, 4> value{};
  for (const char* name : {"trusted.delegate", "user.delegate"})
    if (::getxattr(folder.c_str(), name, value.data(), value.size()) >= 1 && value[0] == '1') return true;
  return false;
}

constexpr std::string_view k_name = "curfew-job-";

// Groups of shims that were killed. Only empty ones go, and only those whose shim can't be about to fill them.
void remove_stale(const std::string& own) {
  DIR* entries = ::opendir(own.c_str());
  if (entries == nullptr) return;
  while (const dirent* entry = ::readdir(entries)) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(k_name)) continue;
    const auto pid = parse_number(name.substr(k_name.size()));
    if (pid && ::kill(static_cast<pid_t>(*pid), 0) != 0 && errno == ESRCH)
      Cgroup::at(own + "/" + std::string(name)).remove();
  }
  ::closedir(entries);
}

// Mount points escape blanks and backslashes as \ooo.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 3 < text.size()) {
      plain += static_cast<char>((text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 + (text[at + 3] - '0'));
      at += 3;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

}  // namespace

std::string detail::cgroup_folder(std::string_view own_groups, std::string_view mounts) {
  std::string own;
  for (const std::string_view line : split(own_groups, '\n'))
    if (line.starts_with("0::/")) own = line.substr(3);
  if (own.empty() || own.find("/..") != std::string::npos) return {};  // outside of this namespace
  for (const std::string_view line : split(mounts, '\n')) {
    // "ID PARENT MAJOR:MINOR ROOT MOUNT_POINT OPTIONS [FIELDS...] - TYPE SOURCE OPTIONS"
    const auto dash = line.find(" - ");
    if (dash == std::string_view::npos || !line.substr(dash + 3).starts_with("cgroup2 ")) continue;
    const auto fields = split(line.substr(0, dash), ' ');
    if (fields.size() < 5) continue;
    const std::string root = unescaped(fields[3]);
    std::string below = own;
    if (root != "/") {
      if (!own.starts_with(root) || (own.size() > root.size() && own[root.size()] != '/')) continue;
      below = own.substr(root.size());
    }
    std::string folder = unescaped(fields[4]) + below;
    while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
    return folder;
  }
  return {};
}

Result<Cgroup> Cgroup::own() {
  const auto groups = read_file("/proc/self/cgroup");
  const auto mounts = read_file("/proc/self/mountinfo", 8U << 20U);
  if (!groups || !mounts) return tl::unexpected(groups ? mounts.error() : groups.error());
  std::string folder = detail::cgroup_folder(*groups, *mounts);
  if (folder.empty())
    return fail(ErrorKind::not_found, "find our own cgroup", "no cgroup version 2 is mounted");
  return Cgroup(std::move(folder));
}

Result<Cgroup> Cgroup::make_for_job() {
  static constexpr const char* k_what = "make a cgroup for the job";
  const auto ours = Cgroup::own();
  if (!ours) return tl::unexpected(Error{ours.error()}.within(k_what));
  const std::string& own = ours->folder();

  if (is_delegated(own)) {
    const std::string aside = own + "/shim";
    if (::mkdir(aside.c_str(), 0755) != 0 && errno != EEXIST) return fail_errno(k_what, errno);
    if (const Status moved = write_word(aside + "/cgroup.procs", "0"); !moved)
      return tl::unexpected(moved.error());
    const std::string folder = own + "/job";
    if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return fail_errno(k_what, errno);
    return Cgroup(folder);
  }
  remove_stale(own);
  const std::string folder = own + "/" + std::string(k_name) + std::to_string(::getpid());
  ::rmdir(
      folder
          .c_str());  // of a shim that had our number; not where a process of its is left: that isn't this job's
  if (::mkdir(folder.c_str(), 0755) != 0) return fail_errno(k_what, errno);
  Cgroup made(folder);
  // A cgroup that can't be entered or watched is worse than none.
  const auto procs = made.open_procs();
  if (!procs || !made.populated()) {
    made.remove();
    return fail(ErrorKind::refused, k_what, "its files can't be used");
  }
  return made;
}

Result<Fd> Cgroup::open_folder() const {
  Fd fd{::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) return fail_errno("open " + folder_, errno);
  return fd;
}

Result<Fd> Cgroup::open_procs() const {
  const std::string path = folder_ + "/cgroup.procs";
  Fd fd{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!fd) return fail_errno("open " + path, errno);
  return fd;
}

Result<Fd> Cgroup::open_events() const {
  const std::string path = folder_ + "/cgroup.events";
  Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return fail_errno("open " + path, errno);
  return fd;
}

Result<bool> Cgroup::populated() const {
  const std::string path = folder_ + "/cgroup.events";
  const auto text = read_file(path, 4096);
  if (!text) return tl::unexpected(text.error());
  for (const std::string_view line : split(*text, '\n'))
    if (line.starts_with("populated ")) return line != "populated 0";
  return fail(ErrorKind::system, "read " + path, "it doesn't say whether it's populated");
}

std::vector<pid_t> Cgroup::members() const {
  std::vector<pid_t> pids;
  each_folder(folder_, 0, [&](const std::string& folder) {
    const auto text = read_file(folder + "/cgroup.procs", 4U << 20U);
    if (!text) return;
    for (const std::string_view line : split(*text, '\n')) {
      const auto pid = parse_number(line);
      if (pid && *pid > 0 && pids.size() < k_most_processes) pids.push_back(static_cast<pid_t>(*pid));
    }
  });
  return pids;
}

std::vector<Process> Cgroup::processes() const {
  std::vector<Process> found;
  for (const pid_t pid : members())
    if (const auto process = read_process(pid)) found.push_back(*process);
  // One whose number is listed after it was looked at is in here, or its number has gone to one that is.
  std::vector<pid_t> still = members();
  std::sort(still.begin(), still.end());
  std::erase_if(found, [&](const Process& process) {
    return !std::binary_search(still.begin(), still.end(), process.pid);
  });
  return found;
}

void Cgroup::kill() const {
  if (write_word(folder_ + "/cgroup.kill", "1")) return;
  for (const Process& process : processes()) signal_process(process, SIGKILL);
}

void Cgroup::kill_others() const {
  for (const Process& process : processes())
    if (process.pid != ::getpid()) signal_process(process, SIGKILL);
}

void Cgroup::remove() const {
  each_folder(folder_, 0, [](const std::string& folder) { ::rmdir(folder.c_str()); });
}

}  // namespace curfew::os
