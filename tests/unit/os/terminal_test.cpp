// Terminals: made, put in raw mode, and given back on every way out.
#include "os/terminal.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include <gtest/gtest.h>

namespace curfew::os {
namespace {

termios settings_of(int fd) {
  termios settings{};
  EXPECT_EQ(::tcgetattr(fd, &settings), 0);
  return settings;
}

TEST(Pseudoterminal, has_the_callers_size_and_settings) {
  auto first = open_pseudoterminal(::geteuid(), {}, {10, 20});
  ASSERT_TRUE(first);
  EXPECT_EQ(window_size(first->slave.get()).rows, 10);
  EXPECT_EQ(window_size(first->slave.get()).columns, 20);
  make_silent(first->slave.get());
  EXPECT_EQ(settings_of(first->slave.get()).c_lflag & ECHO, 0U);
  const auto second = open_pseudoterminal(::geteuid(), terminal_settings(first->slave.get()), {});
  ASSERT_TRUE(second);
  EXPECT_EQ(settings_of(second->slave.get()).c_lflag & ECHO, 0U);
  EXPECT_TRUE(open_pseudoterminal(::geteuid(), "of another machine", {}));
}

TEST(Pseudoterminal, ends_its_input_by_a_character_only_where_it_takes_lines) {
  const auto made = open_pseudoterminal(::geteuid(), {}, {});
  ASSERT_TRUE(made);
  EXPECT_EQ(end_of_input_character(made->master.get()), 4);
  termios raw = settings_of(made->slave.get());
  ::cfmakeraw(&raw);
  ASSERT_EQ(::tcsetattr(made->slave.get(), TCSANOW, &raw), 0);
  EXPECT_EQ(end_of_input_character(made->master.get()), -1);
  EXPECT_EQ(end_of_input_character(-1), -1);
}

TEST(RawTerminal, keeps_the_interrupt_key_and_passes_the_suspend_key) {
  const auto made = open_pseudoterminal(::geteuid(), {}, {});
  ASSERT_TRUE(made);
  const tcflag_t before = settings_of(made->slave.get()).c_lflag;
  RawTerminal raw;
  ASSERT_TRUE(raw.enter(made->slave.get()));
  const termios now = settings_of(made->slave.get());
  EXPECT_NE(now.c_lflag & ISIG, 0U);
  EXPECT_EQ(now.c_lflag & (ICANON | ECHO), 0U);
  EXPECT_EQ(now.c_cc[VSUSP], _POSIX_VDISABLE);
  raw.leave();
  EXPECT_EQ(settings_of(made->slave.get()).c_lflag, before);
}

// Whether the settings are back after a process went this way.
void expect_restored_after(const std::function<void()>& way_out) {
  const auto made = open_pseudoterminal(::geteuid(), {}, {});
  ASSERT_TRUE(made);
  const std::string before = terminal_settings(made->slave.get());
  const pid_t child = ::fork();
  if (child == 0) {
    RawTerminal raw;
    if (!raw.enter(made->slave.get()) || terminal_settings(made->slave.get()) == before) ::_exit(99);
    way_out();
    ::_exit(98);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) >= 98);
  EXPECT_EQ(terminal_settings(made->slave.get()), before);
}

TEST(RawTerminal, is_given_back_at_exit) {
  expect_restored_after([] { std::exit(0); });
}

#ifndef __SANITIZE_ADDRESS__  // has handlers of its own
TEST(RawTerminal, is_given_back_at_a_crash) {
  expect_restored_after([] { std::abort(); });
  expect_restored_after([] { ::raise(SIGSEGV); });
}
#endif

TEST(RawTerminal, needs_a_terminal) {
  const Fd null{::open("/dev/null", O_RDWR)};
  RawTerminal raw;
  EXPECT_FALSE(raw.enter(null.get()));
  EXPECT_FALSE(raw.active());
  EXPECT_TRUE(terminal_settings(null.get()).empty());
}

}  // namespace
}  // namespace curfew::os
