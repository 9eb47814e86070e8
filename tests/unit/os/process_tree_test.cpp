// Processes by /proc.
#include "os/process_tree.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include <gtest/gtest.h>

namespace curfew::os {
namespace {

TEST(ProcessStat, is_read_whatever_the_name_is) {
  const auto process = detail::parse_stat(
      "42 (a) b (c) S 7 40 39 34816 40 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654321 1 2 3\n");
  ASSERT_TRUE(process);
  EXPECT_EQ(process->pid, 42);
  EXPECT_EQ(process->state, 'S');
  EXPECT_EQ(process->parent, 7);
  EXPECT_EQ(process->group, 40);
  EXPECT_EQ(process->session, 39);
  EXPECT_EQ(process->start, 987'654'321U);
}

TEST(ProcessStat, that_makes_no_sense_is_none) {
  for (const char* text :
       {"", "42", "42 (x", "42 (x)", "42 (x) ", "42 (x) S 1 2 3", "y (x) S 1 2 3 4 5 6 7 8 9 10",
        "42 (x) S a b c 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"})
    EXPECT_FALSE(detail::parse_stat(text)) << text;
}

TEST(Processes, of_a_tree_are_found_but_what_is_left_out) {
  // child -> grandchild; told by a pipe when both are there.
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::fork() == 0) {
      [[maybe_unused]] const auto told = ::write(ends[1], "x", 1);
      for (;;) ::pause();
    }
    for (;;) ::pause();
  }
  char told = 0;
  ASSERT_EQ(::read(ends[0], &told, 1), 1);
  const auto found = descendants(::getpid());
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].pid, child);
  EXPECT_EQ(found[1].parent, child);
  EXPECT_TRUE(descendants(::getpid(), [&](const Process& process) { return process.pid == child; }).empty());

  // A process with another start isn't the one that was meant.
  Process other = found[1];
  other.start += 1;
  EXPECT_FALSE(signal_process(other, SIGKILL));
  EXPECT_TRUE(read_process(found[1].pid));
  EXPECT_TRUE(signal_process(found[1], SIGKILL));
  EXPECT_TRUE(signal_process(found[0], SIGKILL));
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(signal_process(found[0], SIGKILL));
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace curfew::os
