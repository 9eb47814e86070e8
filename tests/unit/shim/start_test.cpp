// How a job starts, what it finds, and what is said where it can't.
#include "shim/start.hpp"

#include <sys/resource.h>
#include <sys/utsname.h>

#include "harness.hpp"

namespace curfew::shim::testing {
namespace {

struct Ending {
  const char* name;
  std::vector<std::string> argv;
  os::ExitRecord::How how;
  int number;
  const char* said;
};

class Endings : public ::testing::TestWithParam<Ending> {};

TEST_P(Endings, are_recorded_and_told) {
  const Ending& wanted = GetParam();
  Shim shim;
  shim.start(wanted.argv);
  Peer guard = shim.guard();
  const auto type = wanted.how == os::ExitRecord::How::not_started ? FromShim::not_started : FromShim::ended;
  const auto said = guard.await(type);
  ASSERT_TRUE(said);
  EXPECT_EQ(said->substr(0, std::strlen(wanted.said)), wanted.said);
  if (type == FromShim::ended) {
    EXPECT_TRUE(guard.await(FromShim::tree_gone));
  }
  EXPECT_EQ(shim.wait(), wanted.number == k_not_set_up ? k_not_set_up : 0);
  const os::ExitRecord record = shim.record();
  EXPECT_EQ(record.how, wanted.how);
  EXPECT_EQ(record.number, wanted.number);
  EXPECT_GT(record.ended_ms, 1'000'000'000'000);
  EXPECT_FALSE(record.boot_id.empty());
}

using How = os::ExitRecord::How;
INSTANTIATE_TEST_SUITE_P(
    each, Endings,
    ::testing::Values(Ending{"success", {"true"}, How::exited, 0, "exited 0"},
                      Ending{"failure", {"sh", "-c", "exit 3"}, How::exited, 3, "exited 3"},
                      Ending{"highest_code", {"sh", "-c", "exit 255"}, How::exited, 255, "exited 255"},
                      Ending{"its_own_125", {"sh", "-c", "exit 124"}, How::exited, 124, "exited 124"},
                      Ending{"terminated", {"sh", "-c", "kill -TERM $$"}, How::signalled, 15, "signalled 15"},
                      Ending{"killed", {"sh", "-c", "kill -KILL $$"}, How::signalled, 9, "signalled 9"},
                      Ending{"crashed", {"sh", "-c", "kill -SEGV $$"}, How::signalled, 11, "signalled 11"},
                      Ending{"not_found",
                             {"no-such-program"},
                             How::not_started,
                             127,
                             "127 no-such-program: command not found"},
                      Ending{"no_such_file",
                             {"./nothing"},
                             How::not_started,
                             127,
                             "127 run ./nothing: No such file or directory"},
                      Ending{"a_folder", {"/tmp"}, How::not_started, 126, "126 run /tmp: Permission denied"},
                      Ending{
                          "not_executable", {"/etc/passwd"}, How::not_started, 126, "126 run /etc/passwd"}),
    [](const auto& one) { return one.param.name; });

TEST(Start, needs_the_working_folder) {
  Shim shim;
  shim.spec.cwd = "/no/such/folder";
  shim.start({"true"});
  const auto said = shim.guard().await(FromShim::not_started);
  ASSERT_TRUE(said);
  EXPECT_EQ(*said, "125 enter the folder /no/such/folder: No such file or directory");
  EXPECT_EQ(shim.wait(), 125);
}

TEST(Start, without_a_description_says_so) {
  Shim shim;
  shim.start_without_spec();
  const auto said = shim.guard().await(FromShim::not_started);
  ASSERT_TRUE(said);
  EXPECT_NE(said->find("spec.json: No such file"), std::string::npos) << *said;
  EXPECT_EQ(shim.wait(), 125);
  EXPECT_EQ(shim.record().how, How::not_started);
}

TEST(Start, with_a_broken_description_says_so) {
  for (const char* text : {"", "{", "[]", "{\"argv\":[]}", "{\"argv\":[1]}"}) {
    Shim shim;
    ASSERT_TRUE(os::replace_file(shim.paths().spec(), text, 0600, os::Sync::no));
    shim.start_without_spec();
    EXPECT_TRUE(shim.guard().await(FromShim::not_started)) << text;
    EXPECT_EQ(shim.wait(), 125);
    EXPECT_EQ(shim.record().how, How::not_started);
  }
}

TEST(Start, without_a_socket_still_leaves_a_record) {
  Shim shim;
  ASSERT_EQ(::rmdir(shim.paths().run.c_str()), 0);
  shim.start({"true"});
  EXPECT_EQ(shim.wait(), 125);
  EXPECT_EQ(shim.record().how, How::not_started);
}

TEST(Start, runs_a_script_without_a_first_line_by_the_shell) {
  Shim shim;
  const std::string script = shim.folder() + "/script";
  ASSERT_TRUE(os::replace_file(script, "echo from a script; exit 7\n", 0755, os::Sync::no));
  shim.start({"./script"});
  Peer guard = shim.guard();
  EXPECT_EQ(guard.await(FromShim::ended), "exited 7");
  ASSERT_TRUE(guard.await(FromShim::tree_gone));
  EXPECT_EQ(shim.log(), "from a script\n");
}

TEST(Start, looks_in_the_jobs_own_path) {
  Shim shim;
  ASSERT_EQ(::mkdir((shim.folder() + "/tools").c_str(), 0755), 0);
  ASSERT_TRUE(os::replace_file(shim.folder() + "/tools/train-it", "#!/bin/sh\nexit 9\n", 0755, os::Sync::no));
  shim.spec.env = {"PATH=" + shim.folder() + "/tools"};
  shim.start({"train-it"});
  EXPECT_EQ(shim.guard().await(FromShim::ended), "exited 9");
}

TEST(Start, gives_the_environment_as_it_was_but_nothing_of_systemds) {
  Shim shim;
  shim.spec.env = {
      "B=2",          "A=x y\xff\n",  "NOTIFY_SOCKET=/run/x", "WATCHDOG_USEC=1",     "WATCHDOG_PID=2",
      "LISTEN_FDS=3", "LISTEN_PID=4", "LISTEN_FDNAMES=a",     "LISTEN_ADDRESS=mine", "EMPTY="};
  shim.start({"/usr/bin/env", "-0"});
  ASSERT_TRUE(shim.guard().await(FromShim::tree_gone));
  using namespace std::string_literals;
  EXPECT_EQ(shim.log(), "B=2\0A=x y\xff\n\0LISTEN_ADDRESS=mine\0EMPTY=\0"s);
}

TEST(Start, hands_down_no_descriptor) {
  const int leaked = ::open("/dev/null", O_RDONLY);  // not close-on-exec
  ASSERT_GE(leaked, 3);
  Shim shim;
  shim.inherits_descriptors = true;
  shim.start({"/bin/ls", "/proc/self/fd"});
  ASSERT_TRUE(shim.guard().await(FromShim::tree_gone));
  EXPECT_EQ(shim.log(), "0\n1\n2\n3\n");  // 3: the folder that ls reads
  ::close(leaked);
}

TEST(Start, restores_limits_umask_and_signals) {
  Shim shim;
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  files.rlim_cur = 77;
  shim.spec.limits = {{RLIMIT_NOFILE, files}, {RLIMIT_CORE, {0, 0}}};
  shim.spec.umask = 0027;
  shim.start_shell(
      "ulimit -Sn; umask; grep -E '^Sig(Blk|Ign)' /proc/self/status; cat /proc/self/oom_score_adj");
  ASSERT_TRUE(shim.guard().await(FromShim::tree_gone));
  EXPECT_EQ(shim.log(), "77\n0027\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n500\n");
}

TEST(Start, takes_a_limit_as_near_as_it_may) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  Shim shim;
  // More than the kernel lets even root have (fs.nr_open).
  shim.spec.limits = {{RLIMIT_NOFILE, {files.rlim_max + (1ULL << 32U), files.rlim_max + (1ULL << 32U)}}};
  shim.start_shell("ulimit -Sn");
  ASSERT_TRUE(shim.guard().await(FromShim::tree_gone));
  EXPECT_EQ(shim.log(), std::to_string(files.rlim_max) + "\n");
}

TEST(Start, gives_its_own_session) {
  Shim shim;
  shim.start_shell("echo $$; cut -d' ' -f5,6,7 /proc/self/stat");
  ASSERT_TRUE(shim.guard().await(FromShim::tree_gone));
  const std::string log = shim.log();
  const std::string pid = log.substr(0, log.find('\n'));
  EXPECT_EQ(log, pid + "\n" + pid + " " + pid + " 0\n");
}

TEST(Start, becomes_the_jobs_user_who_may_open_its_pipes) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  Shim shim;
  shim.spec.uid = 65'534;
  shim.spec.gid = 65'534;
  shim.spec.groups = {65'534, 4'711};
  shim.start_shell(
      "id -u; id -g; grep Groups /proc/self/status; echo by name >/dev/stdout; echo too >/dev/stderr");
  ASSERT_TRUE(shim.guard().await(FromShim::tree_gone));
  const std::string log = shim.log();
  EXPECT_NE(log.find("65534\n65534\nGroups:\t4711 65534"), std::string::npos) << log;
  EXPECT_NE(log.find("by name\n"), std::string::npos) << log;
  EXPECT_NE(log.find("too\n"), std::string::npos) << log;
}

TEST(Environment, keeps_everything_that_is_not_systemds) {
  EXPECT_EQ(clean_environment({"NOTIFY_SOCKET=x", "NOTIFY_SOCKETS=y", "LISTEN_PORT=1", "=odd", ""}),
            (std::vector<std::string>{"NOTIFY_SOCKETS=y", "LISTEN_PORT=1", "=odd", ""}));
}

}  // namespace
}  // namespace curfew::shim::testing
