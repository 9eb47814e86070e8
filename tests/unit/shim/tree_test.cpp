// Every process of the job is reached, whatever it did to get away; with a cgroup, and without.
#include "shim/tree.hpp"

#include "harness.hpp"

namespace curfew::shim::testing {
namespace {

bool is_alive(pid_t pid) {
  const auto process = os::read_process(pid);
  return process && process->state != 'Z';
}

class Tree : public ::testing::TestWithParam<bool> {
 protected:
  Tree() { shim.options.use_cgroup = GetParam(); }

  // The script writes numbers of processes to files in its folder.
  pid_t pid_from(const std::string& file) {
    pid_t pid = 0;
    EXPECT_TRUE(eventually([&] {
      const std::string text = slurp(shim.folder() + "/" + file);
      if (text.empty() || text.back() != '\n') return false;
      pid = std::stoi(text);
      return true;
    })) << file;
    return pid;
  }

  Shim shim;
};

INSTANTIATE_TEST_SUITE_P(each, Tree, ::testing::Values(true, false),
                         [](const auto& one) { return one.param ? "cgroup" : "descent"; });

TEST_P(Tree, is_not_gone_while_a_child_lives_on) {
  shim.start_shell("sleep 1000 & echo $! >child; exit 0");
  Peer guard = shim.guard();
  EXPECT_EQ(guard.await(FromShim::ended), "exited 0");
  EXPECT_FALSE(guard.await(FromShim::tree_gone, 300ms));
  const pid_t child = pid_from("child");
  EXPECT_TRUE(is_alive(child));
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  EXPECT_TRUE(guard.await(FromShim::tree_gone, 1'000ms));
}

TEST_P(Tree, is_killed_with_all_who_got_away) {
  shim.start_shell(
      "setsid sleep 1001 & echo $! >session\n"
      "(setsid sh -c 'setsid sleep 1002 & echo $! >deep; exit 0' &)\n"  // double fork
      "sh -c 'trap \"\" TERM HUP INT; echo $$ >deaf; while :; do sleep 1000; done' &\n"
      "sh -c 'echo $$ >stopped; kill -STOP $$; sleep 1003' &\n"
      "exec sleep 1000");
  Peer guard = shim.guard();
  ASSERT_TRUE(guard.await(FromShim::started));
  const std::vector<pid_t> pids{pid_from("session"), pid_from("deep"), pid_from("deaf"), pid_from("stopped")};
  ASSERT_TRUE(eventually([&] {
    const auto stopped = os::read_process(pids[3]);
    return stopped && stopped->state == 'T';
  }));
  for (const pid_t pid : pids) EXPECT_TRUE(is_alive(pid));
  ASSERT_TRUE(guard.say(ToShim::kill_tree));
  EXPECT_EQ(guard.await(FromShim::ended), "signalled 9");
  ASSERT_TRUE(guard.await(FromShim::tree_gone));
  for (const pid_t pid : pids) EXPECT_FALSE(is_alive(pid));
  EXPECT_TRUE(os::descendants(shim.pid()).empty());
}

TEST_P(Tree, gets_signals_as_a_whole_also_where_it_is_stopped) {
  shim.start_shell(
      "setsid sh -c 'trap \"echo far; exit\" USR1; echo $$ >far; while :; do sleep 0.01; done' &\n"
      "sh -c 'trap \"echo stopped; exit\" USR1; echo $$ >stopped; kill -STOP $$; while :; do sleep 0.01; "
      "done' &\n"
      "trap 'echo near; wait; exit 6' USR1\n"
      "echo $$ >near\n"
      "while :; do sleep 0.01; done");
  Peer guard = shim.guard();
  ASSERT_TRUE(guard.await(FromShim::started));
  pid_from("far");
  pid_from("near");
  const pid_t stopped = pid_from("stopped");
  ASSERT_TRUE(eventually([&] {
    const auto process = os::read_process(stopped);
    return process && process->state == 'T';
  }));
  ASSERT_TRUE(guard.say(ToShim::signal_tree, std::to_string(SIGUSR1)));
  EXPECT_TRUE(guard.await(FromShim::ended));
  EXPECT_TRUE(guard.await(FromShim::tree_gone));
  const std::string log = shim.log();
  for (const char* said : {"far\n", "stopped\n", "near\n"})
    EXPECT_NE(log.find(said), std::string::npos) << log;
}

TEST_P(Tree, that_keeps_forking_is_killed) {
  // Each one starts the next and ends: none lives long enough to be hit by its number.
  shim.start_shell(
      "f() { (f) & }; i=0; while [ $i -lt 20 ]; do (while :; do (sleep 0.01 &) ; done) & i=$((i+1)); done; "
      "wait");
  Peer guard = shim.guard();
  ASSERT_TRUE(guard.await(FromShim::started));
  ASSERT_TRUE(eventually([&] { return os::descendants(shim.pid()).size() > 30; }));
  ASSERT_TRUE(guard.say(ToShim::kill_tree));
  EXPECT_TRUE(guard.await(FromShim::tree_gone));
  EXPECT_TRUE(os::descendants(shim.pid()).empty());
}

TEST_P(Tree, of_500_quick_forks_is_reaped) {
  shim.start_shell("i=0; while [ $i -lt 500 ]; do (true &) ; i=$((i+1)); done; exit 2");
  Peer guard = shim.guard();
  EXPECT_EQ(guard.await(FromShim::ended), "exited 2");
  EXPECT_TRUE(guard.await(FromShim::tree_gone));
}

TEST_P(Tree, ends_with_the_shims_unit) {
  shim.start_shell("trap '' TERM; echo $$ >deaf; while :; do sleep 1000; done");
  Peer guard = shim.guard();
  ASSERT_TRUE(guard.await(FromShim::started));
  const pid_t deaf = pid_from("deaf");
  const auto began = Clock::now();
  ASSERT_EQ(::kill(shim.pid(), SIGTERM), 0);
  EXPECT_EQ(guard.await(FromShim::ended), "signalled 9");
  EXPECT_EQ(shim.wait(), 0);
  EXPECT_GE(Clock::now() - began, 300ms);
  EXPECT_FALSE(is_alive(deaf));
  EXPECT_EQ(shim.record().number, 9);
}

TEST_P(Tree, that_obeys_ends_at_once_with_the_shims_unit) {
  shim.options.stop_wait = 60'000ms;
  shim.start_shell("trap 'exit 0' TERM; echo $$ >ready; while :; do sleep 0.01; done");
  Peer guard = shim.guard();
  ASSERT_TRUE(guard.await(FromShim::started));
  pid_from("ready");
  ASSERT_EQ(::kill(shim.pid(), SIGTERM), 0);
  EXPECT_EQ(guard.await(FromShim::ended), "exited 0");
  EXPECT_EQ(shim.wait(), 0);
}

TEST_P(Tree, survives_the_signals_of_a_terminal) {
  shim.start_shell("read line; exit 3");
  Peer guard = shim.guard();
  ASSERT_TRUE(guard.await(FromShim::started));
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTSTP, SIGUSR1}) ::kill(shim.pid(), number);
  EXPECT_EQ(guard.await(FromShim::ended), "exited 3");
}

TEST(Cgroup, is_the_jobs_own_and_is_removed) {
  Shim shim;
  shim.start_shell("cat /proc/self/cgroup; sleep 1000");
  Peer guard = shim.guard();
  const auto pid = guard.await(FromShim::started);
  ASSERT_TRUE(pid);
  const std::string folder =
      os::detail::cgroup_folder(slurp("/proc/" + *pid + "/cgroup"), slurp("/proc/self/mountinfo"));
  if (folder.find("curfew-job-" + std::to_string(shim.pid())) == std::string::npos)
    GTEST_SKIP() << "no right to a cgroup of version 2 here";
  EXPECT_TRUE(os::exists(folder));
  // What the job made below it goes as well.
  ASSERT_EQ(::mkdir((folder + "/inner").c_str(), 0755), 0);
  ASSERT_TRUE(guard.say(ToShim::kill_tree));
  EXPECT_TRUE(guard.await(FromShim::tree_gone));
  EXPECT_FALSE(os::exists(folder));
}

TEST(Cgroup, that_a_process_left_does_not_save_it) {
  Shim shim;
  shim.start_shell("(sleep 0.05; exec sleep 1000) & echo $! >child; wait");
  Peer guard = shim.guard();
  const auto pid = guard.await(FromShim::started);
  ASSERT_TRUE(pid);
  const std::string folder =
      os::detail::cgroup_folder(slurp("/proc/" + *pid + "/cgroup"), slurp("/proc/self/mountinfo"));
  if (folder.find("curfew-job-") == std::string::npos)
    GTEST_SKIP() << "no right to a cgroup of version 2 here";
  std::string child;
  ASSERT_TRUE(eventually([&] { return !(child = slurp(shim.folder() + "/child")).empty(); }));
  const os::Fd procs{::open((os::folder_of(folder) + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC)};
  ASSERT_TRUE(os::write_all(procs.get(), child, "cgroup.procs"));
  ASSERT_TRUE(guard.say(ToShim::kill_tree));
  EXPECT_TRUE(guard.await(FromShim::tree_gone));
  EXPECT_FALSE(is_alive(std::stoi(child)));
}

}  // namespace
}  // namespace curfew::shim::testing
