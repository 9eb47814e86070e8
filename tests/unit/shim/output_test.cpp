// The job's output: all of it, in order, to the log and to the front end, and no reader that holds up the shim.
#include "shim/output.hpp"

#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>

#include "harness.hpp"

namespace curfew::shim::testing {
namespace {

// "0000000\n0000001\n...": what has been lost, doubled or moved shows.
std::string numbered(int lines) {
  std::string text;
  std::array<char, 16> line{};
  for (int at = 0; at < lines; ++at) {
    std::snprintf(line.data(), line.size(), "%07d\n", at);
    text += line.data();
  }
  return text;
}
constexpr int k_lines = 655'360;  // 5 MiB
const char* const k_print_lines = "awk 'BEGIN { for (i = 0; i < 655360; ++i) printf \"%07d\\n\", i }'";

TEST(Output, keeps_stdout_and_stderr_apart) {
  Shim shim;
  shim.options.front_wait = 5'000ms;
  Collector out;
  Collector err;
  shim.start_shell("echo one; echo two >&2; echo three; echo four >&2");
  Peer guard = shim.guard();
  Peer front = shim.front(out.fd(), err.fd());
  ASSERT_TRUE(front.await(FromShim::tree_gone));
  EXPECT_EQ(out.pull(), "one\nthree\n");
  EXPECT_EQ(err.pull(), "two\nfour\n");
  EXPECT_EQ(shim.wait(), 0);
}

TEST(Output, keeps_the_order_where_both_are_one) {
  Shim shim;
  shim.options.front_wait = 5'000ms;
  shim.spec.one_output = true;
  Collector out;
  shim.start_shell("for i in 1 2 3 4 5 6 7 8 9; do echo o$i; echo e$i >&2; done");
  Peer front = shim.front(out.fd(), out.fd());
  ASSERT_TRUE(front.await(FromShim::tree_gone));
  std::string wanted;
  for (char i = '1'; i <= '9'; ++i) wanted += std::string("o") + i + "\ne" + i + "\n";
  EXPECT_EQ(out.pull(), wanted);
  EXPECT_EQ(shim.log(), wanted);
}

TEST(Output, arrives_whole_at_a_slow_reader) {
  Shim shim;
  shim.options.front_wait = 5'000ms;
  Collector out;
  shim.start_shell(k_print_lines);
  Peer guard = shim.guard();
  Peer front = shim.front(out.fd(), out.fd());
  std::string text;
  std::array<char, 4'096> chunk{};
  const bool whole = eventually([&] {
    for (int count = 0; count < 20; ++count) {
      const auto got = ::read(out.read_fd(), chunk.data(), chunk.size());
      if (got > 0) text.append(chunk.data(), static_cast<std::size_t>(got));
    }
    return text.size() >= 8U * k_lines;
  });
  ASSERT_TRUE(whole) << text.size();
  EXPECT_TRUE(front.await(FromShim::tree_gone));
  const std::string wanted = numbered(k_lines);
  EXPECT_TRUE(text == wanted);
  EXPECT_TRUE(shim.log() == wanted);
}

TEST(Output, that_came_before_the_front_end_is_handed_over) {
  Shim shim;
  shim.options.front_wait = 10'000ms;
  Collector out;
  Collector err;
  // More than is kept: the rest waits in the job's pipe, and the job with it.
  shim.start_shell(std::string(k_print_lines) + "; echo end >&2");
  Peer guard = shim.guard();
  ASSERT_TRUE(guard.await(FromShim::started));
  EXPECT_TRUE(eventually([&] { return shim.log().size() >= 256U * 1024U; }));
  EXPECT_LT(shim.log().size(), 512U * 1024U);
  Peer front = shim.front(out.fd(), err.fd());
  EXPECT_TRUE(eventually([&] { return out.pull().size() >= 8U * k_lines; }));
  ASSERT_TRUE(front.await(FromShim::tree_gone));
  EXPECT_TRUE(out.pull() == numbered(k_lines));
  EXPECT_EQ(err.pull(), "end\n");
}

TEST(Output, of_a_job_that_ended_before_the_front_end_came_is_handed_over) {
  Shim shim;
  shim.options.front_wait = 10'000ms;
  Collector out;
  shim.start_shell("echo quick; exit 4");
  Peer guard = shim.guard();
  ASSERT_TRUE(guard.await(FromShim::tree_gone));
  Peer front = shim.front(out.fd(), out.fd());
  EXPECT_EQ(front.await(FromShim::ended), "exited 4");
  EXPECT_TRUE(front.await(FromShim::tree_gone));
  EXPECT_EQ(out.pull(), "quick\n");
  EXPECT_EQ(shim.wait(), 0);
}

TEST(Output, goes_on_without_a_front_end) {
  Shim shim;
  shim.options.front_wait = 100ms;
  shim.start_shell(k_print_lines);
  ASSERT_TRUE(shim.guard().await(FromShim::tree_gone));
  EXPECT_TRUE(shim.log() == numbered(k_lines));
}

TEST(Output, goes_on_when_the_reader_goes_away) {
  Shim shim;
  shim.options.front_wait = 5'000ms;
  Collector out;
  shim.start_shell(std::string(k_print_lines) + "; exit 5");
  Peer front = shim.front(out.fd(), out.fd());
  out.close_write();
  EXPECT_TRUE(out.contains("0000100"));
  out.close_read();
  EXPECT_EQ(front.await(FromShim::ended), "exited 5");
  EXPECT_TRUE(front.await(FromShim::tree_gone));
  EXPECT_TRUE(shim.log() == numbered(k_lines));
}

TEST(Output, waits_for_a_paused_reader_but_serves_the_guard) {
  Shim shim;
  shim.options.front_wait = 5'000ms;
  Collector out;  // never read
  Collector err;
  shim.start_shell("(echo going >&2; while :; do echo a line of many; done) & exec sleep 1000");
  Peer guard = shim.guard();
  Peer front = shim.front(out.fd(), err.fd());
  ASSERT_TRUE(err.contains("going"));
  // The pipe is full: the job waits, so its log no longer grows.
  std::size_t size = 0;
  ASSERT_TRUE(eventually([&] {
    const std::size_t now = shim.log().size();
    ::poll(nullptr, 0, 50);
    return std::exchange(size, now) == now && now > 0;
  }));
  EXPECT_LT(size, 1U << 20U);
  ASSERT_TRUE(guard.say(ToShim::kill_tree));
  EXPECT_EQ(guard.await(FromShim::ended), "signalled 9");
  EXPECT_TRUE(guard.await(FromShim::tree_gone));  // though the reader never moved
}

TEST(Output, does_not_wait_for_a_paused_reader_once_the_job_is_told_to_end) {
  Shim shim;
  shim.options.front_wait = 5'000ms;
  Collector out;  // never read
  shim.start_shell(
      "trap 'i=0; while [ $i -lt 60000 ]; do echo a line of the last words; i=$((i+1)); done; exit 8' TERM;"
      "echo ready; while :; do sleep 0.01; done");
  Peer guard = shim.guard();
  Peer front = shim.front(out.fd(), out.fd());
  ASSERT_TRUE(eventually([&] { return shim.log() == "ready\n"; }));
  ASSERT_TRUE(guard.say(ToShim::signal_tree, "15"));
  EXPECT_EQ(guard.await(FromShim::ended), "exited 8");
}

TEST(Output, leaves_the_front_ends_descriptors_blocking) {
  Shim shim;
  shim.options.front_wait = 5'000ms;
  Collector out;
  shim.start_shell("echo x");
  Peer front = shim.front(out.fd(), out.fd());
  ASSERT_TRUE(front.await(FromShim::tree_gone));
  EXPECT_EQ(::fcntl(out.fd(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(Output, goes_to_a_file_where_its_offset_is) {
  Shim shim;
  shim.options.front_wait = 5'000ms;
  const std::string path = shim.folder() + "/out";
  const os::Fd file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  ASSERT_TRUE(os::write_all(file.get(), "before\n", path));
  shim.start_shell("echo from the job");
  Peer front = shim.front(file.get(), file.get());
  ASSERT_TRUE(front.await(FromShim::tree_gone));
  ASSERT_TRUE(os::write_all(file.get(), "after\n", path));
  EXPECT_EQ(slurp(path), "before\nfrom the job\nafter\n");
}

TEST(Output, from_outside_the_tree_does_not_hold_up_its_end) {
  Shim shim;
  // Somebody else, here the test itself, opens the job's stdout and keeps it.
  shim.start_shell("echo $$; read go");
  Peer guard = shim.guard();
  Peer front = shim.front(STDERR_FILENO, STDERR_FILENO);
  const auto pid = guard.await(FromShim::started);
  ASSERT_TRUE(pid);
  const os::Fd held{::open(("/proc/" + *pid + "/fd/1").c_str(), O_WRONLY | O_CLOEXEC)};
  ASSERT_TRUE(held);
  ASSERT_TRUE(front.say(ToShim::input, "go\n"));
  const auto began = Clock::now();
  EXPECT_TRUE(guard.await(FromShim::tree_gone));
  EXPECT_LT(Clock::now() - began, 2s);
}

TEST(Output, tells_the_guard_when_it_last_came) {
  Shim shim;
  shim.start_shell("echo x; sleep 1000");
  Peer guard = shim.guard();
  const auto at = guard.await(FromShim::output_at);
  ASSERT_TRUE(at);
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  EXPECT_NEAR(static_cast<double>(std::stoll(*at)), static_cast<double>(now), 15'000.0);
  EXPECT_EQ(shim.guard().await(FromShim::output_at), at);  // one that comes later hears of it too
}

TEST(OutputLog, is_renamed_past_its_size) {
  const Folder folder;
  const std::string path = folder.path() + "/output.log";
  OutputLog log(path, 100, ::geteuid());
  const std::string sixty(60, 'a');
  log.write(sixty);
  log.write(sixty);
  log.write("b");
  EXPECT_EQ(slurp(path + ".1"), sixty + sixty);
  EXPECT_EQ(slurp(path), "b");
}

TEST(OutputLog, keeps_what_an_earlier_job_left) {
  const Folder folder;
  const std::string path = folder.path() + "/output.log";
  OutputLog(path, 100, ::geteuid()).write("old");
  OutputLog log(path, 100, ::geteuid());
  log.write("new");
  EXPECT_EQ(slurp(path + ".1"), "old");
  EXPECT_EQ(slurp(path), "new");
}

TEST(OutputLog, says_what_is_missing_once_there_is_room_again) {
  const Folder folder;
  const std::string path = folder.path() + "/output.log";
  OutputLog log(path, 1'000'000, ::geteuid());
  log.write("first\n");
  // Too large a file stands in for a full disk: the write fails after a part of it.
  const auto ignored = ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 10;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  log.write("second\n");  // four bytes of it fit
  log.write("third\n");
  EXPECT_EQ(log.lost(), 3U + 6U);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, ignored);
  log.write("fourth\n");
  EXPECT_EQ(log.lost(), 0U);
  EXPECT_EQ(slurp(path),
            "first\nseco\n[curfew: 9 bytes of output are missing here: File too large]\nfourth\n");
}

TEST(OutputLog, in_a_folder_that_is_not_there_loses_output_and_goes_on) {
  OutputLog log("/no/such/folder/output.log", 100, ::geteuid());
  log.write("text");
  EXPECT_EQ(log.lost(), 4U);
}

TEST(OutputLog, does_not_follow_a_link) {
  const Folder folder;
  const std::string path = folder.path() + "/output.log";
  ASSERT_EQ(::symlink((folder.path() + "/elsewhere").c_str(), path.c_str()), 0);
  OutputLog log(path, 100, ::geteuid());
  log.write("text");
  EXPECT_FALSE(os::exists(folder.path() + "/elsewhere"));
}

// ---- the ways to write without waiting

int duplicate(int fd) { return ::fcntl(fd, F_DUPFD_CLOEXEC, 3); }

TEST(Sink, opens_a_pipe_anew) {
  const Collector pipe;
  Sink sink;
  sink.attach(os::Fd{duplicate(pipe.fd())});
  EXPECT_EQ(sink.way(), Sink::Way::own);
  sink.write(std::string(1U << 20U, 'x'));
  EXPECT_GT(sink.waiting(), 0U);
  EXPECT_GE(sink.poll_fd(), 0);
}

TEST(Sink, never_waits_for_a_socket) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const os::Fd reader{ends[0]};
  Sink sink;
  sink.attach(os::Fd{ends[1]});
  EXPECT_EQ(sink.way(), Sink::Way::socket);
  sink.write(std::string(4U << 20U, 'x'));
  EXPECT_GT(sink.waiting(), 0U);
}

TEST(Sink, writes_carefully_to_a_pipe_of_somebody_elses) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  // Who isn't its owner can't open it anew.
  const Collector pipe;
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresuid(65'534, 65'534, 65'534) != 0) ::_exit(9);
    Sink sink;
    sink.attach(os::Fd{duplicate(pipe.fd())});
    if (sink.way() != Sink::Way::careful) ::_exit(1);
    const auto began = Clock::now();
    sink.write(std::string(1U << 20U, 'x'));
    sink.flush();
    if (sink.waiting() == 0 || Clock::now() - began > 5s) ::_exit(2);
    if (sink.waiting() + static_cast<std::size_t>(::fcntl(pipe.fd(), F_GETPIPE_SZ)) != 1U << 20U) ::_exit(3);
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Sink, cuts_a_write_short_that_waits_all_the_same) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  // A terminal that says it's writable takes less than a page, and its owner is another.
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(master, 0);
  ASSERT_EQ(::unlockpt(master), 0);
  const os::Fd slave{::ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)};
  ASSERT_TRUE(slave);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresgid(65'534, 65'534, 65'534) != 0 || ::setresuid(65'534, 65'534, 65'534) != 0) ::_exit(9);
    Sink sink;
    sink.attach(os::Fd{duplicate(slave.get())});
    if (sink.way() != Sink::Way::careful) ::_exit(1);
    const auto began = Clock::now();
    sink.write(std::string(1U << 20U, 'x'));
    if (sink.waiting() == 0 || Clock::now() - began > 5s) ::_exit(2);
    ::_exit(0);
  }
  int status = -1;
  ASSERT_TRUE(eventually([&] { return ::waitpid(child, &status, WNOHANG) == child; }));
  EXPECT_EQ(status, 0);
  ::close(master);
}

TEST(Sink, gives_no_right_that_was_not_handed_over) {
  const Folder folder;
  const std::string path = folder.path() + "/file";
  ASSERT_TRUE(os::replace_file(path, "kept", 0644, os::Sync::no));
  for (const int flags : {O_RDONLY, O_PATH}) {
    Sink sink;
    sink.attach(os::Fd{::open(path.c_str(), flags | O_CLOEXEC)});
    EXPECT_FALSE(sink.attached());
    sink.write("overwritten");
  }
  EXPECT_EQ(slurp(path), "kept");
  const Collector pipe;
  Sink sink;
  sink.attach(os::Fd{duplicate(pipe.read_fd())});
  EXPECT_FALSE(sink.attached());
}

TEST(Sink, whose_reader_is_gone_is_detached) {
  ::signal(SIGPIPE, SIG_IGN);
  Collector pipe;
  Sink sink;
  sink.attach(os::Fd{duplicate(pipe.fd())});
  pipe.close_read();
  sink.write("x");
  EXPECT_FALSE(sink.attached());
  EXPECT_EQ(sink.waiting(), 0U);
}

}  // namespace
}  // namespace curfew::shim::testing
