// What a save says of itself.
#include "save/summary.hpp"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

namespace curfew::save {
namespace {

using namespace std::chrono_literals;

TEST(Summary, of_a_save_that_went_well_is_one_line) {
  Summary summary;
  summary.saved_files = 12;
  summary.saved_bytes = 3'650'722'202;
  summary.unchanged_files = 40;
  summary.elapsed = 72'300ms;
  EXPECT_TRUE(summary.all_saved());
  EXPECT_EQ(lines(summary),
            std::vector<std::string>{"saved 12 files, 3.4 GiB in 1m12s; 40 files unchanged, in S3 already"});
}

TEST(Summary, says_what_was_not_saved_and_why) {
  Summary summary;
  summary.limit_hit = true;
  summary.elapsed = 5s;
  summary.failed.add({"model/opt\n.pt", 1U << 30U, "the limit for saving ran out"});
  summary.failed.add({"b", 0, "nothing was made at /x/b"});
  summary.skipped.add({"model/sock", 0, "is a socket"});
  summary.warnings.push_back("no manifest");
  EXPECT_FALSE(summary.all_saved());
  const std::vector<std::string> expected{"saved 0 files in 5s",
                                          "NOT saved: 2 files, 1.0 GiB; the limit for saving ran out",
                                          "  model/opt\\x0a.pt (1.0 GiB): the limit for saving ran out",
                                          "  and 1 more",
                                          "skipped: 1",
                                          "  model/sock: is a socket",
                                          "warning: no manifest"};
  EXPECT_EQ(lines(summary, 1), expected);
}

TEST(Summary, names_what_was_still_being_written_and_calls_it_no_failure) {
  Summary summary;
  summary.unsteady.add({"log.txt", 10, "was changed 1s ago"});
  EXPECT_TRUE(summary.all_saved());
  EXPECT_EQ(lines(summary), (std::vector<std::string>{"saved 0 files in 0s",
                                                      "still being written, left for the next save: 1 file",
                                                      "  log.txt (10 B): was changed 1s ago"}));
}

TEST(Summary, names_what_was_left_out_and_what_failed_first_in_a_line_each) {
  Summary summary;
  EXPECT_EQ(left_out_line(summary.unsteady), "");
  EXPECT_EQ(first_failure(summary), "");
  summary.unsteady.add({"out/metrics.jsonl", 10, "was changed 1s ago"});
  EXPECT_EQ(left_out_line(summary.unsteady), "1 file left out, still being written: out/metrics.jsonl");
  for (const char* path : {"a", "b\n", "c", "d"}) summary.unsteady.add({path, 10, ""});
  EXPECT_EQ(left_out_line(summary.unsteady, 3),
            "5 files left out, still being written: out/metrics.jsonl, a, b\\x0a and 2 more");
  summary.limit_hit = true;
  EXPECT_EQ(first_failure(summary), "it took longer than --save-limit");
  summary.failed.add({"out/model", 12'582'912, "NoSuchBucket"});
  summary.failed.add({"out/other", 1, "NoSuchBucket"});
  EXPECT_EQ(first_failure(summary), "out/model (12.0 MiB): NoSuchBucket");
}

TEST(ProgressLog, says_how_far_it_is_once_a_minute_and_trouble_at_once) {
  Progress progress;
  progress.left = 14min;
  ProgressLog log(BootTime{100s});
  EXPECT_FALSE(log.look(BootTime{159s}, progress));
  EXPECT_EQ(log.look(BootTime{160s}, progress), "saving: 0 files found so far, 14m left of the limit");
  EXPECT_FALSE(log.look(BootTime{161s}, progress));
  progress.trouble = "no credentials\n";
  EXPECT_EQ(log.look(BootTime{162s}, progress),
            "saving: 0 files found so far, 14m left of the limit; trying again after: no credentials\\x0a");
  EXPECT_FALSE(log.look(BootTime{221s}, progress));
  EXPECT_TRUE(log.look(BootTime{222s}, progress));
  progress.trouble.clear();
  EXPECT_FALSE(log.look(BootTime{223s}, progress));
  progress.trouble = "again";
  EXPECT_FALSE(log.look(BootTime{224s}, progress)) << "what comes and goes doesn't fill the log";
}

TEST(Summary, has_a_bounded_number_of_lines_of_bounded_length) {
  Summary summary;
  summary.limit_hit = true;
  for (Notes* notes : {&summary.failed, &summary.skipped, &summary.changing, &summary.unsteady})
    for (int i = 0; i < 100'000; ++i)
      notes->add(9, [] { return Note{std::string(4096, '\n'), 9, std::string(100'000, 'r')}; });
  for (int i = 0; i < 1000; ++i) summary.warnings.emplace_back(100'000, 'w');
  for (const std::size_t shown : {0U, 1U, 10U}) {
    const auto all = lines(summary, shown);
    EXPECT_LE(all.size(), 5 * shown + 10);
    for (const auto& line : all) EXPECT_LT(line.size(), 3000U);
  }
}

TEST(Summary, keeps_a_hundred_notes_and_counts_all) {
  Notes notes;
  for (int i = 0; i < 1000; ++i) notes.add({"f", 2, "r"});
  EXPECT_EQ(notes.first.size(), Notes::k_kept);
  EXPECT_EQ(notes.count, 1000U);
  EXPECT_EQ(notes.bytes, 2000U);
}

TEST(Summary, as_json_is_valid_utf8_whatever_the_names) {
  Summary summary;
  summary.saved_files = 1;
  summary.failed.add({"caf\xe9", 7, "refused"});
  EXPECT_EQ(
      boost::json::serialize(to_json(summary)),
      "{\"all_saved\":false,\"saved\":{\"files\":1,\"bytes\":0},\"unchanged\":{\"files\":0,\"bytes\":0},"
      "\"failed\":{\"files\":1,\"bytes\":7,\"first\":[{\"path\":\"caf\\\\xe9\",\"size\":7,\"reason\":"
      "\"refused\"}]},"
      "\"skipped\":{\"files\":0,\"bytes\":0,\"first\":[]},\"changing\":{\"files\":0,\"bytes\":0,\"first\":[]}"
      ",\"unsteady\":{\"files\":0,\"bytes\":0,\"first\":[]},"
      "\"warnings\":[],\"elapsed_ms\":0,\"limit_hit\":false,\"cancelled\":false}");
}

TEST(ProgressLine, leaves_out_from_the_end_what_does_not_fit) {
  Progress progress;
  progress.phase = Phase::sending;
  progress.files_done = 12;
  progress.files_total = 40;
  progress.bytes_done = 1'288'490'188;
  progress.bytes_total = 3'650'722'202;
  progress.bytes_per_second = 220'200'960;
  progress.left = 14min;
  progress.current = "model/deep/down/op\tt.pt";
  const std::string whole = "saving 12/40 files, 1.2/3.4 GiB, 210 MiB/s, 14m left of the limit";
  EXPECT_EQ(progress_line(progress, 200), whole + ", model/deep/down/op\\x09t.pt");
  EXPECT_EQ(progress_line(progress, whole.size() + 16), whole + ", .../op\\x09t.pt");
  EXPECT_EQ(progress_line(progress, whole.size()), whole);
  EXPECT_EQ(progress_line(progress, 50), "saving 12/40 files, 1.2/3.4 GiB, 210 MiB/s");
  EXPECT_EQ(progress_line(progress, 6), "saving");
  for (std::size_t width = 0; width < 120; ++width) EXPECT_LE(progress_line(progress, width).size(), width);
}

TEST(ProgressLine, says_what_comes_before_sending) {
  Progress progress;
  progress.files_done = 3;
  progress.left = -5s;
  EXPECT_EQ(progress_line(progress, 80), "saving: 3 files found so far, 0s left of the limit");
  progress.phase = Phase::comparing;
  progress.files_total = 1;
  EXPECT_EQ(progress_line(progress, 80), "saving: comparing 1 file with what S3 has, 0s left of the limit");
}

}  // namespace
}  // namespace curfew::save
