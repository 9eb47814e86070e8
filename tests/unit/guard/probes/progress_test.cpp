#include "guard/probes/progress.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>

#include "support/fake_clock.hpp"
#include "support/run.hpp"
#include "unit/guard/probes/folder.hpp"

namespace curfew::guard {
namespace {

Walked walked(bool complete, long began, std::uint64_t fingerprint, std::optional<long> newest = {}) {
  Walked result;
  result.complete = complete;
  result.began = BootTime{Millis{began}};
  result.fingerprint = fingerprint;
  if (newest) result.newest = WallTime{Millis{*newest}};
  return result;
}

BootTime at(long time) { return BootTime{Millis{time}}; }

TEST(PathProgress, is_unchanged_up_to_where_a_whole_walk_began) {
  auto progress = with_walk({}, walked(true, 100, 1, 5), at(110));
  EXPECT_EQ(unchanged_for(progress), Millis{0});
  progress = with_walk(progress, walked(true, 200, 1, 5), at(210));
  EXPECT_EQ(unchanged_for(progress), Millis{90});  // from 110 to 200
  progress = with_walk(progress, walked(false, 300, 0), at(310));
  EXPECT_EQ(unchanged_for(progress), Millis{90});  // a part tells of changes only
  progress = with_walk(progress, walked(true, 300, 1, 5), at(400));
  EXPECT_EQ(unchanged_for(progress), Millis{190});
  progress =
      with_walk(progress, walked(true, 500, 2, 5), at(510));  // without a newer time: it may be set at will
  EXPECT_EQ(unchanged_for(progress), Millis{0});
  progress = with_walk(progress, walked(true, 600, 2, 5), at(610));
  EXPECT_EQ(unchanged_for(progress), Millis{90});
  progress = with_walk(progress, walked(false, 700, 0, 6), at(710));  // a newer file in a part
  EXPECT_EQ(unchanged_for(progress), Millis{0});
}

TEST(PathProgress, files_dated_in_the_future_and_a_clock_set_back_change_nothing) {
  auto progress = with_walk({}, walked(true, 100, 1, 9'000'000), at(110));
  progress = with_walk(progress, walked(true, 200, 2, 9'000'000), at(210));
  EXPECT_EQ(progress.changed_at, at(210));
  progress = with_walk(progress, walked(true, 300, 2, 9'000'000), at(310));
  EXPECT_EQ(unchanged_for(progress), Millis{90});
}

TEST(TreeWalk, sees_each_kind_of_change) {
  const Folder folder;
  folder.write("a/b/file", "1");
  folder.write("other", "2");
  const test::FakeClock clock;
  TreeWalk walk(folder.path());
  auto before = walk.look(clock, {}).value();
  EXPECT_TRUE(before.complete);
  EXPECT_EQ(before.entries, 5U);  // the root, a, a/b and two files
  EXPECT_EQ(walk.look(clock, {}).value().fingerprint, before.fingerprint);
  const auto changed = [&] {
    const auto now = walk.look(clock, {}).value();
    const bool differs = now.fingerprint != before.fingerprint;
    before = now;
    return differs;
  };
  folder.append("a/b/file", "2");
  EXPECT_TRUE(changed());
  folder.write("a/new", "");
  EXPECT_TRUE(changed());
  std::filesystem::remove(folder.at("other"));
  EXPECT_TRUE(changed());
  const timespec old[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, folder.at("a/new").c_str(), old, 0), 0);
  EXPECT_TRUE(changed());
  std::filesystem::rename(folder.at("a/new"), folder.at("a/newer"));
  EXPECT_TRUE(changed());
  EXPECT_FALSE(changed());
}

TEST(TreeWalk, takes_several_looks_for_a_large_tree_and_sees_all_of_it) {
  const Folder folder;
  for (int i = 0; i < 10; ++i)
    for (int j = 0; j < 10; ++j) folder.write(std::to_string(i) + "/" + std::to_string(j), "x");
  const test::FakeClock clock;
  TreeWalk whole(folder.path());
  const auto expected = whole.look(clock, {}).value();
  TreeWalk parts(folder.path());
  WalkBounds bounds;
  bounds.entries = 7;
  int looks = 0;
  Walked got;
  do {
    got = parts.look(clock, bounds).value();
    ++looks;
  } while (!got.complete && looks < 1000);
  EXPECT_GT(looks, 10);
  EXPECT_EQ(got.entries, expected.entries);
  EXPECT_EQ(got.fingerprint, expected.fingerprint);
  EXPECT_EQ(got.newest, expected.newest);
}

TEST(TreeWalk, stops_when_its_time_is_up) {
  class Racing final : public os::Clock {
   public:
    [[nodiscard]] WallTime wall() const override { return {}; }
    [[nodiscard]] BootTime boot() const override { return at(now += 1'500); }
    mutable long now = 0;
  };
  const Folder folder;
  for (int i = 0; i < 1000; ++i) folder.write(std::to_string(i), "");
  const Racing clock;
  TreeWalk walk(folder.path());
  const auto first = walk.look(clock, {}).value();
  EXPECT_FALSE(first.complete);
  EXPECT_LT(first.entries, 1000U);
}

TEST(TreeWalk, does_not_follow_links_but_for_the_root) {
  const Folder folder;
  const Folder elsewhere;
  elsewhere.write("deep/file", "x");
  std::filesystem::create_directory_symlink(elsewhere.path(), folder.at("link"));
  std::filesystem::create_directory_symlink(folder.path(), folder.at("loop"));
  const test::FakeClock clock;
  TreeWalk walk(folder.path());
  EXPECT_EQ(walk.look(clock, {}).value().entries, 3U);
  TreeWalk by_link(folder.at("link"));
  EXPECT_EQ(by_link.look(clock, {}).value().entries, 3U);
}

TEST(TreeWalk, passes_over_what_curfew_writes_itself) {
  const Folder folder;
  folder.write("job", "x");
  folder.write("curfew.log", "x");
  folder.write("state/deep/file", "x");
  std::filesystem::create_directory_symlink(folder.path(), folder.at("link"));
  const test::FakeClock clock;
  TreeWalk walk(folder.path(), {folder.at("link/curfew.log"), folder.at("state"), folder.at("not there")});
  const auto before = walk.look(clock, {}).value();
  EXPECT_EQ(before.entries, 3U);  // the root, job, link
  folder.write("curfew.log", "one more line");
  folder.write("state/deep/file", "other");
  const auto after = walk.look(clock, {}).value();
  EXPECT_EQ(after.fingerprint, before.fingerprint);
  EXPECT_EQ(after.newest, before.newest);
  folder.write("job", "other");
  EXPECT_NE(walk.look(clock, {}).value().fingerprint, before.fingerprint);
}

TEST(TreeWalk, a_root_that_is_not_there_yet_is_empty) {
  const Folder folder;
  const test::FakeClock clock;
  TreeWalk walk(folder.at("later"));
  const auto empty = walk.look(clock, {});
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty->complete);
  EXPECT_EQ(empty->entries, 0U);
  folder.write("later/file", "x");
  EXPECT_NE(walk.look(clock, {}).value().fingerprint, empty->fingerprint);
  TreeWalk file(folder.at("later/file"));
  EXPECT_FALSE(file.look(clock, {}));
}

TEST(PathWatch, looks_on_a_thread) {
  const Folder folder;
  folder.write("file", "x");
  const os::SystemClock clock;
  boost::asio::io_context io{1};
  PathWatch watch(io.get_executor(), clock, folder.path());
  for (int i = 0; i < 3; ++i) {
    const auto walked_now = test::run(io, watch.look());
    ASSERT_TRUE(walked_now) << walked_now.error().text();
    EXPECT_EQ(walked_now->entries, 2U);
  }
}

TEST(BlockingLook, one_that_hangs_holds_up_nobody_and_has_no_second_beside_it) {
  boost::asio::io_context io{1};
  BlockingLook blocking(io.get_executor());
  const auto go_on = std::make_shared<std::atomic<bool>>(false);
  const auto runs = std::make_shared<std::atomic<int>>(0);
  const std::function<void()> hang = [go_on, runs] {
    ++*runs;
    while (!*go_on) ::usleep(1'000);
  };
  const auto first = test::run(io, blocking.run(hang, Millis{50}, "look"));
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().kind, ErrorKind::timed_out);
  const auto second = test::run(io, blocking.run(hang, Millis{50}, "look"));
  ASSERT_FALSE(second);
  EXPECT_EQ(*runs, 1);
  *go_on = true;
  Status third = fail(ErrorKind::timed_out, "", "");
  for (int i = 0; i < 500 && !third; ++i) {
    third = test::run(io, blocking.run(hang, Millis{5'000}, "look"));
    if (!third) ::usleep(10'000);
  }
  EXPECT_TRUE(third);
  EXPECT_EQ(*runs, 2);
}

TEST(FileMark, a_file_left_from_before_has_not_appeared) {
  const Folder folder;
  const auto nothing = mark_of(folder.at("done")).value();
  EXPECT_FALSE(nothing.exists);
  EXPECT_FALSE(has_appeared(nothing, nothing));
  folder.write("done", "");
  const auto old = mark_of(folder.at("done")).value();
  EXPECT_TRUE(has_appeared(nothing, old));
  EXPECT_FALSE(has_appeared(old, mark_of(folder.at("done")).value()));
  EXPECT_FALSE(has_appeared(old, nothing));
  folder.write("new", "");
  std::filesystem::rename(folder.at("new"), folder.at("done"));
  EXPECT_TRUE(has_appeared(old, mark_of(folder.at("done")).value()));
  EXPECT_FALSE(mark_of(folder.at("done/below")).value().exists);
}

TEST(FileWatch, looks_on_a_thread) {
  const Folder folder;
  boost::asio::io_context io{1};
  FileWatch watch(io.get_executor(), folder.at("done"));
  EXPECT_FALSE(test::run(io, watch.look()).value().exists);
  folder.write("done", "");
  EXPECT_TRUE(test::run(io, watch.look()).value().exists);
}

TEST(HasAppeared, what_was_hidden_until_its_file_system_came_is_no_news) {
  const FileMark after_boot{false, 0, 0, 100};
  EXPECT_FALSE(has_appeared(after_boot, {true, 1, 2, 50})) << "of an earlier boot";
  EXPECT_TRUE(has_appeared(after_boot, {true, 1, 2, 150}));
  EXPECT_FALSE(has_appeared(after_boot, {}));
  EXPECT_TRUE(has_appeared({}, {true, 1, 2, 50})) << "a job's mark has no time";
}

}  // namespace
}  // namespace curfew::guard
