#include "jobs/log_reader.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/run.hpp"

namespace curfew::jobs {
namespace {

// One bucket's objects.
class Store final : public aws::S3Browse, public aws::S3Get {
 public:
  std::map<std::string, std::string> objects;
  std::optional<Error> failure;     // of the next call that reads a piece
  std::vector<std::string> listed;  // prefixes
  std::size_t page = 1000;
  std::uint64_t read_bytes = 0;

  Awaitable<Result<aws::BrowsePage>> list(aws::BrowseAsk ask, std::string next) override {
    listed.push_back(ask.prefix.key);
    aws::BrowsePage found;
    const auto after = next.empty() ? ask.after : next;
    for (const auto& [key, text] : objects) {
      if (!key.starts_with(ask.prefix.key) || key <= after) continue;
      if (found.objects.size() == page) {
        found.next = found.objects.back().key;
        break;
      }
      found.objects.push_back({key, text.size(), "e", {}, {}});
    }
    co_return found;
  }
  Awaitable<Result<std::string>> read(aws::S3Location, std::size_t) override { co_return std::string(); }
  Awaitable<Result<aws::Piece>> get(aws::S3Location object, std::uint64_t offset, std::uint64_t length,
                                    std::uint64_t, std::string) override {
    if (failure) {
      auto error = *failure;
      failure.reset();
      co_return fail(std::move(error));
    }
    read_bytes += length;
    co_return aws::Piece{objects.at(object.key).substr(offset, length), {length, "e", {}, false}};
  }
  Awaitable<Result<aws::ObjectFacts>> facts(aws::S3Location object, int) override {
    const auto found = objects.find(object.key);
    if (found == objects.end()) co_return fail(ErrorKind::not_found, "look", "none");
    co_return aws::ObjectFacts{found->second.size(), "e", {}, false};
  }
};

struct Reading {
  explicit Reading(std::vector<std::string> names, std::uint64_t tail = 0)
      : reader(
            store, store, {{"bucket", "jobs/x/"}, std::move(names), tail, true},
            [this](std::string_view text) { shown += text; },
            [this](std::string_view text) { notes.emplace_back(text); }) {}

  Status pass(bool is_over = false) { return test::run(reader.pass(is_over)); }
  // What that shows.
  std::string next(bool is_over = false) {
    shown.clear();
    const auto passed = pass(is_over);
    EXPECT_TRUE(passed) << passed.error().text();
    return shown;
  }

  Store store;
  std::string shown;
  std::vector<std::string> notes;
  LogReader reader;
};

TEST(LogReader, shows_stages_in_their_order_and_each_part_once) {
  Reading reading({"setup", "train"});
  EXPECT_EQ(reading.next(), "");
  reading.store.objects["jobs/x/live/train-000001.log"] = "t1 ";
  reading.store.objects["jobs/x/live/setup-000001.log"] = "s1 ";
  reading.store.objects["jobs/x/live/setup-000002.log"] = "s2 ";
  reading.store.objects["jobs/x/live/guard-000001.log"] = "g1 ";
  EXPECT_EQ(reading.next(), "s1 s2 t1 ");
  EXPECT_EQ(reading.next(), "");
  reading.store.objects["jobs/x/live/train-000002.log"] = "t2 ";
  EXPECT_EQ(reading.next(), "t2 ");
  EXPECT_TRUE(reading.notes.empty());
}

TEST(LogReader, reads_all_pages_of_a_list) {
  Reading reading({"train"});
  reading.store.page = 2;
  std::string all;
  for (int i = 1; i <= 9; ++i)
    all += reading.store.objects["jobs/x/live/train-00000" + std::to_string(i) + ".log"] = std::to_string(i);
  EXPECT_EQ(reading.next(), all);
}

TEST(LogReader, goes_on_with_the_whole_log_once_the_job_is_over) {
  Reading reading({"train"});
  reading.store.objects["jobs/x/live/train-000001.log"] = "one ";
  EXPECT_EQ(reading.next(), "one ");
  reading.store.objects["jobs/x/logs/train.log"] = "one two three";
  EXPECT_EQ(reading.next(), "") << "it isn't over";
  EXPECT_EQ(reading.next(true), "two three");
  EXPECT_EQ(reading.next(true), "");
}

TEST(LogReader, shows_the_whole_log_where_there_are_no_parts) {
  Reading reading({"train"});
  reading.store.objects["jobs/x/logs/train.log"] = "all of it";
  EXPECT_EQ(reading.next(true), "all of it");
}

TEST(LogReader, takes_a_long_log_from_its_two_files) {
  Reading reading({"train"});
  reading.store.objects["jobs/x/live/train-000001.log"] = "one ";
  reading.store.objects["jobs/x/logs/train.log.1"] = "one two ";
  reading.store.objects["jobs/x/logs/train.log"] = "three";
  EXPECT_EQ(reading.next(true), "one two three");
}

TEST(LogReader, goes_on_after_a_failure_where_it_was) {
  Reading reading({"train"});
  reading.store.objects["jobs/x/live/train-000001.log"] = "one ";
  reading.store.objects["jobs/x/live/train-000002.log"] = std::string(5U << 20U, 'x');
  // The third piece: the second half of the second part.
  int pieces = 0;
  class Failing final : public aws::S3Get {
   public:
    Failing(Store& of, int& counter) : store(of), count(counter) {}
    Awaitable<Result<aws::Piece>> get(aws::S3Location object, std::uint64_t offset, std::uint64_t length,
                                      std::uint64_t size, std::string etag) override {
      if (++count == 3) co_return fail(ErrorKind::unavailable, "get", "the network is gone");
      auto getting = store.get(std::move(object), offset, length, size, std::move(etag));
      co_return co_await std::move(getting);
    }
    Awaitable<Result<aws::ObjectFacts>> facts(aws::S3Location object, int part) override {
      return store.facts(std::move(object), part);
    }
    Store& store;
    int& count;
  } get(reading.store, pieces);
  std::string shown;
  LogReader reader(
      reading.store, get, {{"bucket", "jobs/x/"}, {"train"}, 0, false},
      [&](std::string_view text) { shown += text; }, [](std::string_view) {});
  EXPECT_FALSE(test::run(reader.pass(false)));
  EXPECT_TRUE(test::run(reader.pass(false)));
  EXPECT_EQ(shown, "one " + std::string(5U << 20U, 'x'));
}

TEST(LogReader, says_where_a_part_is_missing) {
  Reading reading({"train"});
  reading.store.objects["jobs/x/live/train-000001.log"] = "one ";
  reading.store.objects["jobs/x/live/train-000003.log"] = "three ";
  EXPECT_EQ(reading.next(), "one three ");
  ASSERT_EQ(reading.notes.size(), 1U);
  EXPECT_NE(reading.notes[0].find("part 2"), std::string::npos);
}

TEST(LogReader, shows_the_boots_log_only_where_the_job_has_none) {
  Reading reading({"train"});
  reading.store.objects["jobs/x/boot.log"] = "no such user\n";
  EXPECT_EQ(reading.next(), "");
  EXPECT_EQ(reading.next(true), "no such user\n");
  EXPECT_EQ(reading.next(true), "");
  Reading other({"train"});
  other.store.objects = {{"jobs/x/boot.log", "no"}, {"jobs/x/live/train-000001.log", "one"}};
  EXPECT_EQ(other.next(true), "one");
}

TEST(LogReader, begins_with_the_last_lines) {
  for (const auto& [lines, expected] :
       std::vector<std::pair<std::uint64_t, std::string>>{{1, "t3\n"},
                                                          {2, "t2t2\nt3\n"},
                                                          {3, "t1\nt2t2\nt3\n"},
                                                          {4, "s2\nt1\nt2t2\nt3\n"},
                                                          {99, "s1\ns2\nt1\nt2t2\nt3\n"}}) {
    Reading reading({"setup", "train"}, lines);
    reading.store.objects = {{"jobs/x/live/setup-000001.log", "s1\ns2\n"},
                             {"jobs/x/live/train-000001.log", "t1\nt2"},
                             {"jobs/x/live/train-000002.log", "t2\nt3\n"}};
    EXPECT_EQ(reading.next(), expected) << lines;
    reading.store.objects["jobs/x/live/train-000003.log"] = "t4\n";
    reading.store.objects["jobs/x/live/setup-000002.log"] = "s3\n";
    EXPECT_EQ(reading.next(), "s3\nt4\n") << "and then what comes";
    reading.store.objects["jobs/x/logs/train.log"] = "t1\nt2t2\nt3\nt4\nt5\n";
    EXPECT_EQ(reading.next(true), "t5\n");
  }
}

TEST(LogReader, reads_no_more_of_a_long_log_than_its_end) {
  Reading reading({"train"}, 3);
  std::string text;
  for (int i = 0; i < 400'000; ++i) text += "a line of some length " + std::to_string(i) + "\n";
  reading.store.objects["jobs/x/logs/train.log"] = text;
  EXPECT_EQ(reading.next(true),
            "a line of some length 399997\na line of some length 399998\na line of some length 399999\n");
  EXPECT_LT(reading.store.read_bytes, 1U << 20U);
}

TEST(LogReader, asks_no_more_for_a_stage_that_is_long_over) {
  Reading reading({"setup", "train"});
  reading.store.objects = {{"jobs/x/live/setup-000001.log", "s1 "}, {"jobs/x/live/train-000001.log", "t1 "}};
  for (int i = 0; i < 30; ++i) (void)reading.next();
  reading.store.listed.clear();
  (void)reading.next();
  EXPECT_EQ(reading.store.listed, (std::vector<std::string>{"jobs/x/live/train-"}));
  reading.store.objects["jobs/x/logs/setup.log"] = "s1 s2 ";
  EXPECT_EQ(reading.next(true), "s2 ") << "but at the end";
}

}  // namespace
}  // namespace curfew::jobs
