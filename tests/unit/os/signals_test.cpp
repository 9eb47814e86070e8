#include "os/signals.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include <gtest/gtest.h>

namespace curfew {
namespace {

// Asks the kernel, as glibc answers for none of its own two.
bool is_default(int number) {
  std::array<unsigned long, 8> now{};
  ::syscall(SYS_rt_sigaction, number, nullptr, now.data(), 8);
  return now[0] == 0;
}

TEST(Signals, are_all_set_to_their_defaults_even_those_that_glibc_keeps) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::array<unsigned long, 8> ignore{};
    ignore[0] = 1;  // SIG_IGN
    for (const int number : {SIGINT, SIGPIPE, 32, 33, 64}) {
      ::syscall(SYS_rt_sigaction, number, ignore.data(), nullptr, 8);
      if (is_default(number)) ::_exit(100);
    }
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    os::default_signals();
    for (int number = 1; number <= 64; ++number)
      if (!is_default(number)) ::_exit(number);
    sigset_t blocked;
    ::sigprocmask(SIG_SETMASK, nullptr, &blocked);
    ::_exit(sigisemptyset(&blocked) == 1 ? 0 : 101);
  }
  ASSERT_GT(child, 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0)
      << "a signal's number, or 100: couldn't be ignored, 101: some are blocked";
}

}  // namespace
}  // namespace curfew
