// The job's stdin and its pseudo-terminal: what is typed arrives, its end too, and neither waits for the other.
#include "shim/input.hpp"

#include <sys/ioctl.h>

#include "harness.hpp"
#include "os/terminal.hpp"

namespace curfew::shim::testing {
namespace {

class Input : public ::testing::Test {
 protected:
  Input() { shim.options.front_wait = 10'000ms; }
  Peer start(const std::string& script) {
    shim.start_shell(script);
    Peer peer = shim.front(out.fd(), out.fd());
    EXPECT_TRUE(peer.await(FromShim::started));
    return peer;
  }
  // Sends all of it, waiting while the shim doesn't take it.
  static bool send_all(Peer& peer, std::string_view text) {
    constexpr std::size_t k_packet = 32'768;
    while (!text.empty()) {
      const auto part = text.substr(0, k_packet);
      if (!eventually([&] { return peer.say(ToShim::input, part); })) return false;
      text.remove_prefix(part.size());
    }
    return true;
  }

  Shim shim;
  Collector out;
};

TEST_F(Input, arrives_and_ends) {
  Peer front = start("cat; echo end");
  ASSERT_TRUE(front.say(ToShim::input, "one\n"));
  EXPECT_TRUE(out.contains("one\n"));
  ASSERT_TRUE(front.say(ToShim::input, "two"));
  ASSERT_TRUE(front.say(ToShim::input_end));
  EXPECT_EQ(front.await(FromShim::ended), "exited 0");
  EXPECT_TRUE(out.contains("one\ntwoend\n"));
}

TEST_F(Input, of_8_MB_arrives_whole_at_a_slow_reader) {
  Peer front = start("sleep 0.2; cksum");
  std::string text;
  for (int at = 0; text.size() < 8'000'000; ++at) text += std::to_string(at) + "\n";
  ASSERT_TRUE(send_all(front, text));
  ASSERT_TRUE(front.say(ToShim::input_end));
  ASSERT_TRUE(front.await(FromShim::tree_gone));
  EXPECT_NE(out.pull().find(" " + std::to_string(text.size()) + "\n"), std::string::npos) << out.pull();
}

TEST_F(Input, that_nobody_reads_makes_the_front_end_wait) {
  Peer front = start("echo ready; sleep 1000");
  ASSERT_TRUE(out.contains("ready"));
  const std::string packet(32'768, 'x');
  int taken = 0;
  while (front.say(ToShim::input, packet) ||
         eventually([&] { return front.say(ToShim::input, packet); }, 100ms))
    ASSERT_LT(++taken, 100);  // some 256 KiB in the shim, the rest in pipe and socket
  // And the shim serves everybody else.
  Peer guard = shim.guard();
  ASSERT_TRUE(guard.say(ToShim::kill_tree));
  EXPECT_TRUE(guard.await(FromShim::tree_gone));
}

TEST_F(Input, of_a_front_end_that_died_is_read_to_its_end) {
  std::optional<Peer> front = start("sleep 0.1; cksum");
  const std::string text(700'000, 'y');  // more than the shim keeps
  ASSERT_TRUE(send_all(*front, text));
  Peer guard = shim.guard();
  front.reset();
  EXPECT_EQ(guard.await(FromShim::ended), "exited 0");
  ASSERT_TRUE(guard.await(FromShim::tree_gone));
  EXPECT_NE(shim.log().find(" 700000\n"), std::string::npos) << shim.log();
}

TEST_F(Input, ends_when_the_front_end_dies_and_the_job_goes_on) {
  std::optional<Peer> front = start("cat; echo after; sleep 1000");
  Peer guard = shim.guard();
  front.reset();
  EXPECT_TRUE(eventually([&] { return shim.log() == "after\n"; }));
  EXPECT_FALSE(guard.await(FromShim::ended, 100ms));
}

TEST_F(Input, ends_when_no_front_end_comes) {
  shim.options.front_wait = 100ms;
  shim.start_shell("cat; exit 14");
  EXPECT_EQ(shim.guard().await(FromShim::ended), "exited 14");
}

TEST_F(Input, that_the_job_closed_is_no_trouble) {
  Peer front = start("exec <&-; echo closed; sleep 0.3; exit 15");
  ASSERT_TRUE(out.contains("closed"));
  for (int count = 0; count < 50; ++count)
    static_cast<void>(front.say(ToShim::input, std::string(32'768, 'z')));
  EXPECT_EQ(front.await(FromShim::ended), "exited 15");
}

TEST_F(Input, goes_to_the_newest_front_end) {
  Peer first = start("read a; read b; echo $a $b");
  ASSERT_TRUE(first.say(ToShim::input, "one\n"));
  Collector other;
  Peer second = shim.front(other.fd(), other.fd());
  ASSERT_TRUE(second.await(FromShim::started));
  EXPECT_TRUE(first.is_closed());
  ASSERT_TRUE(second.say(ToShim::input, "two\n"));
  EXPECT_TRUE(other.contains("one two\n"));
}

class Terminal : public Input {
 protected:
  Terminal() {
    shim.spec.stdin_tty = shim.spec.stdout_tty = shim.spec.stderr_tty = true;
    shim.spec.rows = 31;
    shim.spec.columns = 97;
  }
};

TEST_F(Terminal, is_the_jobs_own) {
  Peer front =
      start("for i in 0 1 2; do test -t $i && echo $i; done; stty size; tty; : </dev/tty && echo controlled");
  EXPECT_TRUE(out.contains("0\r\n1\r\n2\r\n31 97\r\n/dev/pts/"));
  EXPECT_TRUE(out.contains("controlled\r\n"));
  EXPECT_TRUE(front.await(FromShim::tree_gone));
}

TEST_F(Terminal, belongs_to_the_jobs_user) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  shim.spec.uid = shim.spec.gid = 65'534;
  Peer front = start("echo by name >$(tty)");
  EXPECT_TRUE(out.contains("by name\r\n"));
}

TEST_F(Terminal, changes_its_size) {
  Peer front = start("trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.01; done");
  ASSERT_TRUE(out.contains("ready"));
  ASSERT_TRUE(front.say(ToShim::window, "10 20"));
  EXPECT_TRUE(out.contains("10 20\r\n"));
}

TEST_F(Terminal, passes_the_interrupt_key_to_the_foreground) {
  Peer front = start("trap 'echo interrupted; exit 5' INT; echo ready; while :; do sleep 0.01; done");
  ASSERT_TRUE(out.contains("ready"));
  ASSERT_TRUE(front.say(ToShim::input, "\x03"));
  EXPECT_TRUE(out.contains("interrupted"));
  EXPECT_EQ(front.await(FromShim::ended), "exited 5");
}

TEST_F(Terminal, is_not_stopped_by_the_suspend_key) {
  Peer front = start("echo ready; read line; echo got $line");
  ASSERT_TRUE(out.contains("ready"));
  ASSERT_TRUE(front.say(ToShim::input,
                        "\x1a"
                        "on\n"));  // ^Z: nobody could wake it up again
  EXPECT_TRUE(out.contains("got on"));
}

TEST_F(Terminal, ends_its_input_when_the_front_end_dies) {
  std::optional<Peer> front = start("cat; echo after");
  ASSERT_TRUE(front->say(ToShim::input, "half a line"));
  Peer guard = shim.guard();
  ASSERT_TRUE(out.contains("half a line"));  // its echo
  front.reset();
  EXPECT_EQ(guard.await(FromShim::ended), "exited 0");
  ASSERT_TRUE(guard.await(FromShim::tree_gone));
  EXPECT_NE(shim.log().find("after"), std::string::npos) << shim.log();
}

TEST_F(Terminal, keeps_what_was_printed_last) {
  for (int round = 0; round < 20; ++round) {
    Shim other;
    other.spec.stdin_tty = other.spec.stdout_tty = other.spec.stderr_tty = true;
    other.start_shell("i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i+1)); done; echo last");
    ASSERT_TRUE(other.guard().await(FromShim::tree_gone));
    const std::string log = other.log();
    ASSERT_EQ(log.substr(log.size() < 6 ? 0 : log.size() - 6), "last\r\n");
    ASSERT_EQ(std::count(log.begin(), log.end(), '\n'), 201);
  }
}

TEST_F(Terminal, outlives_a_moment_without_a_process_on_it) {
  // All descriptors are closed, and the terminal is opened again.
  Peer front = start("exec >/dev/null 2>&1 </dev/null; sleep 0.1; echo again >/dev/tty");
  EXPECT_TRUE(out.contains("again\r\n"));
}

TEST_F(Terminal, for_stdin_alone_neither_echoes_nor_translates) {
  shim.spec.stdout_tty = false;
  Peer front = start("read line; echo got $line; echo apart >&2");
  ASSERT_TRUE(front.say(ToShim::input, "typed\n"));
  ASSERT_TRUE(front.await(FromShim::tree_gone));
  std::string text = out.pull();
  EXPECT_NE(text.find("got typed\n"), std::string::npos) << text;
  EXPECT_NE(text.find("apart\n"), std::string::npos) << text;
  EXPECT_EQ(text.find('\r'), std::string::npos) << text;
  EXPECT_EQ(text.size(), std::strlen("got typed\napart\n"));
}

TEST_F(Terminal, takes_the_callers_settings) {
  auto made = os::open_pseudoterminal(::geteuid(), {}, {});
  ASSERT_TRUE(made);
  termios settings{};
  ASSERT_EQ(::tcgetattr(made->slave.get(), &settings), 0);
  settings.c_cc[VERASE] = 0x08;
  settings.c_lflag &= ~static_cast<tcflag_t>(ECHOCTL);
  ASSERT_EQ(::tcsetattr(made->slave.get(), TCSANOW, &settings), 0);
  shim.spec.terminal_settings = os::terminal_settings(made->slave.get());
  Peer front = start("stty -a");
  EXPECT_TRUE(out.contains("erase = ^H;"));
  EXPECT_TRUE(out.contains("-echoctl"));
}

}  // namespace
}  // namespace curfew::shim::testing
