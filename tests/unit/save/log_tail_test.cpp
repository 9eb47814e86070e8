// Reading a log while it's written and rotated.
#include "save/log_tail.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include <gtest/gtest.h>

#include "unit/save/folder.hpp"

namespace curfew::save {
namespace {

constexpr std::size_t k_most = 1000;

struct Log {
  Folder folder;
  std::string path = folder.at("output.log");
  void add(std::string_view text) const { std::ofstream(path, std::ios::app | std::ios::binary) << text; }
  void rotate() const { std::filesystem::rename(path, path + ".1"); }
  [[nodiscard]] LogTail tail(LogPosition from = {}) const { return {path, std::move(from)}; }
};

std::string text(LogTail& tail, std::size_t enough = 0) {
  auto piece = tail.read(k_most, enough);
  return piece ? piece->text : "error: " + piece.error().text();
}

TEST(LogTail, gives_what_was_appended) {
  const Log log;
  auto tail = log.tail();
  EXPECT_EQ(text(tail), "");  // it isn't there yet
  log.add("one\n");
  EXPECT_EQ(text(tail), "one\n");
  EXPECT_EQ(text(tail), "");
  log.add("two\nthree");
  EXPECT_EQ(text(tail), "two\nthree");
  log.add("\n");
  EXPECT_EQ(text(tail), "\n");
}

TEST(LogTail, reads_no_file_of_another_user) {
  const Log log;
  log.add("one\n");
  LogTail others(log.path, {}, ::geteuid() + 1);
  EXPECT_NE(text(others).find("belongs to another user"), std::string::npos);
  LogTail own(log.path, {}, ::geteuid());
  EXPECT_EQ(text(own), "one\n");
  // As a folder of the user's may become one of somebody else's between two looks.
  log.rotate();
  ASSERT_EQ(::chown((log.path + ".1").c_str(), 65'534, 65'534), 0) << "this test is for root";
  log.add("two\n");
  EXPECT_NE(text(own).find("belongs to another user"), std::string::npos);
}

TEST(LogTail, leaves_little_and_half_lines_for_later) {
  const Log log;
  auto tail = log.tail();
  log.add("12345\n");
  EXPECT_EQ(text(tail, 7), "");
  log.add("half");
  EXPECT_EQ(text(tail, 7), "12345\n");
  EXPECT_EQ(text(tail, 1), "half");  // a progress bar has no newlines
  log.add(" a line\n");
  EXPECT_EQ(text(tail, 1), " a line\n");
}

TEST(LogTail, gives_pieces_of_bounded_size_cut_after_lines) {
  const Log log;
  auto tail = log.tail();
  std::string all;
  for (int i = 0; i < 1000; ++i) all += "line " + std::to_string(i) + "\n";
  log.add(all);
  std::string got;
  for (;;) {
    const auto piece = tail.read(100, 1);
    ASSERT_TRUE(piece);
    if (piece->text.empty()) break;
    EXPECT_LE(piece->text.size(), 100U);
    EXPECT_EQ(piece->text.back(), '\n');
    got += piece->text;
  }
  EXPECT_EQ(got, all);
}

TEST(LogTail, follows_a_rotation_to_the_last_byte) {
  const Log log;
  auto tail = log.tail();
  log.add("a\n");
  EXPECT_EQ(text(tail), "a\n");
  log.add("b\n");
  log.rotate();
  EXPECT_EQ(text(tail, 500), "");  // no new one yet: it may still be written to
  log.add("c\n");
  EXPECT_EQ(text(tail, 500), "b\nc\n");  // at once: it may be rotated away
  log.add("d\n");
  EXPECT_EQ(text(tail), "d\n");
}

TEST(LogTail, loses_nothing_of_the_file_it_reads_and_says_what_may_be_missing) {
  const Log log;
  auto tail = log.tail();
  log.add("a\n");
  EXPECT_EQ(text(tail), "a\n");
  log.add("b\n");
  log.rotate();
  log.add("c\n");
  log.rotate();  // the one with b has no name any more
  log.add("d\n");
  const auto piece = tail.read(k_most, 0);
  ASSERT_TRUE(piece);
  EXPECT_TRUE(piece->text.starts_with("b\n\n[curfew: output may be missing here"));
  EXPECT_TRUE(piece->text.ends_with("]\nc\nd\n"));
  EXPECT_EQ(piece->gaps, 1);
}

TEST(LogTail, goes_on_where_another_left_off_also_in_a_rotated_log) {
  const Log log;
  auto first = log.tail();
  log.add("a\n");
  const auto at = first.read(k_most, 0)->after;
  log.add("b\n");
  auto second = log.tail(at);
  EXPECT_EQ(text(second), "b\n");
  log.rotate();
  log.add("c\n");
  auto third = log.tail(at);
  EXPECT_EQ(text(third), "b\nc\n");
  log.rotate();
  log.add("d\n");
  auto fourth = log.tail(at);
  const auto piece = fourth.read(k_most, 0);
  EXPECT_EQ(piece->gaps, 1);
  EXPECT_TRUE(piece->text.ends_with("]\nc\nd\n"));
}

TEST(LogTail, knows_its_file_by_more_than_the_inode) {
  const Log log;
  auto first = log.tail();
  log.add("of the first\n");
  const auto at = first.read(k_most, 0)->after;
  std::ofstream(log.path, std::ios::binary | std::ios::trunc) << "of another, in the same inode\n";
  auto second = log.tail(at);
  const auto piece = second.read(k_most, 0);
  EXPECT_EQ(piece->gaps, 1);
  EXPECT_TRUE(piece->text.ends_with("]\nof another, in the same inode\n"));
}

TEST(LogTail, begins_again_where_the_log_was_cut) {
  const Log log;
  auto tail = log.tail();
  log.add("a long line\n");
  EXPECT_EQ(text(tail), "a long line\n");
  std::ofstream(log.path, std::ios::binary | std::ios::trunc) << "new\n";
  const auto piece = tail.read(k_most, 0);
  EXPECT_EQ(piece->gaps, 1);
  EXPECT_TRUE(piece->text.ends_with("]\nnew\n"));
}

TEST(LogTail, reads_regular_files_only_and_never_waits) {
  const Log log;
  log.folder.write("secret", "s");
  log.folder.link("output.log", "secret");
  auto tail = log.tail();
  EXPECT_TRUE(text(tail).starts_with("error: read "));
  std::filesystem::remove(log.path);
  ASSERT_EQ(::mkfifo(log.path.c_str(), 0600), 0);
  EXPECT_TRUE(text(tail).starts_with("error: read "));
  std::filesystem::remove(log.path);
  log.add("fine\n");
  EXPECT_EQ(text(tail), "fine\n");
}

}  // namespace
}  // namespace curfew::save
