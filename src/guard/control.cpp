// Serves the control socket.
#include "guard/control.hpp"

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <boost/asio/co_spawn.hpp>

#include "base/text.hpp"
#include "os/files.hpp"

namespace curfew::guard {

namespace asio = boost::asio;

namespace {
constexpr std::size_t k_most_clients = 16;
constexpr std::ptrdiff_t k_most_of_owner = 8;  // what runs in the job can't keep root out
constexpr std::size_t k_kept_lines = 32;
constexpr std::size_t k_longest_text = 8'192;
constexpr std::uint64_t k_most_extension = 31ULL * 24 * 3600;  // seconds
constexpr Millis k_wait_to_decide{3'000};                      // less than who asks waits for an answer
constexpr Millis k_wait{3'600'000};  // only so that every wait has a limit; waited for again

bool is_gone(int fd) {
  pollfd peer{fd, POLLRDHUP, 0};
  return ::poll(&peer, 1, 0) > 0 && (peer.revents & (POLLHUP | POLLRDHUP | POLLERR)) != 0;
}
}  // namespace

std::string control_path(const std::string& run_folder) { return run_folder + "/control.sock"; }

Result<os::Channel> connect_to_guard(const std::string& run_folder) {
  const auto path = control_path(run_folder);
  sockaddr_un address{};
  auto fd = os::open_socket(path, address);
  if (!fd) return fail(std::move(fd.error()));
  if (::connect(fd->get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("connect to the guard at " + path, errno);
  return os::Channel(std::move(*fd));
}

ControlServer::ControlServer(asio::any_io_executor executor, uid_t owner, Handlers handlers)
    : executor_(std::move(executor)), owner_(owner), handlers_(std::move(handlers)) {}

Status ControlServer::open(const std::string& run_folder) {
  const auto path = control_path(run_folder);
  sockaddr_un address{};
  auto fd = os::open_socket(path, address);
  if (!fd) return fail(std::move(fd.error()));
  if (auto removed = os::remove_file(path); !removed) return removed;
  const mode_t old = ::umask(0177);
  const bool bound = ::bind(fd->get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int error = errno;
  ::umask(old);
  if (!bound) return fail_errno("make the control socket " + path, error);
  if (owner_ != ::geteuid() && ::chown(path.c_str(), owner_, static_cast<gid_t>(-1)) != 0)
    return fail_errno("give the control socket to the job's owner", errno);
  if (::listen(fd->get(), static_cast<int>(k_most_clients)) != 0)
    return fail_errno("listen on " + path, errno);
  asio::co_spawn(executor_, accept(std::make_shared<os::Fd>(std::move(*fd))), k_rethrow);
  return {};
}

void ControlServer::tell(FromGuard type, std::string_view text) {
  text = text.substr(0, k_longest_text);
  if (type == FromGuard::line) {
    lines_.emplace_back(text);
    if (lines_.size() > k_kept_lines) lines_.pop_front();
  }
  for (const auto& client : clients_) {
    if (!client->follows) continue;
    if (client->channel.send(static_cast<char>(type), text)) {
      if (type == FromGuard::published) client->knows_result = true;
      continue;
    }
    // A follower that doesn't keep up, or has gone, misses a line; the log has it. The result it must not miss: it's
    // closed, comes again, and is told then.
    if (type != FromGuard::published) continue;
    closed_one_ = true;
    ::shutdown(client->channel.fd(), SHUT_RDWR);
  }
}

bool ControlServer::all_heard() const {
  bool any = false;
  for (const auto& client : clients_) {
    if (!client->follows) continue;
    any = true;
    int unread = 0;
    if (!client->knows_result || ::ioctl(client->channel.fd(), SIOCOUTQ, &unread) != 0 || unread > 0)
      return false;
  }
  return any && !closed_one_;
}

Awaitable<void> ControlServer::accept(std::shared_ptr<os::Fd> listener) {
  for (;;) {
    const bool ready = co_await readable(listener->get(), k_wait);
    if (!ready) continue;
    os::Fd fd{::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!fd) {
      co_await pause(Millis{100});  // out of descriptors, or the client has gone already
      continue;
    }
    ucred peer{};
    socklen_t length = sizeof peer;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) continue;
    if (peer.uid != 0 && peer.uid != ::geteuid() && peer.uid != owner_) continue;
    if (clients_.size() >= k_most_clients) continue;
    const bool may_all = peer.uid == 0 || peer.uid == ::geteuid();
    const auto of_owner =
        std::count_if(clients_.begin(), clients_.end(), [](const auto& each) { return !each->may_all; });
    if (!may_all && of_owner >= k_most_of_owner) continue;
    auto client = std::make_shared<Client>(Client{os::Channel(std::move(fd)), may_all});
    clients_.push_back(client);
    asio::co_spawn(executor_, serve(client), k_rethrow);
  }
}

Awaitable<void> ControlServer::serve(std::shared_ptr<Client> client) {
  while (!client->gone) {
    const bool ready = co_await readable(client->channel.fd(), k_wait);
    if (!ready) continue;
    for (;;) {
      auto message = client->channel.receive();
      if (!message) client->gone = true;
      if (!message || !*message) break;
      const auto asked = static_cast<ToGuard>((*message)->type);
      if (client->may_all && (asked == ToGuard::extend || asked == ToGuard::disarm)) {
        co_await wait_to_decide();
        // Who has gone meanwhile (Ctrl-C) has thought better of it. Who asks to stop waits for no answer.
        if (is_gone(client->channel.fd())) {
          client->gone = true;
          break;
        }
      }
      answer(*client, **message);
    }
  }
  clients_.remove(client);
}

Awaitable<void> ControlServer::wait_to_decide() {
  constexpr Millis k_look{20};
  for (Millis waited{0}; waited < k_wait_to_decide && !handlers_.may_decide(); waited += k_look)
    co_await pause(k_look);
}

void ControlServer::answer_with(Client& client, const Result<std::string>& result) {
  const auto type = result ? FromGuard::done : FromGuard::refused;
  if (!client.channel.send(static_cast<char>(type), result ? *result : result.error().text()))
    client.gone = true;
}

void ControlServer::change(Client& client, const os::Message& message) {
  if (static_cast<ToGuard>(message.type) == ToGuard::disarm) return answer_with(client, handlers_.disarm());
  const auto seconds = parse_number(message.text);
  if (!seconds || *seconds == 0) {  // not a client of ours
    client.gone = true;
    return;
  }
  if (*seconds <= k_most_extension)
    return answer_with(client, handlers_.extend(Seconds{static_cast<std::int64_t>(*seconds)}));
  answer_with(client, fail(ErrorKind::refused, "extend",
                           "by " + format_duration(Seconds{k_most_extension}) + " at most at a time"));
}

void ControlServer::answer(Client& client, const os::Message& message) {
  const auto send = [&](FromGuard type, std::string_view text) {
    if (!client.channel.send(static_cast<char>(type), text)) client.gone = true;
  };
  switch (static_cast<ToGuard>(message.type)) {
    case ToGuard::status: return send(FromGuard::status, handlers_.status());
    case ToGuard::follow:
      client.follows = was_followed_ = true;
      for (const auto& line : lines_) send(FromGuard::line, line);
      if (const auto published = handlers_.published(); !published.empty()) {
        send(FromGuard::published, published);
        client.knows_result = !client.gone;
      }
      return;
    case ToGuard::extend:
    case ToGuard::disarm:
      // The job runs as the owner: what it trains must not give itself more time.
      if (!client.may_all)
        return answer_with(
            client, fail(ErrorKind::refused, "extend or disarm", "this is for root", "run it with sudo"));
      return change(client, message);
    case ToGuard::stop: {
      const auto words = split(message.text, ' ');
      const auto signal = parse_number(words[0]);
      if (words.size() == 2 && signal && *signal > 0 && *signal < 65)
        return handlers_.stop(static_cast<int>(*signal), words[1] == "1");
      break;
    }
  }
  client.gone = true;  // not a client of ours
}

}  // namespace curfew::guard
