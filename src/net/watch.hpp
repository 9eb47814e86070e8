// The limits of one exchange: for a phase of it, for silence, for all of it.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/http.hpp"

namespace curfew::net {

// Closes the socket when a limit runs out, which ends whatever waits on it. Lives on the heap: its timer's handler may
// run once more after the exchange is over.
class Watch : public std::enable_shared_from_this<Watch> {
 public:
  Watch(const boost::asio::any_io_executor& executor, Limits limits)
      : timer_(executor),
        idle_(limits.idle),
        last_(std::chrono::steady_clock::now()),
        end_(last_ + limits.total),
        phase_(end_) {}

  void guard(boost::asio::ip::tcp::socket* socket) { socket_ = socket; }
  // No later than the end of the exchange.
  void limit_to(std::chrono::steady_clock::time_point phase) {
    expired_ = false;
    phase_ = std::min(phase, end_);
    last_ = std::chrono::steady_clock::now();
    arm();
  }
  void limit_to_end() { limit_to(end_); }
  void touch() { last_ = std::chrono::steady_clock::now(); }
  void stop() {
    socket_ = nullptr;
    timer_.cancel();
  }
  [[nodiscard]] bool expired() const { return expired_; }
  [[nodiscard]] std::chrono::steady_clock::time_point end() const { return end_; }
  [[nodiscard]] std::string reason() const {
    return std::chrono::steady_clock::now() >= end_ ? "the limit for the whole exchange ran out"
                                                    : "no byte within the limit";
  }

 private:
  [[nodiscard]] std::chrono::steady_clock::time_point due() const { return std::min(phase_, last_ + idle_); }
  void arm() {
    timer_.expires_at(due());
    timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (error || self->socket_ == nullptr) return;
      if (std::chrono::steady_clock::now() < self->due()) return self->arm();
      self->expired_ = true;
      boost::system::error_code ignored;
      self->socket_->close(ignored);
    });
  }

  boost::asio::steady_timer timer_;
  boost::asio::ip::tcp::socket* socket_ = nullptr;
  Millis idle_;
  std::chrono::steady_clock::time_point last_;
  std::chrono::steady_clock::time_point end_;
  std::chrono::steady_clock::time_point phase_;
  bool expired_ = false;
};

}  // namespace curfew::net
