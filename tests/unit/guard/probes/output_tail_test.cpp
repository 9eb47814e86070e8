#include "guard/probes/output_tail.hpp"

#include <sys/stat.h>

#include "unit/guard/probes/folder.hpp"

namespace curfew::guard {
namespace {

class OutputTailTest : public testing::Test {
 protected:
  void rotate() const { std::filesystem::rename(log, log + ".1"); }
  void write(std::string_view text) const { folder.append("output.log", text); }
  // All that there is, in looks of `limit` bytes.
  static std::string all(OutputTail& tail, std::size_t limit = 1U << 20U) {
    std::string text;
    for (int i = 0; i < 10'000; ++i) {
      const auto part = tail.look(limit);
      EXPECT_TRUE(part) << part.error().text();
      if (!part) return text;
      EXPECT_LE(part->text.size(), limit);
      EXPECT_FALSE(part->missing);
      text += part->text;
      if (!part->more) return text;
    }
    ADD_FAILURE() << "no end";
    return text;
  }

  Folder folder;
  std::string log = folder.at("output.log");
};

TEST_F(OutputTailTest, reads_what_was_appended) {
  OutputTail tail(log);
  EXPECT_EQ(all(tail), "");
  write("one\ntw");
  EXPECT_EQ(all(tail), "one\ntw");
  EXPECT_EQ(all(tail), "");
  write("o\n");
  EXPECT_EQ(all(tail), "o\n");
}

TEST_F(OutputTailTest, goes_on_at_the_next_look_where_there_is_more_than_fits) {
  std::string text;
  for (int i = 0; i < 5'000; ++i) text += "line " + std::to_string(i) + "\n";
  write(text);
  OutputTail tail(log);
  const auto part = tail.look(1'000);
  ASSERT_TRUE(part);
  EXPECT_TRUE(part->more);
  EXPECT_EQ(part->text, text.substr(0, 1'000));
  EXPECT_EQ(all(tail, 1'000), text.substr(1'000));
}

TEST_F(OutputTailTest, follows_the_rotation) {
  OutputTail tail(log);
  write("a");
  EXPECT_EQ(all(tail), "a");
  write("b");
  rotate();
  EXPECT_EQ(all(tail), "b");
  EXPECT_EQ(all(tail), "");
  write("c");
  EXPECT_EQ(all(tail), "c");
  write("d");
  rotate();
  write("e");
  EXPECT_EQ(all(tail), "de");
}

TEST_F(OutputTailTest, follows_two_rotations_between_two_looks) {
  OutputTail tail(log);
  write("a");
  EXPECT_EQ(all(tail), "a");
  write("b");
  rotate();
  write("c");
  rotate();
  write("d");
  EXPECT_EQ(all(tail), "bcd");
  write("e");
  EXPECT_EQ(all(tail), "e");
}

TEST_F(OutputTailTest, rotations_and_small_looks_lose_nothing) {
  OutputTail tail(log);
  std::string expected;
  std::string got;
  for (int i = 0; i < 200; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    write(line);
    expected += line;
    if (i % 7 == 3) rotate();
    got += tail.look(37).value().text;
  }
  got += all(tail, 37);
  EXPECT_EQ(got, expected);
}

TEST_F(OutputTailTest, leaves_what_an_earlier_job_left) {
  folder.write("output.log.1", "old\n");
  OutputTail tail(log);
  EXPECT_EQ(all(tail), "");
  write("new\n");
  EXPECT_EQ(all(tail), "new\n");
}

TEST_F(OutputTailTest, another_guard_goes_on_where_the_last_one_was) {
  write("one");
  OutputPlace place;
  {
    OutputTail tail(log);
    EXPECT_EQ(all(tail), "one");
    place = tail.place();
  }
  write("two");
  {
    OutputTail same(log, place);
    EXPECT_EQ(all(same), "two");
  }
  rotate();
  write("three");
  OutputTail rotated(log, place);
  EXPECT_EQ(all(rotated), "twothree");
  std::filesystem::remove(log + ".1");
  OutputTail lost(log, place);
  const auto part = lost.look();
  ASSERT_TRUE(part);
  EXPECT_TRUE(part->missing);
  EXPECT_EQ(part->text, "three");
}

TEST_F(OutputTailTest, a_file_cut_short_is_read_from_its_beginning) {
  write("a long text");
  OutputTail tail(log);
  EXPECT_EQ(all(tail), "a long text");
  std::filesystem::resize_file(log, 0);
  write("new");
  const auto part = tail.look();
  ASSERT_TRUE(part);
  EXPECT_TRUE(part->missing);
  EXPECT_EQ(part->text, "new");
}

TEST_F(OutputTailTest, refuses_links_and_pipes) {
  folder.write("secret", "x");
  std::filesystem::create_symlink(folder.at("secret"), log);
  EXPECT_FALSE(OutputTail(log).look());
  std::filesystem::remove(log);
  ASSERT_EQ(::mkfifo(log.c_str(), 0600), 0);
  EXPECT_FALSE(OutputTail(log).look());
}

}  // namespace
}  // namespace curfew::guard
