#include "launch/records.hpp"

#include <stdlib.h>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "os/files.hpp"

namespace curfew::launch {
namespace {

constexpr const char* k_id = "20261124t180000-00aa";

std::string new_folder() {
  std::string folder = testing::TempDir() + "records.XXXXXX";
  EXPECT_NE(::mkdtemp(folder.data()), nullptr);
  return folder + "/launches";
}

Record record() {
  return {k_id, "us-east-1", "digits", "token-1", "i-1", WallTime{Millis{1'795'000'000'123}}};
}

TEST(Records, are_found_once_their_launch_is_dead) {
  const auto folder = new_folder();
  std::vector<std::string> unread;
  {
    RecordFolder alive(folder);
    ASSERT_TRUE(alive.keep(record()));
    struct stat about {};
    ASSERT_EQ(::stat((folder + "/" + k_id + ".json").c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 07777U, 0600U);
    EXPECT_TRUE(RecordFolder(folder).left_over(unread).empty()) << "it's alive";
  }
  RecordFolder next(folder);
  auto left = next.left_over(unread);
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(to_json(left[0].record), to_json(record()));
  EXPECT_TRUE(next.forget(k_id));
  left.clear();
  EXPECT_TRUE(next.left_over(unread).empty());
  EXPECT_TRUE(unread.empty());
}

TEST(Records, are_told_where_they_cannot_be_read) {
  const auto folder = new_folder();
  ASSERT_TRUE(os::make_private_folder(folder, 0700));
  ASSERT_TRUE(os::replace_file(folder + "/" + k_id + ".json", "{\"launch\":", 0600, os::Sync::no));
  std::vector<std::string> unread;
  EXPECT_TRUE(RecordFolder(folder).left_over(unread).empty());
  ASSERT_EQ(unread.size(), 1U);
  EXPECT_NE(unread[0].find(k_id), std::string::npos);
}

TEST(Records, name_launches_by_time_and_chance) {
  const auto now = WallTime{Millis{1'795'543'200'000}};
  const auto one = new_launch_id(now);
  EXPECT_TRUE(is_launch_id(one)) << one;
  EXPECT_TRUE(one.starts_with("20261124-")) << one;
  EXPECT_NE(one, new_launch_id(now));
  EXPECT_LE(one.size() + 3, 64U) << "a client token";
  for (const char* text : {"", "a/b", "..", "A", "a b"}) EXPECT_FALSE(is_launch_id(text)) << text;
}

}  // namespace
}  // namespace curfew::launch
