// Order, back-off, and giving up, by given times.
#include "save/schedule.hpp"

#include <gtest/gtest.h>

namespace curfew::save {
namespace {

using namespace std::chrono_literals;

constexpr BootTime k_now{1000s};
const Error k_unavailable{ErrorKind::unavailable, "put", "slow down", "", "SlowDown"};
const Error k_refused{ErrorKind::refused, "put", "denied", "", "AccessDenied"};
const Error k_bad{ErrorKind::invalid_input, "put", "bad", "", "InvalidArgument"};
const Error k_digest{ErrorKind::invalid_input, "put", "bad digest", "", "BadDigest"};
const Error k_no_bucket{ErrorKind::not_found, "put", "no bucket", "", "NoSuchBucket"};

// `files` small files in each of two targets, the first the newest.
struct Made {
  explicit Made(int files) {
    Found found;
    found.roots = {{"/a", false, {}}, {"/b", false, {}}};
    for (int i = 0; i < files; ++i) {
      for (std::uint16_t target = 0; target < 2; ++target)
        found.tree.add_file(target, 0, "f" + std::to_string(i), {1, 1'000'000 - 2 * i - target, 0, 0});
    }
    plan.emplace(std::vector<Target>{{"a", {"bucket", "a"}}, {"b", {"bucket", "b"}}}, std::move(found),
                 Manifest{});
    schedule.emplace(*plan, plan->order(), Pace{});
  }
  std::string next(BootTime now = k_now) {
    const auto file = schedule->next(Size::small, now);
    return file ? plan->shown(*file) : "";
  }
  std::optional<Plan> plan;
  std::optional<Schedule> schedule;
};

TEST(Schedule, gives_the_newest_of_all_targets) {
  Made made(2);
  EXPECT_FALSE(made.schedule->next(Size::large, k_now));
  EXPECT_TRUE(made.schedule->ready(k_now));
  for (const char* name : {"a/f0", "b/f0", "a/f1", "b/f1", ""}) EXPECT_EQ(made.next(), name);
  EXPECT_TRUE(made.schedule->empty());
  EXPECT_FALSE(made.schedule->ready(k_now));
}

TEST(Schedule, tries_again_after_a_growing_delay_for_ever) {
  Made made(1);
  auto now = k_now;
  for (const auto delay : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    const auto file = made.schedule->next(Size::small, now);
    ASSERT_TRUE(file);
    EXPECT_EQ(made.plan->shown(*file), "a/f0");
    EXPECT_TRUE(made.schedule->failed(*file, k_unavailable, now).again);
    EXPECT_EQ(made.next(now), now == k_now ? "b/f0" : "");
    EXPECT_EQ(made.next(now + delay - 1ms), "");
    now += delay;
  }
  EXPECT_FALSE(made.schedule->empty());
}

TEST(Schedule, lets_a_target_rest_that_fails_all_the_time_but_no_other) {
  Made made(20);
  int a = 0;
  int b = 0;
  for (int i = 0; i < 40; ++i) {
    const auto file = made.schedule->next(Size::small, k_now);
    if (!file) break;
    if (made.plan->tree()[*file].target == 0)
      ++a, static_cast<void>(made.schedule->failed(*file, k_unavailable, k_now));
    else ++b, made.schedule->succeeded(*file);
  }
  EXPECT_EQ(a, 8);
  EXPECT_EQ(b, 20);
  EXPECT_TRUE(made.schedule->ready(k_now + 1s));
}

TEST(Schedule, waits_two_minutes_for_credentials) {
  Made made(3);
  auto now = k_now;
  int tries = 0;
  for (; now < k_now + 10min; now += 1s) {
    const auto file = made.schedule->next(Size::small, now);
    if (!file || made.plan->tree()[*file].target != 0) continue;
    ++tries;
    const auto verdict = made.schedule->failed(*file, k_refused, now);
    if (verdict.target_given_up) break;
  }
  EXPECT_GE(now, k_now + 2min);
  EXPECT_LE(now, k_now + 2min + 31s);
  EXPECT_LE(tries, 8);
  int left = 0;
  made.schedule->take_all(0, [&](FileId, const std::string&) { ++left; });
  EXPECT_EQ(left, 2);
}

TEST(Schedule, asks_for_missing_credentials_often_and_gives_up_after_two_minutes) {
  // Metadata that doesn't answer: kind and code as the credentials give them.
  const Error none{ErrorKind::unavailable, "put", "no answer", "give the instance a role", "NoCredentials"};
  Made made(2);
  const auto a0 = *made.schedule->next(Size::small, k_now);
  EXPECT_TRUE(made.schedule->failed(a0, none, k_now).again);
  EXPECT_EQ(*made.schedule->next(Size::small, k_now + 1s), a0) << "it may be back at any moment";
  EXPECT_TRUE(made.schedule->failed(a0, none, k_now + 119s).again);
  EXPECT_EQ(*made.schedule->next(Size::small, k_now + 130s), a0);
  const auto verdict = made.schedule->failed(a0, none, k_now + 130s);
  EXPECT_FALSE(verdict.again);
  ASSERT_TRUE(verdict.target_given_up);
  EXPECT_NE(verdict.target_given_up->find("give the instance a role"), std::string::npos);
}

TEST(Schedule, gives_up_a_file_for_good_and_a_target_where_all_fail) {
  Made made(100);
  int failures = 0;
  for (;; ++failures) {
    const auto file = made.schedule->next(Size::small, k_now);
    ASSERT_TRUE(file);
    if (made.plan->tree()[*file].target == 1) {
      made.schedule->unusable(*file);
      continue;
    }
    const auto verdict = made.schedule->failed(*file, k_bad, k_now);
    EXPECT_FALSE(verdict.again);
    if (verdict.target_given_up) break;
  }
  EXPECT_LT(failures, 70);
  made.schedule->take_all(0, [](FileId, const std::string&) {});
  EXPECT_EQ(made.next().substr(0, 1), "b");  // files that are bad themselves give up nothing
}

TEST(Schedule, a_success_shows_that_not_all_fail) {
  Made made(100);
  made.schedule->succeeded(*made.schedule->next(Size::small, k_now));
  for (int i = 0; i < 199; ++i) {
    const auto file = made.schedule->next(Size::small, k_now);
    ASSERT_TRUE(file);
    if (made.plan->tree()[*file].target == 1) continue;
    EXPECT_FALSE(made.schedule->failed(*file, k_bad, k_now).target_given_up);
  }
}

TEST(Schedule, sends_corrupted_bytes_again_three_times) {
  Made made(1);
  auto now = k_now;
  for (const bool again : {true, true, true, false}) {
    const auto file = made.schedule->next(Size::small, now);
    ASSERT_TRUE(file);
    EXPECT_EQ(made.schedule->failed(*file, k_digest, now).again, again);
    EXPECT_EQ(made.next(now), now == k_now ? "b/f0" : "");
    now += 10s;
  }
}

TEST(Schedule, gives_up_a_bucket_that_is_not_there_at_once) {
  Made made(3);
  const auto verdict = made.schedule->failed(*made.schedule->next(Size::small, k_now), k_no_bucket, k_now);
  EXPECT_FALSE(verdict.again);
  EXPECT_TRUE(verdict.target_given_up);
  made.schedule->take_all(0, [](FileId, const std::string& last) { EXPECT_EQ(last, ""); });
  for (const char* name : {"b/f0", "b/f1", "b/f2", ""}) EXPECT_EQ(made.next(k_now + 1h), name);
  EXPECT_TRUE(made.schedule->empty());
}

}  // namespace
}  // namespace curfew::save
