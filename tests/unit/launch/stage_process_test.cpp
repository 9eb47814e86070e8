#include "launch/stage_process.hpp"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "os/files.hpp"

namespace curfew::launch {
namespace {

using Steady = std::chrono::steady_clock;

class StageProcess : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "stage.XXXXXX";
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    log_ = *StageLog::open(folder_ + "/setup.log");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  ProcessEnd run(const std::string& script, std::optional<Millis> limit = Millis{20'000}) {
    const auto end =
        run_logged({"/bin/sh", "-c", script}, {"PATH=/usr/bin:/bin", "GREETING=hello"}, limit, log_);
    EXPECT_TRUE(end) << end.error().text();
    return end.value_or(ProcessEnd{});
  }
  [[nodiscard]] std::string logged() const { return os::read_file(folder_ + "/setup.log").value_or("none"); }

  std::string folder_;
  std::shared_ptr<StageLog> log_;
};

TEST_F(StageProcess, logs_what_is_printed_and_tells_how_it_ended) {
  EXPECT_TRUE(run("echo $GREETING; echo error >&2").is_good());
  EXPECT_EQ(logged(), "hello\nerror\n");
  EXPECT_EQ(run("exit 3").text(), "exit status 3");
  EXPECT_EQ(run("kill -9 $$").text(), "killed by signal 9");
  EXPECT_FALSE(run_logged({"no-such-program"}, {}, {}, log_));
}

TEST_F(StageProcess, ends_what_is_not_done_in_time_with_all_its_group) {
  const auto began = Steady::now();
  // Its child would hold the pipe open, and go on.
  const auto end = run("sleep 600 & echo $!; wait", Millis{300});
  EXPECT_TRUE(end.timed_out);
  EXPECT_EQ(end.text(), "not done in time");
  EXPECT_LT(Steady::now() - began, std::chrono::seconds{10});
  const pid_t child = static_cast<pid_t>(std::stol(logged()));
  for (int i = 0; i < 100 && ::kill(child, 0) == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  std::string state = os::read_file("/proc/" + std::to_string(child) + "/stat").value_or("gone");
  EXPECT_TRUE(state == "gone" || state.find(") Z ") != std::string::npos) << state;
}

TEST_F(StageProcess, does_not_wait_for_what_is_left_running) {
  const auto began = Steady::now();
  EXPECT_TRUE(run("(sleep 2; echo late) & echo now").is_good());
  EXPECT_LT(Steady::now() - began, std::chrono::milliseconds{1'900});
  EXPECT_EQ(logged(), "now\n");
  for (int i = 0; i < 200 && logged() == "now\n"; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  EXPECT_EQ(logged(), "now\nlate\n");
}

TEST_F(StageProcess, hands_a_signal_for_a_checkpoint_on_and_notes_one_to_stop) {
  const pid_t self = ::getpid();
  const auto send = [self, this](int signal) {
    std::thread([self, signal, this] {
      for (int i = 0; i < 200 && logged().find("ready") == std::string::npos; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
      ::kill(self, signal);
    }).detach();
  };
  // Blocked before there's a child, so that it doesn't end this test.
  sigset_t some;
  ::sigemptyset(&some);
  for (const int signal : {SIGUSR1, SIGTERM}) ::sigaddset(&some, signal);
  ::pthread_sigmask(SIG_BLOCK, &some, nullptr);
  send(SIGUSR1);
  const auto saved = run("trap 'echo saved; exit 4' USR1; echo ready; while :; do sleep 0.05; done");
  EXPECT_EQ(saved.code, 4);
  EXPECT_FALSE(saved.told);
  EXPECT_EQ(logged(), "ready\nsaved\n");
  log_ = *StageLog::open(folder_ + "/other.log");
  std::filesystem::remove(folder_ + "/setup.log");
  std::filesystem::create_symlink(folder_ + "/other.log", folder_ + "/setup.log");
  send(SIGTERM);
  const auto told = run("echo ready; sleep 1");
  EXPECT_EQ(told.told, SIGTERM);
  EXPECT_EQ(told.code, 0) << "the guard tells the whole tree, so it isn't told twice";
  EXPECT_FALSE(told.is_good());
}

TEST_F(StageProcess, log_is_renamed_when_it_is_long) {
  auto log = *StageLog::open(folder_ + "/train.log", 10);
  log->write("123456");
  log->write("7890");
  log->write("abc");
  EXPECT_EQ(*os::read_file(folder_ + "/train.log.1"), "1234567890");
  EXPECT_EQ(*os::read_file(folder_ + "/train.log"), "abc");
}

}  // namespace
}  // namespace curfew::launch
