// Writes output without waiting for who reads it.
#include "shim/output.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/text.hpp"
#include "os/files.hpp"

namespace curfew::shim {

namespace {

// A write that waits although poll(2) said it wouldn't (another writer was faster, or a terminal takes less than one
// thought) is cut short by a signal after this; its interval catches one that came before the write began.
constexpr suseconds_t k_longest_write_us = 10'000;

// A buffer as large as a read is used all the time where the reader is slow; a larger one was for an exception.
constexpr std::size_t k_worth_keeping = 128 * 1024;

void ignore_alarm(int) {}

void set_alarm(suseconds_t microseconds) {
  itimerval timer{};
  timer.it_value.tv_usec = microseconds;
  timer.it_interval.tv_usec = microseconds;
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace

OutputLog::OutputLog(std::string path, std::uint64_t limit, uid_t owner)
    : path_(std::move(path)), limit_(limit), owner_(owner) {
  struct stat info {};
  if (::stat(path_.c_str(), &info) == 0 && info.st_size > 0) rotate();
}

void OutputLog::rotate() {
  fd_.reset();
  written_ = 0;
  ::rename(path_.c_str(),
           (path_ + ".1").c_str());  // where that fails the log grows by another limit: open() appends
}

bool OutputLog::open() {
  if (fd_) return true;
  auto opened = os::open_append(path_, 0600);
  if (!opened) {
    error_ = errno;
    return false;
  }
  fd_ = std::move(*opened);
  if (owner_ != ::geteuid()) {
    [[maybe_unused]] const int given =
        ::fchown(fd_.get(), owner_, static_cast<gid_t>(-1));  // root may read it anyway
  }
  return true;
}

bool OutputLog::put(std::string_view text) {
  while (!text.empty()) {
    const auto wrote = ::write(fd_.get(), text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) {
      error_ = errno;
      lost_ += text.size();
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(wrote));
    written_ += static_cast<std::uint64_t>(wrote);
  }
  return true;
}

void OutputLog::write(std::string_view text) {
  if (path_.empty()) return;
  if (written_ >= limit_) rotate();
  if (!open()) {
    lost_ += text.size();
    return;
  }
  if (lost_ > 0) {
    std::array<char, 128> note{};
    const int length =
        std::snprintf(note.data(), note.size(), "\n[curfew: %llu bytes of output are missing here: %s]\n",
                      static_cast<unsigned long long>(lost_), std::strerror(error_));
    const std::uint64_t missing = std::exchange(lost_, 0);
    if (!put({note.data(), static_cast<std::size_t>(length)})) {
      lost_ = missing + text.size();
      return;
    }
  }
  static_cast<void>(put(text));  // it has counted what it lost
}

void Sink::attach(os::Fd fd) {
  fd_ = std::move(fd);
  way_ = Way::none;
  struct stat info {};
  const int flags = ::fcntl(fd_.get(), F_GETFL);
  // Opening anew must never give more rights than what was handed over: only what was open for writing, and only
  // pipes and terminals. A front end of the job's user could otherwise have root write to what it may just read.
  if (flags < 0 || (flags & O_PATH) != 0 || (flags & O_ACCMODE) == O_RDONLY || ::fstat(fd_.get(), &info) != 0)
    return detach();
  const bool is_terminal = S_ISCHR(info.st_mode) && ::isatty(fd_.get()) == 1;
  if (S_ISSOCK(info.st_mode)) {
    way_ = Way::socket;
  } else if (S_ISFIFO(info.st_mode) || is_terminal) {
    way_ = Way::careful;
    std::array<char, 32> path{};
    std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", fd_.get());
    os::Fd own{::open(path.data(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    if (own) {
      fd_ = std::move(own);
      way_ = Way::own;
    }
  } else {
    way_ = Way::plain;
  }
  if (way_ == Way::careful) {
    struct sigaction alarm {};
    alarm.sa_handler = ignore_alarm;  // without SA_RESTART
    ::sigaction(SIGALRM, &alarm, nullptr);
  }
  flush();
}

void Sink::detach() {
  fd_.reset();
  way_ = Way::none;
  forget();
}

void Sink::fail() {
  failure_ = errno;
  detach();
}

void Sink::forget() {
  sent_ = 0;
  waiting_.clear();
  if (waiting_.capacity() > k_worth_keeping) std::string{}.swap(waiting_);
}

ssize_t Sink::put_carefully(std::string_view text) {
  pollfd ready{fd_.get(), POLLOUT, 0};
  if (::poll(&ready, 1, 0) <= 0 || (ready.revents & (POLLOUT | POLLERR | POLLHUP)) == 0) {
    errno = EAGAIN;
    return -1;
  }
  set_alarm(k_longest_write_us);
  const auto wrote = ::write(fd_.get(), text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
  const int error = errno;
  set_alarm(0);
  errno = error == EINTR ? EAGAIN : error;
  return wrote;
}

ssize_t Sink::put(std::string_view text) {
  for (;;) {
    ssize_t wrote = -1;
    switch (way_) {
      case Way::none: return -1;
      case Way::plain:
      case Way::own: wrote = ::write(fd_.get(), text.data(), text.size()); break;
      case Way::socket:
        wrote = ::send(fd_.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        break;
      case Way::careful: wrote = put_carefully(text); break;
    }
    if (wrote >= 0) return wrote;
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
  }
}

void Sink::write(std::string_view text) {
  if (!attached()) return;
  if (waiting() == 0) {
    while (!text.empty()) {
      const ssize_t wrote = put(text);
      if (wrote < 0) return fail();
      if (wrote == 0) break;
      text.remove_prefix(static_cast<std::size_t>(wrote));
    }
  }
  waiting_ += text;
}

void Sink::flush() {
  while (attached() && waiting() > 0) {
    const ssize_t wrote = put(std::string_view(waiting_).substr(sent_));
    if (wrote < 0) return fail();
    if (wrote == 0) return;
    sent_ += static_cast<std::size_t>(wrote);
  }
  if (waiting() == 0) forget();
}

}  // namespace curfew::shim
