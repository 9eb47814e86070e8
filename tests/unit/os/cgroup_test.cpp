// Where the unified hierarchy is, as the kernel's files tell; and the real one where this machine lets us.
#include "os/cgroup.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include <gtest/gtest.h>

#include "os/files.hpp"

namespace curfew::os {
namespace {

constexpr std::string_view k_pure =
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr std::string_view k_hybrid =
    "29 23 0:25 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n"
    "31 29 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
    "30 29 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
constexpr std::string_view k_container = "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
constexpr std::string_view k_blank = "30 23 0:26 / /my\\040cgroups rw - cgroup2 cgroup2 rw\n";

TEST(CgroupFolder, is_found_in_every_layout) {
  EXPECT_EQ(detail::cgroup_folder("0::/system.slice/x.service\n", k_pure),
            "/sys/fs/cgroup/system.slice/x.service");
  EXPECT_EQ(detail::cgroup_folder("9:name=systemd:/a\n4:memory:/b\n0::/\n", k_hybrid),
            "/sys/fs/cgroup/unified");
  EXPECT_EQ(detail::cgroup_folder("0::/docker/abc/deep\n", k_container), "/sys/fs/cgroup/deep");
  EXPECT_EQ(detail::cgroup_folder("0::/docker/abc\n", k_container), "/sys/fs/cgroup");
  EXPECT_EQ(detail::cgroup_folder("0::/x\n", k_blank), "/my cgroups/x");
}

TEST(CgroupFolder, is_none_where_it_cannot_be_reached) {
  EXPECT_EQ(detail::cgroup_folder("0::/docker/abcd\n", k_container), "");  // a neighbour
  EXPECT_EQ(detail::cgroup_folder("0::/../outside\n", k_pure), "");
  EXPECT_EQ(detail::cgroup_folder("4:memory:/b\n", k_hybrid), "");
  EXPECT_EQ(detail::cgroup_folder("0::/x\n", ""), "");
  EXPECT_EQ(detail::cgroup_folder("", k_pure), "");
}

TEST(CgroupOfAJob, holds_kills_and_goes) {
  const auto made = Cgroup::make_for_job();
  if (!made) GTEST_SKIP() << made.error().text();
  EXPECT_EQ(made->populated().value_or(true), false);
  const auto procs = made->open_procs();
  ASSERT_TRUE(procs);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::write(procs->get(), "0", 1) != 1) ::_exit(1);
    if (::fork() == 0) ::pause();
    for (;;) ::pause();
  }
  int status = 0;
  for (int round = 0; made->processes().size() < 2 && round < 2'000; ++round) ::usleep(1'000);
  const auto members = made->processes();
  EXPECT_EQ(members.size(), 2U);
  EXPECT_TRUE(
      std::any_of(members.begin(), members.end(), [&](const Process& one) { return one.pid == child; }));
  EXPECT_EQ(made->populated().value_or(false), true);
  made->remove();  // not while somebody is in it
  EXPECT_TRUE(exists(made->folder()));
  made->kill();
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  for (int round = 0; made->populated().value_or(false) && round < 2'000; ++round) ::usleep(1'000);
  EXPECT_EQ(made->populated().value_or(true), false);
  made->remove();
  EXPECT_FALSE(exists(made->folder()));
}

}  // namespace
}  // namespace curfew::os
