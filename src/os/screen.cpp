// Escape sequences of xterm, which every terminal emulator of today knows, and the handlers that take them back.
#include "os/screen.hpp"

#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <string>

#include "os/files.hpp"
#include "os/terminal.hpp"

namespace curfew::os {
namespace {

// Alternate screen, hidden cursor, no wrapping at the edge; and back.
constexpr std::string_view k_enter = "\033[?1049h\033[?25l\033[?7l\033[2J";
constexpr std::string_view k_leave = "\033[0m\033[?7h\033[?25h\033[?1049l";

// What handlers need, where they may not allocate or lock.
std::atomic<int> g_code{-1};
std::atomic<bool> g_on{false};
std::atomic<bool> g_keys{false};
std::atomic<bool> g_resized{false};
termios g_before{};
termios g_quiet{};

void put(std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

// From the background tcsetattr(3) would stop us; SIGTTOU is blocked in the handlers and while we call this.
void set_keys(const termios& settings) {
  sigset_t stop;
  sigset_t before;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTTOU);
  sigprocmask(SIG_BLOCK, &stop, &before);
  while (::tcsetattr(STDIN_FILENO, TCSANOW, &settings) != 0 && errno == EINTR) continue;
  sigprocmask(SIG_SETMASK, &before, nullptr);
}

void take_back() {
  if (!g_on) return;
  put(k_leave);
  if (g_keys) set_keys(g_before);
}

void take_again() {
  if (!g_on) return;
  if (g_keys) set_keys(g_quiet);
  put(k_enter);
}

void on_end(int signal) {
  take_back();
  if (const int code = g_code; code >= 0 && (signal == SIGINT || signal == SIGTERM)) ::_exit(code);
  ::signal(signal, SIG_DFL);
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, signal);
  ::raise(signal);
  sigprocmask(SIG_UNBLOCK, &only, nullptr);
}

void on_stop(int) {
  const int error = errno;
  take_back();
  ::raise(SIGSTOP);
  take_again();
  g_resized = true;
  errno = error;
}

void on_resize(int) { g_resized = true; }

void handle(int number, void (*handler)(int)) {
  struct sigaction now {};
  if (::sigaction(number, nullptr, &now) != 0 || now.sa_handler == SIG_IGN) return;
  struct sigaction ours {};
  ours.sa_handler = handler;
  sigfillset(&ours.sa_mask);
  ::sigaction(number, &ours, nullptr);
}

}  // namespace

void exit_on_signals_with(int code) {
  g_code = code;
  for (const int number : {SIGINT, SIGTERM}) handle(number, on_end);
}

void Screen::enter() {
  if (active_) return;
  active_ = true;
  g_keys =
      ::isatty(STDIN_FILENO) == 1 && in_foreground(STDIN_FILENO) && ::tcgetattr(STDIN_FILENO, &g_before) == 0;
  g_quiet = g_before;
  g_quiet.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  g_quiet.c_cc[VMIN] = 1;
  g_quiet.c_cc[VTIME] = 0;
  for (const int number :
       {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS})
    handle(number, on_end);
  handle(SIGTSTP, on_stop);
  handle(SIGWINCH, on_resize);
  g_on = true;
  take_again();
}

void Screen::leave() {
  if (!active_) return;
  active_ = false;
  take_back();
  g_on = false;
}

Status Screen::draw(std::string_view page) const {
  const auto rows = std::max<std::size_t>(window_size(STDOUT_FILENO).rows, 1);
  const auto lines = static_cast<std::size_t>(std::count(page.begin(), page.end(), '\n'));
  std::string out = "\033[H";
  for (std::size_t row = 0; row < rows && !page.empty(); ++row) {
    if (row + 1 == rows && lines > rows) {
      out += "\r\n(" + std::to_string(lines - row) + " more lines)\033[K";
      break;
    }
    const auto end = std::min(page.find('\n'), page.size());
    out += std::string(row == 0 ? "" : "\r\n") + std::string(page.substr(0, end)) + "\033[0m\033[K";
    page.remove_prefix(std::min(end + 1, page.size()));
  }
  out += "\033[J";
  return write_all(STDOUT_FILENO, out, "the terminal");
}

char Screen::wait_for_key(Millis limit) const {
  pollfd wait{STDIN_FILENO, POLLIN, 0};
  const bool keys = g_keys;
  if (::poll(&wait, keys ? 1 : 0, static_cast<int>(limit.count())) <= 0) return 0;
  std::array<char, 1> key{};
  if ((wait.revents & POLLIN) != 0 && ::read(STDIN_FILENO, key.data(), 1) == 1) return key[0];
  // Gone: asked again it would be told at once, for ever.
  g_keys = false;
  return 0;
}

bool Screen::was_resized() const { return g_resized.exchange(false); }

}  // namespace curfew::os
