#include "guard/probes/pid_watch.hpp"

#include <signal.h>
#include <unistd.h>

#include <chrono>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "os/command.hpp"

namespace curfew::guard {
namespace {

bool lives(pid_t pid) {
  const auto process = os::read_process(pid);
  return process && process->state != 'Z';
}

template <class Condition>
bool comes(const Condition& condition) {
  for (int i = 0; i < 500; ++i) {
    if (condition()) return true;
    ::usleep(10'000);
  }
  return condition();
}

// A shell that runs a script; killed at the end with its group.
class Shell {
 public:
  explicit Shell(const std::string& script) {
    auto started = os::start_command({"/bin/sh", "-c", script});
    EXPECT_TRUE(started);
    running_ = std::move(*started);
  }
  ~Shell() {
    if (running_.pid <= 0) return;
    ::kill(-running_.pid, SIGKILL);
    ::kill(running_.pid, SIGKILL);
    reap();
  }
  Shell(const Shell&) = delete;
  Shell& operator=(const Shell&) = delete;

  [[nodiscard]] pid_t pid() const { return running_.pid; }
  void reap() { (void)os::reap(running_); }

 private:
  os::Running running_;
};

TEST(PidWatch, sees_the_end_of_a_process) {
  Shell shell("sleep 0.2");
  const auto watch = PidWatch::open(shell.pid());
  ASSERT_TRUE(watch) << watch.error().text();
  EXPECT_FALSE(watch->has_ended());
  boost::asio::io_context io{1};
  bool ended = false;
  const auto wait = [&]() -> Awaitable<void> {
    co_await watch->ended();
    ended = true;
  };
  boost::asio::co_spawn(io, wait(), k_rethrow);
  io.run_for(std::chrono::seconds{10});
  EXPECT_TRUE(ended);
  EXPECT_TRUE(watch->has_ended());
}

TEST(PidWatch, refuses_what_could_not_be_guarded) {
  EXPECT_FALSE(PidWatch::open(0));
  EXPECT_FALSE(PidWatch::open(-1));
  EXPECT_FALSE(PidWatch::open(1));
  const auto self = PidWatch::open(::getpid());
  ASSERT_FALSE(self);
  EXPECT_EQ(self.error().kind, ErrorKind::invalid_input);
  if (::getppid() > 1) {
    EXPECT_FALSE(PidWatch::open(::getppid()));
  }
  const auto nobody = PidWatch::open(0x3ffffff);
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().kind, ErrorKind::not_found);
}

TEST(PidWatch, refuses_another_process_by_the_same_number) {
  Shell shell("sleep 300");
  const auto watch = PidWatch::open(shell.pid());
  ASSERT_TRUE(watch);
  EXPECT_TRUE(PidWatch::open(shell.pid(), watch->process().start));
  const auto other = PidWatch::open(shell.pid(), watch->process().start - 1);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, ErrorKind::not_found);
}

TEST(PidWatch, signals_the_process_with_what_it_started) {
  Shell shell("sleep 300 & setsid sleep 300 & wait");
  auto watch = PidWatch::open(shell.pid());
  ASSERT_TRUE(watch);
  ASSERT_TRUE(comes([&] {
    watch->look();
    return watch->family().size() == 2;
  }));
  const auto family = watch->family();
  EXPECT_EQ(watch->signal_tree(SIGKILL), 3U);
  EXPECT_TRUE(comes([&] { return watch->tree_gone(); }));
  for (const auto& process : family) EXPECT_FALSE(lives(process.pid));
}

TEST(PidWatch, still_knows_the_children_when_the_process_has_ended) {
  Shell shell("setsid sleep 300 & sleep 0.3");
  auto watch = PidWatch::open(shell.pid());
  ASSERT_TRUE(watch);
  ASSERT_TRUE(comes([&] {
    watch->look();
    return watch->family().size() >= 2;
  }));
  ASSERT_TRUE(comes([&] { return watch->has_ended(); }));
  shell.reap();
  ASSERT_TRUE(comes([&] {
    watch->look();
    return watch->family().size() == 1;
  }));
  EXPECT_FALSE(watch->tree_gone());
  const pid_t child = watch->family()[0].pid;
  EXPECT_EQ(watch->signal_tree(SIGKILL), 1U);
  EXPECT_TRUE(comes([&] { return watch->tree_gone(); }));
  EXPECT_FALSE(lives(child));
}

}  // namespace
}  // namespace curfew::guard
