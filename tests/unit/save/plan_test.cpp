// What is to be sent, by what is known.
#include "save/plan.hpp"

#include <gtest/gtest.h>

namespace curfew::save {
namespace {

using namespace std::chrono_literals;

TEST(PartSize, is_eight_mib_until_there_would_be_too_many) {
  constexpr std::uint64_t k_mib = 1U << 20U;
  EXPECT_EQ(part_size_of(8 * k_mib), 8 * k_mib);
  EXPECT_EQ(part_size_of(80'000 * k_mib), 8 * k_mib);
  EXPECT_EQ(part_size_of(80'000 * k_mib + 1), 9 * k_mib);
  for (const std::uint64_t size : {100'000 * k_mib, 5'000'000 * k_mib + 7, 48'000'000 * k_mib}) {
    const auto part = part_size_of(size);
    EXPECT_EQ(part % k_mib, 0U);
    EXPECT_LE((size + part - 1) / part, k_most_parts);
  }
}

TEST(PartSize, of_fifty_gigabytes_needs_no_more_than_s3_takes) {
  for (const std::uint64_t size : {50'000'000'000ULL, 50ULL << 30U, 5ULL << 40U}) {
    const auto part = part_size_of(size);
    EXPECT_LE((size + part - 1) / part, 10'000U);
    EXPECT_GE(part, 5U << 20U);
    EXPECT_LE(part, k_largest_part);
  }
  EXPECT_EQ(part_size_of(50ULL << 30U), k_part);  // 6,400 parts
}

TEST(SameAs, takes_size_and_mtime_to_the_nanosecond) {
  const FileState state{5, 1'700'000'000'000'000'007, 0, 0};
  aws::ObjectInfo head;
  head.size = 5;
  head.metadata = metadata_of(state, false, true);
  EXPECT_EQ(head.metadata.at(0).second, "1700000000.000000007");
  EXPECT_TRUE(same_as(head, state));
  EXPECT_FALSE(same_as(head, {6, state.modified, 0, 0}));
  EXPECT_FALSE(same_as(head, {5, state.modified + 1, 0, 0}));
  head.metadata = metadata_of(state, true, false);
  EXPECT_FALSE(same_as(head, state));
  head.metadata.clear();  // put there by another program
  EXPECT_FALSE(same_as(head, state));
  EXPECT_EQ(metadata_of({0, -1, 0, 0}, false, false).at(0).second, "-1.999999999");
}

TEST(Unsettled, is_what_changed_within_its_own_timestamps_coarseness) {
  const auto now = WallTime{1'700'000'000s} + 500ms;
  const auto at = [&](std::chrono::nanoseconds before) {
    return unsettled({0, std::chrono::nanoseconds(now.time_since_epoch()).count() - before.count(), 0, 0},
                     now);
  };
  EXPECT_TRUE(at(0ns));
  EXPECT_TRUE(at(49ms));
  EXPECT_FALSE(at(51ms));
  EXPECT_FALSE(at(-1h));   // a clock that was set back: the next change moves it
  EXPECT_TRUE(at(500ms));  // whole seconds: FAT, old NFS
  EXPECT_TRUE(at(1500ms));
  EXPECT_FALSE(at(2500ms));
  EXPECT_FALSE(at(-24h * 365 * 100));
}

struct Made {
  Made() {
    found.roots = {{"/job/out", false, {}}};
    for (const char* name : {"a", "b", "c", "d"}) found.tree.add_file(0, 0, name, {5, 1000, 0, 1});
  }
  Plan plan(const Manifest& manifest = {}) {
    return {{{"out", {"bucket", "run"}}}, std::move(found), manifest};
  }
  Found found;
};

aws::ObjectInfo object(std::string key, std::uint64_t size) { return {std::move(key), size, "etag", {}, {}}; }

TEST(Plan, compares_only_what_s3_lists_with_the_same_size) {
  Made made;
  Plan plan = made.plan();
  plan.seen(0, object("run/a", 5));
  plan.seen(0, object("run/b", 6));
  plan.seen(0, object("run/zzz", 5));
  plan.seen(0, object("a", 5));
  plan.seen_all(0);
  EXPECT_EQ(plan.need(0), Need::compare);
  for (FileId file = 1; file < 4; ++file) EXPECT_EQ(plan.need(file), Need::upload);
  EXPECT_TRUE(plan.settled_by(0, {"run/a", 5, "x", {}, metadata_of({5, 1000, 0, 0}, false, false)}));
  EXPECT_FALSE(plan.settled_by(0, object("run/a", 5)));
  const auto order = plan.order();
  EXPECT_EQ(order.small.size(), 4U);
  EXPECT_EQ(order.bytes, 20U);
  EXPECT_EQ(order.unchanged_files, 0U);
}

TEST(Plan, names_what_goes_where) {
  Made made;
  const Plan plan = made.plan();
  EXPECT_EQ(plan.shown(0), "out/a");
  EXPECT_EQ(plan.absolute(0), "/job/out/a");
  EXPECT_EQ(plan.place_of(0).text(), "s3://bucket/run/a");
  EXPECT_EQ(plan.prefix_of(0).key, "run/");  // not run-8/
}

}  // namespace
}  // namespace curfew::save
