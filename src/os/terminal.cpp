// Terminal handling by termios.
#include "os/terminal.hpp"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace curfew::os {

namespace {

// What a crash handler needs, where it may not allocate or lock.
std::atomic<int> g_raw_fd{-1};
termios g_saved{};

// tcsetattr(3) from the background would stop us, unless SIGTTOU is blocked or ignored; it's async-signal-safe.
void restore() {
  const int fd = g_raw_fd.exchange(-1);
  if (fd < 0) return;
  sigset_t stop;
  sigset_t before;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTTOU);
  sigprocmask(SIG_BLOCK, &stop, &before);
  while (::tcsetattr(fd, TCSANOW, &g_saved) != 0 && errno == EINTR) continue;
  sigprocmask(SIG_SETMASK, &before, nullptr);
}

constexpr std::array k_crashes{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};

void on_crash(int signal) {
  restore();
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

void restore_on_crash_and_exit() {
  static bool done = false;
  if (done) return;
  done = true;
  for (const int number : k_crashes) {
    struct sigaction now {};
    if (::sigaction(number, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) continue;
    struct sigaction ours {};
    ours.sa_handler = on_crash;
    ours.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
    ::sigaction(number, &ours, nullptr);
  }
  ::atexit(restore);
}

winsize to_kernel(WindowSize size) {
  winsize window{};
  window.ws_row = size.rows;
  window.ws_col = size.columns;
  return window;
}

}  // namespace

Result<Pseudoterminal> open_pseudoterminal(uid_t owner, std::string_view settings, WindowSize size) {
  static constexpr const char* k_what = "open a pseudo-terminal";
  Pseudoterminal made;
  made.master.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  if (!made.master || ::grantpt(made.master.get()) != 0 || ::unlockpt(made.master.get()) != 0)
    return fail_errno(k_what, errno);
  made.slave.reset(::ioctl(made.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!made.slave) {  // before Linux 4.13
    std::array<char, 64> name{};
    if (::ptsname_r(made.master.get(), name.data(), name.size()) != 0) return fail_errno(k_what, errno);
    made.slave.reset(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!made.slave) return fail_errno(k_what, errno);
  }
  if (owner != ::geteuid() && ::fchown(made.slave.get(), owner, static_cast<gid_t>(-1)) != 0)
    return fail_errno("give the pseudo-terminal to the job's user", errno);
  if (settings.size() == sizeof(termios)) {
    termios wanted{};
    std::memcpy(&wanted, settings.data(), sizeof wanted);
    ::tcsetattr(made.slave.get(), TCSANOW, &wanted);  // a setting that it refuses is no reason not to start
  }
  set_window_size(made.master.get(), size);
  return made;
}

void make_silent(int slave) {
  termios settings{};
  if (::tcgetattr(slave, &settings) != 0) return;
  settings.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHOE | ECHOK | ECHONL);
  settings.c_oflag &= ~static_cast<tcflag_t>(OPOST);
  ::tcsetattr(slave, TCSANOW, &settings);
}

int end_of_input_character(int fd) {
  termios settings{};
  if (::tcgetattr(fd, &settings) != 0 || (settings.c_lflag & ICANON) == 0) return -1;
  const cc_t character = settings.c_cc[VEOF];
  return character == _POSIX_VDISABLE ? -1 : character;
}

WindowSize window_size(int fd) {
  winsize window{};
  if (::ioctl(fd, TIOCGWINSZ, &window) != 0) return {};
  return {window.ws_row, window.ws_col};
}

void set_window_size(int fd, WindowSize size) {
  const winsize window = to_kernel(size);
  ::ioctl(fd, TIOCSWINSZ, &window);  // a terminal without a size is a terminal all the same
}

std::string terminal_settings(int fd) {
  termios settings{};
  if (::tcgetattr(fd, &settings) != 0) return {};
  std::string bytes(sizeof settings, '\0');
  std::memcpy(bytes.data(), &settings, sizeof settings);
  return bytes;
}

namespace {
bool g_stdout_was_closed = false;
}  // namespace

bool stdout_was_closed() { return g_stdout_was_closed; }

void fill_standard_descriptors() {
  g_stdout_was_closed = ::fcntl(STDOUT_FILENO, F_GETFD) < 0;
  for (int fd = ::open("/dev/null", O_RDWR); fd >= 0; fd = ::open("/dev/null", O_RDWR)) {
    if (fd <= 2) continue;
    ::close(fd);
    return;
  }
}

bool in_foreground(int fd) {
  const pid_t group = ::tcgetpgrp(fd);
  return group < 0 ? errno == ENOTTY : group == ::getpgrp();
}

Status RawTerminal::enter(int fd) {
  if (active_) return {};
  termios now{};
  if (::tcgetattr(fd, &now) != 0) return fail_errno("read the terminal's settings", errno);
  g_saved = now;
  g_raw_fd = fd;
  restore_on_crash_and_exit();
  ::cfmakeraw(&now);
  now.c_lflag |= ISIG;
  now.c_cc[VSUSP] = _POSIX_VDISABLE;
  now.c_cc[VMIN] = 1;
  now.c_cc[VTIME] = 0;
  active_ = true;
  if (::tcsetattr(fd, TCSANOW, &now) != 0) {
    const int error = errno;
    leave();
    return fail_errno("change the terminal's settings", error);
  }
  return {};
}

void RawTerminal::leave() {
  if (!active_) return;
  active_ = false;
  restore();
}

}  // namespace curfew::os
