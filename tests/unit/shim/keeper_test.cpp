// The guard's keeper: restarts, replaces, gives up in time, and doesn't take the guard for a part of the job. What would
// end a machine is a function that writes to a file here.
#include "shim/keeper.hpp"

#include "harness.hpp"

namespace curfew::shim::testing {
namespace {

class Keeping : public ::testing::Test {
 protected:
  Keeping() {
    shim.options.guard_restart = 10ms;
    shim.options.on_guard_hopeless = [this] { note("hopeless"); };
  }
  // A guard that is a shell script; it notes each of its starts.
  void guard_is(const std::string& script) {
    shim.options.guard = {"/bin/sh", "-c", "echo start $$ >>" + notes() + "; " + script};
  }
  std::string notes() const { return shim.folder() + "/notes"; }
  void note(const std::string& text) const {
    const auto file = os::open_append(notes(), 0600);
    if (file) static_cast<void>(os::write_all(file->get(), text + "\n", notes()));
  }
  int count(std::string_view word) const {
    const std::string text = slurp(notes());
    int found = 0;
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
    return found;
  }

  Shim shim;
};

TEST_F(Keeping, starts_the_guard_again) {
  guard_is("exit 1");
  shim.options.guard_starts = 1'000;
  shim.start_shell("sleep 1000");
  EXPECT_TRUE(eventually([&] { return count("start") >= 4; }));
  EXPECT_EQ(count("hopeless"), 0);
}

TEST_F(Keeping, gives_up_after_five_starts) {
  guard_is("kill -SEGV $$");
  shim.start_shell("sleep 1000");
  Peer observer = shim.guard();
  ASSERT_TRUE(observer.await(FromShim::started));
  EXPECT_TRUE(eventually([&] { return count("hopeless") > 0; }));
  EXPECT_EQ(count("start"), 5);
  // It stays, and so does the job: ending is the business of who was called.
  EXPECT_FALSE(observer.await(FromShim::ended, 100ms));
  EXPECT_EQ(count("hopeless"), 1);
  ASSERT_TRUE(observer.say(ToShim::kill_tree));
  EXPECT_TRUE(observer.await(FromShim::tree_gone));
  EXPECT_EQ(::waitpid(shim.pid(), nullptr, WNOHANG), 0);
  ASSERT_TRUE(observer.say(ToShim::leave));
  EXPECT_EQ(shim.wait(), 0);
}

TEST_F(Keeping, gives_up_on_a_guard_that_cannot_be_started) {
  shim.options.guard = {"/no/such/program"};
  shim.start_shell("sleep 1000");
  EXPECT_TRUE(eventually([&] { return count("hopeless") > 0; }));
}

TEST_F(Keeping, tries_again_when_the_window_has_passed) {
  guard_is("exit 1");
  shim.options.guard_starts = 2;
  shim.options.guard_window = 100ms;
  shim.start_shell("sleep 1000");
  EXPECT_TRUE(eventually([&] { return count("hopeless") >= 2 && count("start") >= 4; }));
}

TEST_F(Keeping, replaces_a_silent_guard) {
  guard_is("trap '' TERM; while :; do sleep 1000; done");
  shim.options.guard_silence = 200ms;
  shim.options.guard_starts = 1'000;
  shim.start_shell("sleep 1000");
  ASSERT_TRUE(eventually([&] { return count("start") >= 2; }));
  const pid_t first = std::stoi(slurp(notes()).substr(6));
  EXPECT_FALSE(os::read_process(first));  // killed, and reaped
}

TEST_F(Keeping, leaves_a_guard_alone_that_speaks) {
  guard_is("sleep 1000");
  shim.options.guard_silence = 400ms;
  shim.start_shell("sleep 1000");
  Peer guard = shim.guard();
  const auto until = Clock::now() + 1'500ms;
  while (Clock::now() < until) {
    ASSERT_TRUE(guard.say(ToShim::guard_alive));
    ::poll(nullptr, 0, 50);
  }
  EXPECT_EQ(count("start"), 1);
}

TEST_F(Keeping, ends_with_a_guard_that_is_done) {
  guard_is("while ! grep -q go " + notes() + "; do sleep 0.01; done; exit 0");
  shim.start_shell("exit 1");
  Peer observer = shim.guard();
  ASSERT_TRUE(observer.await(FromShim::tree_gone));
  EXPECT_FALSE(eventually([&] { return ::waitpid(shim.pid(), nullptr, WNOHANG) != 0; }, 400ms));
  note("go");
  EXPECT_EQ(shim.wait(), 0);
  EXPECT_EQ(count("start"), 1);
}

TEST_F(Keeping, does_not_take_the_guard_for_the_job) {
  for (const bool use_cgroup : {true, false}) {
    Shim other;
    other.options.use_cgroup = use_cgroup;
    // With a helper of its own, and one that lost its parent.
    other.options.guard = {"/bin/sh", "-c", "sleep 1000 & (sleep 1000 &) ; wait"};
    other.start_shell("sleep 1000 & sleep 1000");
    Peer guard = other.guard();
    ASSERT_TRUE(guard.await(FromShim::started));
    ASSERT_TRUE(eventually([&] { return os::descendants(other.pid()).size() >= 6; }));
    ASSERT_TRUE(guard.say(ToShim::kill_tree));
    EXPECT_TRUE(guard.await(FromShim::tree_gone));
    EXPECT_EQ(os::descendants(other.pid()).size(), 3U);  // the guard with its two
  }
}

TEST_F(Keeping, does_not_take_a_dead_guards_children_for_the_job) {
  guard_is("sleep 1000 & sleep 0.05; exit 1");
  shim.options.guard_starts = 2;
  shim.options.use_cgroup = false;
  shim.start_shell("sleep 1000");
  Peer observer = shim.guard();
  ASSERT_TRUE(eventually([&] { return count("hopeless") > 0; }));
  ASSERT_TRUE(observer.say(ToShim::kill_tree));
  EXPECT_TRUE(observer.await(FromShim::tree_gone));
  EXPECT_EQ(os::descendants(shim.pid()).size(), 2U);
}

TEST_F(Keeping, stops_when_the_shim_is_told_to_end) {
  guard_is("exit 1");
  shim.options.guard_starts = 1'000'000;
  shim.start_shell("sleep 1000");
  ASSERT_TRUE(eventually([&] { return count("start") >= 1; }));
  ASSERT_EQ(::kill(shim.pid(), SIGTERM), 0);
  EXPECT_EQ(shim.wait(), 0);
}

}  // namespace
}  // namespace curfew::shim::testing
