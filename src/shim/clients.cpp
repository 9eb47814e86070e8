// The listening side of the shim's socket.
#include "shim/clients.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "os/files.hpp"

namespace curfew::shim {

namespace {
constexpr int k_accepts_a_turn = 16;
}

Status Clients::listen(const std::string& path) {
  sockaddr_un address{};
  auto made = os::open_socket(path, address);
  if (!made) return tl::unexpected(std::move(made.error()));
  if (Status removed = os::remove_file(path); !removed) return removed;
  // The folder is private, and the umask leaves the socket to its owner from the first moment.
  const mode_t before = ::umask(0177);
  const int bound = ::bind(made->get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  ::umask(before);
  if (bound != 0) return fail_errno("make the socket " + path, error);
  if (::listen(made->get(), k_accepts_a_turn) != 0) return fail_errno("listen on " + path, errno);
  listening_ = std::move(*made);
  path_ = path;
  return {};
}

Status Clients::admit(uid_t job_user) {
  job_user_ = job_user;
  if (job_user != ::geteuid() && ::lchown(path_.c_str(), job_user, static_cast<gid_t>(-1)) != 0)
    return fail_errno("give the socket to the job's user", errno);
  return {};
}

void Clients::close() {
  if (listening_) static_cast<void>(os::remove_file(path_));  // the folder goes with the next boot
  listening_.reset();
}

bool Clients::all_told() const {
  return std::all_of(all_.begin(), all_.end(),
                     [](const auto& each) { return !each || each->told_all || each->role == Role::unknown; });
}

void Clients::accept() {
  for (int count = 0; count < k_accepts_a_turn; ++count) {
    os::Fd fd{::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!fd) return;
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) continue;
    const bool may_guard = peer.uid == 0 || peer.uid == ::geteuid();
    if (!may_guard && (!job_user_ || peer.uid != *job_user_)) continue;
    const auto free =
        std::find_if(all_.begin(), all_.end(), [](const auto& each) { return !each.has_value(); });
    if (free == all_.end()) continue;
    const auto of_job =
        std::count_if(all_.begin(), all_.end(), [](const auto& each) { return each && !each->may_guard; });
    if (!may_guard && of_job >= k_most_of_job) continue;
    free->emplace(Client{os::Channel(std::move(fd)), may_guard});
  }
}

bool Clients::tell(std::size_t which, os::FromShim type, std::string_view text) {
  if (!all_[which]) return false;
  if (all_[which]->channel.send(static_cast<char>(type), text)) return true;
  return drop(which), false;
}

}  // namespace curfew::shim
