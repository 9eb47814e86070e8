#include "cli/install.hpp"

#include <gtest/gtest.h>

namespace curfew::cli {
namespace {

TEST(Install, takes_what_makes_sense_at_each_boot) {
  struct Case {
    std::vector<std::string> words;
    const char* says;  // empty: taken
  };
  const Case cases[] = {
      {{"--idle-gpu", "30m", "--max-time", "8h", "--then", "stop"}, ""},
      {{"--done-file", "/srv/DONE", "--max-time", "off"}, ""},
      {{"--idle-gpu", "30m", "--", "train"}, "takes no command"},
      {{"--shell", "train"}, "takes no command"},
      {{"--pid", "1234", "--idle-gpu", "30m"}, "takes no command"},
      {{"--idle-gpu", "30m", "--deadline", "2126-01-01T00:00Z"}, "--max-time counts from each boot"},
      {{"--idle-gpu", "30m", "--max-cost", "5"}, "--max-time counts from each boot"},
      {{"--idle-gpu", "30m", "--dry-run"}, "--dry-run: would be kept for each boot"},
      {{"--idle-gpu", "30m", "--then", "none"}, "without it the instance ends"},
  };
  for (const auto& c : cases) {
    const auto options = parse_run(c.words);
    ASSERT_TRUE(options) << options.error().text();
    const auto good = check_installable(*options);
    EXPECT_EQ(good.has_value(), *c.says == '\0') << c.words.back();
    if (good) continue;
    EXPECT_NE(good.error().text().find(c.says), std::string::npos) << good.error().text();
  }
}

TEST(Install, names_the_file_that_keeps_each_boot_on) {
  const auto options =
      parse_with({"--idle-gpu", "30m"}, {{"then", "none", "f:7", Takes::text}}, Asked::install);
  ASSERT_TRUE(options) << options.error().text();
  const auto good = check_installable(*options);
  ASSERT_FALSE(good);
  EXPECT_TRUE(good.error().text().starts_with("f:7: --then none: ")) << good.error().text();
}

TEST(Uninstall, speaks_of_itself_where_the_guard_refuses) {
  EXPECT_EQ(refusal_of_uninstall("disarm: the machine is already being ended"),
            "uninstall: the machine is already being ended");
  EXPECT_EQ(refusal_of_uninstall("extend or disarm: this is for root"),
            "uninstall: extend or disarm: this is for root");
}

TEST(Install, begins_each_boot_with_times_of_its_own) {
  StartRequest request;
  request.job.argv = {"/home/me/curfew", "wait", "--machine"};
  request.job.stdin_tty = request.job.stdout_tty = request.job.stderr_tty = true;
  request.job.cwd = "/home/me";
  request.guard.rules.on_terminal = true;
  request.guard.rules.limits.max_time = Seconds{3'600};
  request.guard.rules.limits.grace = Seconds{60};
  request.guard.watches.done_file = "/srv/DONE";
  request.guard.watches.jupyter_token = "secret";
  const auto kept = start_request_from_json(to_json(to_be_kept(request)));
  ASSERT_TRUE(kept) << kept.error().text();
  EXPECT_EQ(kept->job.argv, (std::vector<std::string>{"/var/lib/curfew/bin/curfew", "wait", "--machine"}));
  EXPECT_FALSE(kept->job.stdin_tty || kept->job.stdout_tty || kept->job.stderr_tty);
  EXPECT_TRUE(kept->guard.installed && !kept->guard.rules.on_terminal);

  const WallTime wall{Millis{1'800'000'000'000}};
  const guard::FileMark mark{true, 1, 2, 3};
  const auto now = for_this_boot(*kept, {wall, BootTime{Millis{9'000}}, "this boot"}, mark);
  EXPECT_EQ(now.guard.times.boot_id, "this boot");
  EXPECT_EQ(now.guard.times.stop_at->wall, wall + Seconds{3'600});
  EXPECT_EQ(now.guard.times.end_at->boot, BootTime{Millis{9'000}} + Seconds{3'660});
  EXPECT_EQ(now.guard.watches.done_file_mark, mark);
  EXPECT_EQ(now.guard.watches.jupyter_token, "secret");
}

}  // namespace
}  // namespace curfew::cli
