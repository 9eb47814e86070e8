// A server on loopback that does exactly what a test tells it, byte for byte, a thread a connection.
#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/certificates.hpp"

namespace curfew::test {

// The server's end of one connection. Each wait ends after 10 s.
class Peer {
 public:
  Peer(int fd, SSL_CTX* context) : fd_(fd) {
    const timeval limit{10, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (context != nullptr) start_tls(context);
  }
  ~Peer() {
    if (ssl_ != nullptr) {
      if (!dropped_ && SSL_is_init_finished(ssl_) == 1) SSL_shutdown(ssl_);
      SSL_free(ssl_);
    }
    close(fd_);
  }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // As after CONNECT.
  bool start_tls(SSL_CTX* context) {
    ssl_ = SSL_new(context);
    SSL_set_fd(ssl_, fd_);
    good_ = SSL_accept(ssl_) == 1;
    if (const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name)) sni_ = name;
    return good_;
  }
  [[nodiscard]] const std::string& sni() const { return sni_; }

  // A request's head with its empty line; empty at the end of the connection.
  std::string read_head() {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
      if (!fill()) return {};
    return take(end + 4);
  }
  std::string read_exactly(std::size_t count) {
    while (buffer_.size() < count)
      if (!fill()) break;
    return take(std::min(count, buffer_.size()));
  }
  bool write(const std::string& text) {
    std::size_t done = 0;
    while (good_ && done < text.size()) {
      const auto count =
          ssl_ != nullptr ? SSL_write(ssl_, text.data() + done, static_cast<int>(text.size() - done))
                          : static_cast<int>(send(fd_, text.data() + done, text.size() - done, MSG_NOSIGNAL));
      if (count <= 0) return false;
      done += static_cast<std::size_t>(count);
    }
    return good_;
  }
  // Until the client hangs up.
  void wait_for_end() {
    while (fill()) buffer_.clear();
  }
  // The connection ends by RST, and without TLS's goodbye.
  void reset() {
    const linger at_once{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    dropped_ = true;
  }

 private:
  bool fill() {
    char chunk[16384];
    if (!good_) return false;
    const auto count = ssl_ != nullptr ? SSL_read(ssl_, chunk, sizeof chunk)
                                       : static_cast<int>(recv(fd_, chunk, sizeof chunk, 0));
    if (count <= 0) return good_ = false;
    buffer_.append(chunk, static_cast<std::size_t>(count));
    return true;
  }
  std::string take(std::size_t count) {
    auto out = buffer_.substr(0, count);
    buffer_.erase(0, count);
    return out;
  }

  int fd_;
  SSL* ssl_ = nullptr;
  std::string sni_;
  std::string buffer_;
  bool good_ = true;
  bool dropped_ = false;
};

class Server {
 public:
  using Script = std::function<void(Peer&)>;
  explicit Server(Script script, SSL_CTX* context = nullptr) : script_(std::move(script)), context_(context) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    listen(listener_, 32);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~Server() {
    stopping_ = true;
    acceptor_.join();
    for (auto& thread : threads_) thread.join();
    close(listener_);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string url(const std::string& path = "/") const {
    return (context_ != nullptr ? "https://localhost:" : "http://127.0.0.1:") + std::to_string(port_) + path;
  }
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void accept_all() {
    while (!stopping_) {
      pollfd waiting{listener_, POLLIN, 0};
      if (poll(&waiting, 1, 20) <= 0) continue;
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      ++connections_;
      threads_.emplace_back([this, fd] {
        Peer peer(fd, context_);
        script_(peer);
      });
    }
  }

  Script script_;
  SSL_CTX* context_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> connections_ = 0;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace curfew::test
