// The front end's relay between a terminal (played by the test) and a real shim.
#include "cli/relay.hpp"

#include <sys/ioctl.h>

#include "unit/shim/harness.hpp"

namespace curfew::cli {
namespace {

using namespace std::chrono_literals;
using shim::testing::Collector;
using shim::testing::eventually;
using shim::testing::Peer;
using shim::testing::Shim;
using shim::testing::slurp;

// A front end in a process of its own: its notes are lines of a file, its exit code how run() ended.
class Front {
 public:
  explicit Front(Shim& shim) : shim_(shim) { shim_.options.front_wait = 10'000ms; }
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;
  ~Front() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  // With these descriptors as 0 to 2 (-1: closed). With a terminal, the front end leads a session on it.
  void start(int in, int out, int err, int terminal = -1) {
    pid_ = ::fork();
    ASSERT_GE(pid_, 0);
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::setsid();
    if (terminal >= 0) ::ioctl(terminal, TIOCSCTTY, 0);
    const std::array given{in, out, err};
    for (int fd = 0; fd < 3; ++fd) {
      const int from = given[static_cast<std::size_t>(fd)];
      if (from < 0) {
        ::close(fd);
      } else {
        ::dup2(from, fd);
      }
    }
    ::close_range(3, ~0U, 0);
    ::_exit(body());
  }
  bool notes(std::string_view line) {
    return eventually([&] { return slurp(path()).find(std::string(line) + "\n") != std::string::npos; });
  }
  [[nodiscard]] std::string all_notes() const { return slurp(path()); }
  void signal(int number) const { ::kill(pid_, number); }
  int wait() {
    int status = 0;
    if (!eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; })) return -1;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1'000 + WTERMSIG(status);
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

  Millis connect_limit{10'000};
  Millis call_in{1};
  bool call_stops = false;

 private:
  [[nodiscard]] std::string path() const { return shim_.folder() + "/notes"; }
  void note(const std::string& line) const {
    const auto file = os::open_append(path(), 0600);
    if (file) static_cast<void>(os::write_all(file->get(), line + "\n", path()));
  }
  int body() {
    Relay* relay = nullptr;
    RelayEvents events;
    events.started = [&](pid_t) { note("started"); };
    events.not_started = [&](int code, const std::string& why) {
      note("not started " + std::to_string(code) + " " + why);
      relay->stop();
    };
    events.ended = [&](os::ExitRecord::How how, int number) {
      note(std::string(how == os::ExitRecord::How::exited ? "exited " : "signalled ") +
           std::to_string(number));
    };
    events.tree_gone = [&] {
      note("gone");
      relay->stop();
    };
    events.signalled = [&](int number) { note("signal " + std::to_string(number)); };
    events.lost = [&] { note("lost"); };
    Relay made(shim_.paths(), events);
    relay = &made;
    made.set_connect_limit(connect_limit);
    made.call_in(call_in, [&] {
      note("called");
      if (call_stops) relay->stop();
    });
    return static_cast<int>(made.run());
  }

  Shim& shim_;
  pid_t pid_ = -1;
};

struct Outer {
  Outer() {
    auto made = os::open_pseudoterminal(::geteuid(), {}, {33, 99});
    if (!made) std::abort();
    pair = std::move(*made);
  }
  [[nodiscard]] int slave() const { return pair.slave.get(); }
  void type(std::string_view keys) { EXPECT_TRUE(os::write_all(pair.master.get(), keys, "the terminal")); }
  bool shows(std::string_view part) {
    return eventually([&] {
      std::array<char, 4'096> chunk{};
      const auto got = ::read(pair.master.get(), chunk.data(), chunk.size());
      if (got > 0) text.append(chunk.data(), static_cast<std::size_t>(got));
      return text.find(part) != std::string::npos;
    });
  }
  os::Pseudoterminal pair;
  std::string text;
};

class OnTerminal : public ::testing::Test {
 protected:
  OnTerminal() {
    shim.spec.stdin_tty = shim.spec.stdout_tty = shim.spec.stderr_tty = true;
    shim.spec.rows = 33;  // as the outer one: the job sees a change only where there is one
    shim.spec.columns = 99;
  }
  void start(const std::string& script) {
    before = os::terminal_settings(outer.slave());
    shim.start_shell(script);
    front.start(outer.slave(), outer.slave(), outer.slave(), outer.slave());
  }
  Outer outer;
  Shim shim;
  Front front{shim};
  std::string before;
};

TEST(Relay, passes_pipes_on_both_ways) {
  Shim shim;
  Front front(shim);
  Collector in;
  Collector out;
  Collector err;
  shim.start_shell("cat; echo done >&2; exit 3");
  front.start(in.read_fd(), out.fd(), err.fd());
  std::string text;
  for (int at = 0; text.size() < 3'000'000; ++at) text += std::to_string(at) + "\n";
  std::string_view left = text;
  ::fcntl(in.read_fd(), F_SETFL, 0);
  ::fcntl(in.fd(), F_SETFL, O_NONBLOCK);
  EXPECT_TRUE(eventually([&] {
    const auto wrote = ::write(in.fd(), left.data(), left.size());
    if (wrote > 0) left.remove_prefix(static_cast<std::size_t>(wrote));
    out.pull();
    return left.empty();
  }));
  in.close_write();
  in.close_read();
  EXPECT_TRUE(eventually([&] { return out.pull().size() == text.size(); }));
  EXPECT_TRUE(out.pull() == text);
  EXPECT_EQ(front.wait(), static_cast<int>(Relay::End::stopped));
  EXPECT_EQ(err.pull(), "done\n");
  EXPECT_NE(front.all_notes().find("started\n"), std::string::npos);
  EXPECT_NE(front.all_notes().find("exited 3\ngone\n"), std::string::npos) << front.all_notes();
}

TEST(Relay, takes_any_stdin) {
  const os::Fd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  const os::Fd file{::open("/etc/passwd", O_RDONLY | O_CLOEXEC)};
  for (const int in : {null.get(), file.get(), -1}) {
    Shim shim;
    Front front(shim);
    Collector out;
    shim.start_shell("cat");
    front.start(in, out.fd(), out.fd());
    EXPECT_EQ(front.wait(), static_cast<int>(Relay::End::stopped));
    EXPECT_EQ(out.pull(), in == file.get() ? slurp("/etc/passwd") : "");
  }
}

TEST(Relay, works_without_stdout_and_stderr) {
  Shim shim;
  Front front(shim);
  shim.start_shell("echo x; echo y >&2; exit 4");
  front.start(-1, -1, -1);
  EXPECT_EQ(front.wait(), static_cast<int>(Relay::End::stopped));
  EXPECT_NE(front.all_notes().find("exited 4\n"), std::string::npos);
}

TEST(Relay, reports_a_command_that_cannot_be_started) {
  Shim shim;
  Front front(shim);
  Collector out;
  shim.start({"no-such-program"});
  front.start(-1, out.fd(), out.fd());
  EXPECT_EQ(front.wait(), static_cast<int>(Relay::End::stopped));
  EXPECT_TRUE(front.notes("not started 127 no-such-program: command not found"));
}

TEST(Relay, gives_up_where_no_shim_comes) {
  Shim shim;
  Front front(shim);
  front.connect_limit = 100ms;
  front.start(-1, -1, -1);
  EXPECT_EQ(front.wait(), static_cast<int>(Relay::End::unreachable));
}

TEST(Relay, says_that_the_shim_is_lost) {
  Shim shim;
  Front front(shim);
  shim.start_shell("sleep 1000");
  front.start(-1, -1, -1);
  ASSERT_TRUE(front.notes("started"));
  const auto left = os::descendants(shim.pid());
  ::kill(shim.pid(), SIGKILL);
  EXPECT_EQ(front.wait(), static_cast<int>(Relay::End::lost));
  EXPECT_TRUE(front.notes("lost"));
  for (const auto& process : left) os::signal_process(process, SIGKILL);
}

TEST(Relay, goes_on_without_a_shim_for_a_call_that_is_to_come) {
  Shim shim;
  Front front(shim);
  front.call_in = 1'000ms;
  front.call_stops = true;
  shim.start_shell("sleep 1000");
  front.start(-1, -1, -1);
  ASSERT_TRUE(front.notes("started"));
  const auto left = os::descendants(shim.pid());
  ::kill(shim.pid(), SIGKILL);
  EXPECT_TRUE(front.notes("lost"));
  EXPECT_EQ(front.wait(), static_cast<int>(Relay::End::stopped));
  EXPECT_TRUE(front.notes("called"));
  for (const auto& process : left) os::signal_process(process, SIGKILL);
}

TEST(Relay, reports_signals_and_leaves_at_a_hang_up) {
  Shim shim;
  Front front(shim);
  Collector out;
  shim.start_shell("echo ready; sleep 1000");
  front.start(-1, out.fd(), out.fd());
  ASSERT_TRUE(out.contains("ready"));
  for (const int number : {SIGINT, SIGTERM, SIGQUIT, SIGINT}) {
    front.signal(number);
    EXPECT_TRUE(front.notes("signal " + std::to_string(number)));
  }
  front.signal(SIGHUP);
  EXPECT_EQ(front.wait(), static_cast<int>(Relay::End::hung_up));
  // And the job goes on.
  Peer guard = shim.guard();
  EXPECT_TRUE(guard.await(os::FromShim::started));
  EXPECT_FALSE(guard.await(os::FromShim::ended, 100ms));
}

TEST_F(OnTerminal, is_raw_while_the_job_runs_and_given_back) {
  start("stty size; read line; echo got $line; read key");
  EXPECT_TRUE(outer.shows("33 99\r\n"));
  EXPECT_TRUE(eventually([&] { return os::terminal_settings(outer.slave()) != before; }));
  outer.type("words\r");
  EXPECT_TRUE(outer.shows("words\r\ngot words\r\n"));  // echoed by the job's terminal, once
  EXPECT_EQ(outer.text.find("words\r\nwords"), std::string::npos) << outer.text;
  outer.type("\r");
  EXPECT_EQ(front.wait(), static_cast<int>(Relay::End::stopped));
  EXPECT_EQ(os::terminal_settings(outer.slave()), before);
}

TEST_F(OnTerminal, keeps_the_interrupt_key_for_the_front_end) {
  start("trap 'echo the job got it' INT; echo ready; while :; do sleep 0.01; done");
  EXPECT_TRUE(outer.shows("ready"));
  ASSERT_TRUE(eventually([&] { return os::terminal_settings(outer.slave()) != before; }));
  outer.type("\x03");
  EXPECT_TRUE(front.notes("signal 2"));
  outer.type("\x1c");
  EXPECT_TRUE(front.notes("signal 3"));
  EXPECT_EQ(outer.text.find("the job got it"), std::string::npos);
}

TEST_F(OnTerminal, passes_the_end_of_input_and_goes_on) {
  start("cat; echo first; cat; echo second");
  ASSERT_TRUE(eventually([&] { return os::terminal_settings(outer.slave()) != before; }));
  outer.type("\x04");
  EXPECT_TRUE(outer.shows("first"));
  outer.type("more\r");
  EXPECT_TRUE(outer.shows("more\r\nmore\r\n"));
  outer.type("\x04");
  EXPECT_TRUE(outer.shows("second"));
  EXPECT_EQ(front.wait(), static_cast<int>(Relay::End::stopped));
}

TEST_F(OnTerminal, passes_its_size_on) {
  start("trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.01; done");
  EXPECT_TRUE(outer.shows("ready"));
  os::set_window_size(outer.pair.master.get(), {12, 34});
  EXPECT_TRUE(outer.shows("12 34\r\n"));
}

TEST_F(OnTerminal, is_given_back_at_a_hang_up) {
  start("echo ready; read line; sleep 1000");
  EXPECT_TRUE(outer.shows("ready"));
  ASSERT_TRUE(eventually([&] { return os::terminal_settings(outer.slave()) != before; }));
  front.signal(SIGHUP);
  EXPECT_EQ(front.wait(), static_cast<int>(Relay::End::hung_up));
  EXPECT_EQ(os::terminal_settings(outer.slave()), before);
}

TEST_F(OnTerminal, that_closes_leaves_the_job_running) {
  start("echo ready; read line; sleep 1000");
  EXPECT_TRUE(outer.shows("ready"));
  outer.pair.slave.reset();
  outer.pair.master.reset();  // the window is closed
  EXPECT_EQ(front.wait(), static_cast<int>(Relay::End::hung_up));
  Peer guard = shim.guard();
  EXPECT_TRUE(guard.await(os::FromShim::started));
  EXPECT_FALSE(guard.await(os::FromShim::ended, 100ms));
}

TEST_F(OnTerminal, is_not_read_in_the_background) {
  before = os::terminal_settings(outer.slave());
  shim.start_shell("echo ready; read line; echo got $line");
  // A session leader in the foreground, the front end in a group of its own behind it.
  const pid_t leader = ::fork();
  if (leader == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::setsid();
    ::ioctl(outer.slave(), TIOCSCTTY, 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::setpgid(0, 0);
      for (int fd = 0; fd < 3; ++fd) ::dup2(outer.slave(), fd);
      ::close_range(3, ~0U, 0);
      RelayEvents events;
      Relay relay(shim.paths(), events);
      ::_exit(static_cast<int>(relay.run()));
    }
    for (;;) ::pause();
  }
  EXPECT_TRUE(outer.shows("ready"));
  outer.type("for somebody else\r");
  ::poll(nullptr, 0, 200);
  EXPECT_EQ(os::terminal_settings(outer.slave()), before);
  const auto children = os::descendants(leader);
  ASSERT_EQ(children.size(), 1U);
  EXPECT_NE(children[0].state, 'T');  // no SIGTTIN
  EXPECT_EQ(shim.log(), "ready\r\n");
  os::signal_process(children[0], SIGKILL);
  ::kill(leader, SIGKILL);
  ::waitpid(leader, nullptr, 0);
}

TEST(Capture, takes_the_callers_world) {
  const auto spec = capture_job({"train"});
  ASSERT_TRUE(spec) << spec.error().text();
  EXPECT_EQ(spec->argv, std::vector<std::string>{"train"});
  EXPECT_EQ(spec->cwd, std::filesystem::current_path().string());
  EXPECT_EQ(spec->uid, ::getuid());
  const mode_t now = ::umask(0123);
  EXPECT_EQ(capture_job({"x"})->umask, 0123U);
  EXPECT_EQ(::umask(now), 0123U);  // and leaves it
  EXPECT_EQ(spec->limits.size(), static_cast<std::size_t>(RLIM_NLIMITS));
  ::setenv("CURFEW_TEST", "\xff", 1);
  const auto again = capture_job({"x"});
  EXPECT_NE(std::find(again->env.begin(), again->env.end(), "CURFEW_TEST=\xff"), again->env.end());
  const auto other = capture_job({"x"}, Identity{7, 8, {9}});
  EXPECT_EQ(other->uid, 7U);
  EXPECT_EQ(other->gid, 8U);
  EXPECT_EQ(other->groups, std::vector<gid_t>{9});
}

}  // namespace
}  // namespace curfew::cli
