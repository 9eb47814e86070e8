// One packet a message, with the descriptors that travel with it.
#include "os/shim_channel.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace curfew::os {

namespace {
constexpr std::size_t k_most_descriptors = 4;
}  // namespace

Status Channel::send(char type, std::string_view text, const std::vector<int>& fds) {
  static constexpr const char* k_what = "send to the other side of the job's socket";
  if (text.size() + 1 > k_largest_message || fds.size() > k_most_descriptors)
    return fail(ErrorKind::invalid_input, k_what, "the message is too long");
  std::array<iovec, 2> parts{{{&type, 1}, {const_cast<char*>(text.data()), text.size()}}};
  msghdr header{};
  header.msg_iov = parts.data();
  header.msg_iovlen = parts.size();
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * k_most_descriptors)> control{};
  if (!fds.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(rights), fds.data(), sizeof(int) * fds.size());
  }
  for (;;) {
    if (::sendmsg(fd_.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return {};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == ETOOMANYREFS)
      return fail(ErrorKind::unavailable, k_what, "its queue is full");
    return fail_errno(k_what, errno);
  }
}

Result<std::optional<Message>> Channel::receive() {
  static constexpr const char* k_what = "receive from the job's socket";
  std::array<char, k_largest_message> buffer;  // not zeroed: 64 KiB for each small message would be felt
  iovec part{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * k_most_descriptors)> control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t got = 0;
  do got = ::recvmsg(fd_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::optional<Message>{};
  if (got < 0) return fail(ErrorKind::unavailable, k_what, std::strerror(errno));

  Message message;
  for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t at = 0; at < count; ++at) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(each) + at * sizeof(int), sizeof fd);
      message.fds.emplace_back(fd);
    }
  }
  // An empty packet can't be told from the end; nobody of ours sends one.
  if (got == 0) return fail(ErrorKind::unavailable, k_what, "the other side has gone");
  if ((header.msg_flags & MSG_TRUNC) != 0)
    return fail(ErrorKind::invalid_input, k_what, "the message is too long");
  message.type = buffer[0];
  message.text.assign(buffer.data() + 1, static_cast<std::size_t>(got) - 1);
  return std::optional<Message>{std::move(message)};
}

Result<Fd> open_socket(const std::string& path, sockaddr_un& address) {
  address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(ErrorKind::invalid_input, "use the socket " + path,
                "the path is longer than a socket's may be", "choose a shorter run folder");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return fail_errno("make a socket", errno);
  return fd;
}

Result<Channel> connect_to_shim(const JobPaths& paths) {
  sockaddr_un address{};
  auto fd = open_socket(paths.shim_socket(), address);
  if (!fd) return tl::unexpected(std::move(fd.error()));
  if (::connect(fd->get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EAGAIN)
      return fail(ErrorKind::unavailable, "connect to " + paths.shim_socket(), "it is busy");
    return fail_errno("connect to " + paths.shim_socket(), errno);
  }
  return Channel(std::move(*fd));
}

}  // namespace curfew::os
