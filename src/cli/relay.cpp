// The front end's loop: poll(2) over signals, terminal, shim, and one descriptor of the caller's.
#include "cli/relay.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>

#include "base/text.hpp"

namespace curfew::cli {

namespace {

constexpr std::size_t k_input_chunk = 32'768;  // below k_largest_message
constexpr Millis k_connect_pause{5};
constexpr Millis k_foreground_pause{
    500};  // how often a front end in the background looks whether it's in front now
constexpr std::array k_signals{SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGWINCH, SIGCONT};

Millis monotonic() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return Millis{now.tv_sec * 1'000 + now.tv_nsec / 1'000'000};
}

}  // namespace

Relay::Relay(os::JobPaths paths, RelayEvents events) : paths_(std::move(paths)), events_(std::move(events)) {
  os::fill_standard_descriptors();
  sigset_t taken;
  sigemptyset(&taken);
  for (const int number : k_signals) {
    // nohup: what is ignored stays ignored; a signal that is blocked as well would be kept.
    struct sigaction now {};
    const bool ignored = ::sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
    if (!ignored || number != SIGHUP) sigaddset(&taken, number);
  }
  sigset_t blocked = taken;
  // Blocked, they don't stop us: a read from the background fails instead, and settings of the terminal can be restored.
  sigaddset(&blocked, SIGTTIN);
  sigaddset(&blocked, SIGTTOU);
  ::sigprocmask(SIG_BLOCK, &blocked, &old_mask_);
  signals_.reset(::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
  stdin_is_terminal_ = ::isatty(STDIN_FILENO) == 1;
  both_are_terminals_ = stdin_is_terminal_ && ::isatty(STDOUT_FILENO) == 1;
}

Relay::~Relay() {
  raw_.leave();
  ::sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
}

void Relay::watch(int fd, std::function<void()> ready) {
  extra_fd_ = fd;
  extra_ready_ = std::move(ready);
}

void Relay::call_in(Millis delay, std::function<void()> call) {
  call_at_ = monotonic() + delay;
  call_ = std::move(call);
}

void Relay::say(std::string_view line) const {
  std::string text(line);
  text += raw_.active() ? "\r\n" : "\n";
  std::string_view left = text;
  while (!left.empty()) {
    const auto wrote = ::write(STDERR_FILENO, left.data(), left.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && errno == EAGAIN) {  // somebody else's O_NONBLOCK
      pollfd writable{STDERR_FILENO, POLLOUT, 0};
      if (::poll(&writable, 1, 1'000) > 0) continue;
    }
    if (wrote < 0) return;  // nobody is there to read it
    left.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

Relay::End Relay::run() {
  connect_until_ = monotonic() + connect_limit_;
  while (!stopped_ && !end_) {
    if (!channel_ && !finished_) {
      try_to_connect();
      if (stopped_ || end_) break;
    }
    adopt_terminal();
    const bool sending = pending_type_ != 0 || window_to_send_.has_value();
    std::array<pollfd, 4> polls{{
        {signals_.get(), POLLIN, 0},
        {channel_ ? channel_->fd() : -1, static_cast<short>(POLLIN | (sending ? POLLOUT : 0)), 0},
        {wants_input() ? STDIN_FILENO : -1, POLLIN, 0},
        {extra_fd_, POLLIN, 0},
    }};
    if (::poll(polls.data(), polls.size(), wait_limit()) < 0)
      for (pollfd& each : polls) each.revents = 0;
    if (polls[0].revents != 0) read_signals();
    if ((polls[1].revents & POLLOUT) != 0) send_pending();
    if ((polls[1].revents & ~POLLOUT) != 0 && channel_) read_shim();
    if (polls[2].revents != 0 && wants_input()) read_input();
    if (polls[3].revents != 0 && extra_fd_ == polls[3].fd && extra_ready_) {
      const auto ready = extra_ready_;  // it may replace itself
      ready();
    }
    if (call_ && monotonic() >= call_at_) std::exchange(call_, nullptr)();
  }
  raw_.leave();
  return end_.value_or(End::stopped);
}

int Relay::wait_limit() const {
  Millis limit{60'000};
  if (!channel_ && !finished_) limit = std::min(limit, k_connect_pause);
  if (call_) limit = std::min(limit, std::max(Millis{0}, call_at_ - monotonic()));
  if (channel_ && stdin_is_terminal_ && !input_done_) limit = std::min(limit, k_foreground_pause);
  return static_cast<int>(limit.count());
}

void Relay::try_to_connect() {
  auto connected = os::connect_to_shim(paths_);
  if (!connected) {
    if (monotonic() >= connect_until_) end_ = End::unreachable;
    return;
  }
  channel_.emplace(std::move(*connected));
  const Status sent =
      channel_->send(static_cast<char>(os::ToShim::hello_front), {}, {STDOUT_FILENO, STDERR_FILENO});
  if (!sent) return channel_.reset();  // a shim that is just leaving; tried again until the time is up
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::isatty(fd) != 1) continue;
    window_to_send_ = os::window_size(fd);  // it may have changed since the job was described
    break;
  }
  send_pending();
}

// Raw only while we are in the foreground: in the background the terminal belongs to somebody else.
void Relay::adopt_terminal() {
  if (!channel_ || !both_are_terminals_ || raw_.active() || !os::in_foreground(STDIN_FILENO)) return;
  static_cast<void>(raw_.enter(STDIN_FILENO));  // a terminal that can't is used as it is
}

bool Relay::wants_input() const {
  if (!channel_ || finished_ || input_done_ || pending_type_ != 0) return false;
  return !stdin_is_terminal_ || os::in_foreground(STDIN_FILENO);
}

void Relay::read_input() {
  std::array<char, k_input_chunk> chunk;
  const auto got = ::read(STDIN_FILENO, chunk.data(), chunk.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got < 0 && errno == EIO && stdin_is_terminal_ && !os::in_foreground(STDIN_FILENO)) return;
  if (got > 0) {
    pending_type_ = static_cast<char>(os::ToShim::input);
    pending_.assign(chunk.data(), static_cast<std::size_t>(got));
  } else {
    // A terminal may go on after ^D: in the job's own terminal that is a character, which only ends one read. Where
    // it isn't raw, what is typed later is passed on as well.
    pending_type_ = static_cast<char>(os::ToShim::input_end);
    pending_.clear();
    input_done_ = got < 0 || !stdin_is_terminal_;
  }
  send_pending();
}

void Relay::send_pending() {
  if (!channel_) return;
  const auto taken = [this](char type, std::string_view text) {
    const Status sent = channel_->send(type, text);
    if (!sent && sent.error().kind != ErrorKind::unavailable) pending_type_ = 0;  // its end will be read
    return sent.has_value();
  };
  if (window_to_send_) {
    const std::string size =
        std::to_string(window_to_send_->rows) + " " + std::to_string(window_to_send_->columns);
    if (!taken(static_cast<char>(os::ToShim::window), size)) return;
    window_to_send_.reset();
  }
  if (pending_type_ == 0 || !taken(pending_type_, pending_)) return;
  pending_type_ = 0;
}

void Relay::read_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    switch (static_cast<int>(info.ssi_signo)) {
      case SIGHUP: end_ = End::hung_up; break;
      case SIGWINCH:
        for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
          if (::isatty(fd) != 1) continue;
          window_to_send_ = os::window_size(fd);
          break;
        }
        send_pending();
        break;
      case SIGCONT:
        raw_.leave();  // the shell may have changed the terminal while we were stopped; the next turn adopts it again
        break;
      default:
        if (events_.signalled) events_.signalled(static_cast<int>(info.ssi_signo));
    }
  }
}

void Relay::read_shim() {
  while (channel_) {
    auto received = channel_->receive();
    if (!received) return lose_shim();
    if (!*received) return;
    const std::string_view text = (*received)->text;
    const auto blank = text.find(' ');
    const std::string_view first = text.substr(0, blank);
    const std::string_view rest =
        blank == std::string_view::npos ? std::string_view{} : text.substr(blank + 1);
    switch (static_cast<os::FromShim>((*received)->type)) {
      case os::FromShim::started:
        if (events_.started) events_.started(static_cast<pid_t>(parse_number(first).value_or(0)));
        break;
      case os::FromShim::not_started:
        finished_ = true;
        raw_.leave();
        if (events_.not_started)
          events_.not_started(static_cast<int>(parse_number(first).value_or(125)), std::string(rest));
        break;
      case os::FromShim::ended:
        if (events_.ended)
          events_.ended(first == "signalled" ? os::ExitRecord::How::signalled : os::ExitRecord::How::exited,
                        static_cast<int>(parse_number(rest).value_or(0)));
        break;
      case os::FromShim::tree_gone:
        finished_ = true;
        raw_.leave();
        if (events_.tree_gone) events_.tree_gone();
        break;
      case os::FromShim::not_shown:
        if (events_.not_shown)
          events_.not_shown(static_cast<int>(parse_number(first).value_or(1)),
                            static_cast<int>(parse_number(rest).value_or(0)));
        break;
      case os::FromShim::output_at: break;
    }
  }
}

void Relay::lose_shim() {
  channel_.reset();
  raw_.leave();
  if (finished_) return;
  finished_ = true;
  if (events_.lost) events_.lost();
  if (!stopped_ && extra_fd_ < 0 && !call_) end_ = End::lost;
}

}  // namespace curfew::cli
