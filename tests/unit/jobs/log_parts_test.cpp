#include "jobs/log_parts.hpp"

#include <gtest/gtest.h>

namespace curfew::jobs {
namespace {

std::vector<std::uint64_t> numbers_of(const std::vector<std::string>& keys, std::uint64_t after = 0) {
  std::vector<aws::ObjectInfo> objects;
  for (const auto& key : keys) objects.push_back({key, 5, "etag", {}, {}});
  std::vector<std::uint64_t> numbers;
  for (const auto& part : parts_of(objects, "jobs/x/live/", "train", after)) numbers.push_back(part.number);
  return numbers;
}

TEST(LogParts, come_in_the_order_of_their_numbers) {
  using Numbers = std::vector<std::uint64_t>;
  EXPECT_EQ(numbers_of({"jobs/x/live/train-000002.log", "jobs/x/live/train-000001.log"}), (Numbers{1, 2}));
  // By their letters a million comes before a hundred thousand.
  EXPECT_EQ(numbers_of({"jobs/x/live/train-1000000.log", "jobs/x/live/train-999999.log"}),
            (Numbers{999'999, 1'000'000}));
  EXPECT_EQ(numbers_of({"jobs/x/live/train-000001.log", "jobs/x/live/train-000002.log"}, 1), (Numbers{2}));
  EXPECT_EQ(numbers_of({"jobs/x/live/train-000001.log", "jobs/x/live/train-000001.log"}), (Numbers{1}));
}

TEST(LogParts, leave_out_what_is_none) {
  EXPECT_TRUE(numbers_of({"jobs/x/live/train-1.log", "jobs/x/live/train-00000x.log", "jobs/x/live/train-.log",
                          "jobs/x/live/train-000001.log.1", "jobs/x/live/trainer-000001.log",
                          "jobs/y/live/train-000001.log", "jobs/x/live/train-00000000000001.log",
                          "jobs/x/live/train-000000.log", "jobs/x/live/train--00001.log"})
                  .empty());
}

TEST(LogParts, are_named_as_they_are_read) {
  EXPECT_EQ(part_key("jobs/x/live/", "train", 7), "jobs/x/live/train-000007.log");
  EXPECT_EQ(numbers_of({part_key("jobs/x/live/", "train", 1'234'567)}),
            (std::vector<std::uint64_t>{1'234'567}));
}

TEST(LogParts, know_what_a_log_can_be_called) {
  for (const auto* name : {"train", "guard", "setup-2", "a_b"}) EXPECT_TRUE(is_log_name(name)) << name;
  for (const auto* name : {"", "../train", "a/b", "-x", "Train", "a.b", "a b"})
    EXPECT_FALSE(is_log_name(name)) << name;
}

struct TailCase {
  std::string text;
  std::uint64_t lines;
  bool is_last;
  std::optional<std::size_t> start;
  std::uint64_t left;
};

TEST(LogParts, find_where_the_last_lines_begin) {
  const std::vector<TailCase> cases{
      {"a\nb\nc\n", 1, true, 4, 1},  {"a\nb\nc\n", 2, true, 2, 1},  {"a\nb\nc", 1, true, 4, 1},
      {"a\nb\nc\n", 3, true, {}, 1}, {"a\nb\nc\n", 9, true, {}, 7}, {"", 2, true, {}, 2},
      {"\n", 1, true, {}, 1},        {"a\n", 1, false, 2, 1},       {"a\nb\n", 2, false, 2, 1},
      {"a\n\n\n", 2, true, 2, 1},
  };
  for (const auto& each : cases) {
    auto lines = each.lines;
    EXPECT_EQ(start_of_last(each.text, lines, each.is_last), each.start) << each.text << each.lines;
    EXPECT_EQ(lines, each.left) << each.text << each.lines;
  }
}

}  // namespace
}  // namespace curfew::jobs
