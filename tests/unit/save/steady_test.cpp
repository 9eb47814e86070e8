// Saves in the middle of a job leave alone what is being written.
#include "save/steady.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "os/fd.hpp"
#include "unit/save/bench.hpp"

namespace curfew::save {
namespace {

TEST(WhyUnsteady, by_table) {
  constexpr std::int64_t k_now = 1'700'000'000'000'000'000;
  constexpr std::int64_t k_second = 1'000'000'000;
  const WallTime now{Seconds{1'700'000'000}};
  const FileState old{5, k_now - 10 * k_second, 7, 3};
  const auto why = [&](FileState before, FileState after) {
    return why_unsteady(before, after, now, Steady{}).value_or("");
  };
  EXPECT_EQ(why(old, old), "");
  auto other = old;
  other.inode = 4;
  EXPECT_EQ(why(old, other), "was replaced between two looks at it");
  other = old;
  other.size = 6;
  EXPECT_EQ(why(old, other), "grew or shrank between two looks at it");
  other = old;
  other.modified += 1;
  EXPECT_EQ(why(old, other), "was changed between two looks at it");
  other = old;
  other.changed += 1;
  EXPECT_EQ(why(old, other), "was changed between two looks at it");
  const auto aged = [&](std::int64_t age) {
    const FileState state{5, k_now - age, 7, 3};
    return why(state, state);
  };
  EXPECT_EQ(aged(0), "was changed 0s before it was looked at");
  EXPECT_EQ(aged(2 * k_second - 1), "was changed 1s before it was looked at");
  EXPECT_EQ(aged(2 * k_second), "");
  EXPECT_NE(aged(-k_second), "");  // another clock's, a little ahead
  EXPECT_EQ(aged(-2 * k_second), "");
  EXPECT_EQ(aged(1000 * k_second), "");
}

TEST(OnlyGrew, by_table) {
  const FileState before{5, 100, 7, 3};
  EXPECT_TRUE(only_grew(before, before));
  EXPECT_TRUE(only_grew(before, {6, 200, 8, 3}));
  EXPECT_TRUE(only_grew(before, {6, 100, 7, 3}));   // a clock that stands still
  EXPECT_FALSE(only_grew(before, {5, 200, 8, 3}));  // rewritten in place
  EXPECT_FALSE(only_grew(before, {5, 100, 8, 3}));
  EXPECT_FALSE(only_grew(before, {4, 200, 8, 3}));
  EXPECT_FALSE(only_grew(before, {6, 200, 8, 4}));  // another file
}

TEST(LeftOutOfASave, is_known_in_the_next_one_and_survives_one_that_was_cut) {
  LeftOut left_out;
  const FileState state{5, 100, 7, 3};
  left_out.add("/out/log", state);
  EXPECT_FALSE(left_out.last("/out/log"));
  left_out.end_save(false);
  ASSERT_TRUE(left_out.last("/out/log"));
  EXPECT_EQ(left_out.last("/out/log")->size, 5U);
  left_out.end_save(true);
  EXPECT_TRUE(left_out.last("/out/log"));
  left_out.end_save(false);
  EXPECT_FALSE(left_out.last("/out/log"));
  for (std::size_t i = 0; i < LeftOut::k_most + 1; ++i) left_out.add(std::to_string(i), state);
  left_out.end_save(false);
  EXPECT_TRUE(left_out.last(std::to_string(LeftOut::k_most - 1)));
  EXPECT_FALSE(left_out.last(std::to_string(LeftOut::k_most)));
}

Options steady(Bench& bench) {
  auto options = bench.options();
  options.steady = Steady{2s, 20ms};
  return options;
}

TEST(SaveSteady, leaves_young_files_for_the_next_save) {
  Bench bench;
  bench.keep_manifest();
  bench.folder.write("out/done", "text", 10);
  bench.folder.write("out/young", "half", 1);
  auto summary = bench.save(steady(bench));
  EXPECT_TRUE(summary.all_saved());
  EXPECT_EQ(summary.saved_files, 1U);
  ASSERT_EQ(summary.unsteady.count, 1U);
  EXPECT_EQ(summary.unsteady.first[0].path, "out/young");
  EXPECT_EQ(summary.unsteady.first[0].size, 4U);
  EXPECT_EQ(bench.s3.count("put"), 1);
  EXPECT_EQ(bench.save(bench.options()).saved_files, 1U);  // the one at the end takes all
  bench.folder.write("out/young", "whole", 1);
  bench.clock.skipped += 2s;
  summary = bench.save(steady(bench));
  EXPECT_EQ(summary.saved_files, 1U);
  EXPECT_EQ(summary.unsteady.count, 0U);
  EXPECT_EQ(bench.content("run/young"), "whole");
}

TEST(SaveSteady, leaves_what_differs_at_two_looks) {
  Bench bench;
  bench.folder.write("out/log", "text");
  bench.folder.write("out/fine", "text");
  // The second look comes after head was asked.
  bench.s3.refuse = [&](const FakeS3::Call& call) -> std::optional<Error> {
    if (call.name == "head" && call.place.ends_with("log")) bench.folder.write("out/log", "text, and more");
    return std::nullopt;
  };
  const auto summary = bench.save(steady(bench));
  EXPECT_EQ(summary.saved_files, 1U);
  ASSERT_EQ(summary.unsteady.count, 1U);
  EXPECT_EQ(summary.unsteady.first[0].reason, "grew or shrank between two looks at it");
  EXPECT_EQ(bench.s3.count("put"), 1);
}

TEST(SaveSteady, does_not_count_as_stored_what_changed_meanwhile) {
  for (const std::size_t size : {5U, 100'000U}) {
    Bench bench;
    bench.keep_manifest();
    bench.folder.write("out/file", std::string(size, 'a'));
    int left = 1;
    // The same size and mtime after as before: ctime tells.
    bench.s3.while_sending = [&](const FakeS3::Call&) {
      if (left-- > 0) bench.folder.write("out/file", std::string(size, 'b'));
    };
    auto summary = bench.save(steady(bench));
    EXPECT_EQ(summary.saved_files, 0U);
    ASSERT_EQ(summary.unsteady.count, 1U) << size;
    EXPECT_EQ(summary.unsteady.first[0].reason, "was changed while it was being saved");
    summary = bench.save(steady(bench));
    EXPECT_EQ(summary.saved_files, 1U);
    EXPECT_EQ(bench.content("run/file"), std::string(size, 'b'));
    EXPECT_EQ(bench.save(steady(bench)).unchanged_files, 1U);
  }
}

TEST(SaveSteady, keeps_what_s3_has_of_a_large_file_that_changes_meanwhile) {
  Bench bench;
  bench.keep_manifest();
  bench.folder.write_sparse("out/large", 20U << 20U);
  bench.save(steady(bench));
  bench.folder.write_sparse("out/large", 30U << 20U);
  bench.s3.while_sending = [&](const FakeS3::Call& call) {
    if (call.part == 2) bench.folder.write_sparse("out/large", 40U << 20U);
  };
  const auto summary = bench.save(steady(bench));
  EXPECT_TRUE(summary.all_saved());
  EXPECT_EQ(summary.unsteady.count, 1U);
  EXPECT_EQ(bench.s3.objects.at("bucket/run/large").size, 20U << 20U);
  EXPECT_TRUE(bench.s3.unfinished.empty());
}

TEST(SaveSteady, takes_at_the_second_save_what_only_grows_as_it_was_when_opened) {
  for (const std::size_t size : {5U, 100'000U, 20U << 20U}) {
    Bench bench;
    bench.keep_manifest();
    auto options = steady(bench);
    options.left_out = std::make_shared<LeftOut>();
    bench.folder.write("out/log", std::string(size, 'a'), 1);
    EXPECT_EQ(bench.save(options).unsteady.count, 1U) << size;
    const auto grow = [&] {
      std::ofstream(bench.folder.at("out/log"), std::ios::binary | std::ios::app) << "more";
      bench.folder.set_age("out/log", 1);
    };
    bench.s3.while_sending = [&](const FakeS3::Call&) { grow(); };
    std::uint64_t before = size;
    for (int save = 2; save < 4; ++save) {
      if (save == 3) {
        grow();
        bench.s3.while_sending = {};
      }
      const auto opened = std::filesystem::file_size(bench.folder.at("out/log"));
      const auto summary = bench.save(options);
      EXPECT_EQ(summary.saved_files, 1U) << size << " at save " << save;
      EXPECT_EQ(summary.unsteady.count + summary.changing.count + summary.failed.count, 0U);
      EXPECT_EQ(bench.s3.objects.at("bucket/run/log").size, opened);
      EXPECT_GE(opened, before);
      before = opened;
    }
    EXPECT_TRUE(bench.s3.unfinished.empty());
    // What S3 has is doubtful, whatever the file's times say: the save at the end sends it once more.
    bench.clock.skipped += 1h;
    EXPECT_EQ(bench.save(bench.options()).saved_files, 1U);
    EXPECT_EQ(bench.s3.objects.at("bucket/run/log").size,
              std::filesystem::file_size(bench.folder.at("out/log")));
    EXPECT_EQ(bench.save(bench.options()).saved_files, 0U);
  }
}

TEST(SaveSteady, never_takes_what_is_rewritten_in_place_nor_what_is_shorter_than_in_s3) {
  Bench bench;
  auto options = steady(bench);
  options.left_out = std::make_shared<LeftOut>();
  bench.folder.write("out/state", "0001", 1);
  EXPECT_EQ(bench.save(options).unsteady.count, 1U);
  for (const char* text : {"0002", "003", "004"}) {
    bench.folder.write("out/state", text, 0);
    EXPECT_EQ(bench.save(options).unsteady.count, 1U) << text;
  }
  EXPECT_EQ(bench.s3.count("put"), 0);
  // A checkpoint that is written anew over the old one grows too.
  bench.folder.write("out/state", std::string(100, 'x'));
  EXPECT_EQ(bench.save(options).saved_files, 1U);
  bench.folder.write("out/state", std::string(10, 'y'), 1);
  EXPECT_EQ(bench.save(options).unsteady.count, 1U);
  bench.folder.write("out/state", std::string(50, 'y'), 1);
  const auto summary = bench.save(options);
  ASSERT_EQ(summary.unsteady.count, 1U);
  EXPECT_EQ(summary.unsteady.first[0].reason, "is shorter than what S3 has of it");
  EXPECT_EQ(bench.content("run/state"), std::string(100, 'x'));
}

TEST(SaveSteady, sees_what_is_stored_by_mmap_after_a_midway_save) {
  Bench bench;
  bench.keep_manifest();
  struct statfs system {};
  ASSERT_EQ(::statfs(bench.folder.path().c_str(), &system), 0);
  if (system.f_type == TMPFS_MAGIC) GTEST_SKIP() << "tmpfs writes nothing back";
  bench.folder.write("out/weights", std::string(4096, 'a'));
  const os::Fd fd{::open(bench.folder.at("out/weights").c_str(), O_RDWR | O_CLOEXEC)};
  auto* mapped = static_cast<char*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0));
  ASSERT_NE(mapped, MAP_FAILED);
  mapped[0] = 'b';  // dirty from now on: a further store alone moves no time
  auto midway = bench.options();
  midway.steady = Steady{Millis{0}, Millis{0}};
  (void)bench.save(std::move(midway));
  EXPECT_EQ(bench.content("run/weights").substr(0, 2), "ba");
  ::usleep(20'000);  // longer than the kernel's tick, in which times are kept
  mapped[1] = 'c';
  (void)bench.save();
  EXPECT_EQ(bench.content("run/weights").substr(0, 2), "bc");
  ::munmap(mapped, 4096);
}

TEST(SaveSteady, takes_a_file_that_was_renamed_into_its_place) {
  Bench bench;
  bench.folder.write("out/model.pt.tmp", "weights", 5);
  std::filesystem::rename(bench.folder.at("out/model.pt.tmp"), bench.folder.at("out/model.pt"));
  EXPECT_EQ(bench.save(steady(bench)).saved_files, 1U);
}

TEST(SaveSteady, of_what_is_not_there_yet_is_no_failure) {
  Bench bench;
  const auto summary = bench.save(steady(bench));
  EXPECT_TRUE(summary.all_saved());
  ASSERT_EQ(summary.skipped.count, 1U);
  EXPECT_EQ(summary.skipped.first[0].reason, "nothing was made at " + bench.folder.at("out"));
  EXPECT_FALSE(bench.save().all_saved());
}

TEST(SaveSteady, waits_between_two_looks_only_for_what_is_to_be_sent_and_can_be_cut_in_it) {
  Bench bench;
  bench.keep_manifest();
  bench.folder.write("out/a", "text");
  bench.save();
  for (int i = 0; i < 20; ++i) bench.folder.write("out/" + std::to_string(i), "text");
  bench.save();
  auto options = steady(bench);
  options.steady->between = 30min;
  EXPECT_EQ(bench.save(options).unchanged_files, 21U);
  bench.folder.write("out/a", "TEXT", 100);
  Saver saver(bench.io->get_executor(), bench.s3, bench.clock, options);
  const auto summary = bench.start(saver);
  const auto end = std::chrono::steady_clock::now() + 100ms;
  EXPECT_TRUE(bench.until([&] { return std::chrono::steady_clock::now() > end; }));
  EXPECT_FALSE(summary->has_value());
  saver.cancel();
  EXPECT_TRUE(bench.until([&] { return summary->has_value(); }));
  EXPECT_TRUE((*summary)->cancelled);
  EXPECT_EQ((*summary)->failed.count, 1U);
  EXPECT_EQ(bench.content("run/a"), "text");
}

}  // namespace
}  // namespace curfew::save
