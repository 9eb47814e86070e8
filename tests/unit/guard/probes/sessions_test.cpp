#include "guard/probes/sessions.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "unit/guard/probes/folder.hpp"

namespace curfew::guard {
namespace {

void read_at(const Folder& folder, std::string_view name, long seconds) {
  const timespec times[2] = {{seconds, 0}, {0, UTIME_OMIT}};
  ASSERT_EQ(::utimensat(AT_FDCWD, folder.at(name).c_str(), times, 0), 0);
}

BootTime at(long time) { return BootTime{Millis{time}}; }

TEST(TerminalSessions, are_the_terminals_in_dev) {
  const Folder dev;
  for (const auto* name : {"pts/0", "pts/12", "pts/ptmx", "tty", "tty1", "ttyS0", "ttyprintk", "null"})
    dev.write(name, "");
  read_at(dev, "pts/12", 1'795'478'400);
  auto sessions = terminal_sessions(dev.path(), {"pts/0"});
  std::sort(sessions.begin(), sessions.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  ASSERT_EQ(sessions.size(), 3U);
  EXPECT_EQ(sessions[0].name, "pts/12");
  EXPECT_EQ(format_utc(sessions[0].input_at), "2026-11-24T00:00:00Z");
  EXPECT_EQ(sessions[1].name, "tty1");
  EXPECT_EQ(sessions[2].name, "ttyS0");
  EXPECT_TRUE(terminal_sessions(dev.at("nothing")).empty());
}

TEST(InputActivity, is_input_seen_by_comparing_looks) {
  const Folder dev;
  dev.write("pts/0", "");
  read_at(dev, "pts/0", 1'000);
  auto activity = with_sessions({}, terminal_sessions(dev.path()), at(10));
  EXPECT_EQ(activity.last, at(10));
  activity = with_sessions(activity, terminal_sessions(dev.path()), at(20));
  EXPECT_EQ(activity.last, at(10));
  read_at(dev, "pts/0", 500);  // the clock was set back, and something typed
  activity = with_sessions(activity, terminal_sessions(dev.path()), at(30));
  EXPECT_EQ(activity.last, at(30));
  dev.write("pts/1", "");  // a login
  activity = with_sessions(activity, terminal_sessions(dev.path()), at(40));
  EXPECT_EQ(activity.last, at(40));
  std::filesystem::remove(dev.at("pts/1"));  // a logout is no input
  activity = with_sessions(activity, terminal_sessions(dev.path()), at(50));
  EXPECT_EQ(activity.last, at(40));
}

}  // namespace
}  // namespace curfew::guard
