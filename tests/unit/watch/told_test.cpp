#include "watch/told.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "unit/watch/report.hpp"

namespace curfew::watch {
namespace {

const std::string k_place = place_key("https://hooks.example.com/secret");

ToldByPlace some() {
  Told told;
  told.at = k_now;
  told.instances[{"111122223333", "us-east-1", "i-1"}] = {
      Severity::critical, {Cause::past_deadline, Cause::unguarded}, k_now - 1h, "née"};
  told.instances[{"111122223333", "us-east-1", "i-2"}] = {
      Severity::warning, {Cause::malformed_keep}, k_now, ""};
  using Until = ToldUnread::Until;
  told.unread["eu-west-1 of 111122223333"] = {k_now, Until::region, "111122223333", "eu-west-1"};
  told.unread["all regions"] = {k_now, Until::account};
  told.unread["find credentials"] = {k_now, Until::anything};
  told.unread["the schedules"] = {k_now, Until::everything};
  told.failures[{"111122223333", "us-east-1", "i-1"}] = {k_now, "terminate: TerminateInstances i-1"};
  told.ended_nothing = k_now - 2h;
  told.untold = {
      {k_now - 1h, Action::stop, true, {"111122223333", "us-east-1", "i-3"}, "née", "late", "stopping"},
      {k_now, Action::terminate, false, {"111122223333", "us-east-1", "i-4"}, "", "late", "refused"}};
  told.more_untold = 7;
  return {{k_place, told}, {place_key("mailto:a@b.org"), {}}};
}

TEST(Told, is_read_as_it_was_written) {
  const auto again = told_from_json(to_json(some()));
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(*again, some());
}

TEST(Told, knows_no_secret) {
  EXPECT_EQ(k_place.size(), 32U);
  EXPECT_NE(k_place, place_key("https://hooks.example.com/secreu"));
  EXPECT_EQ(to_json(some()).find("secret"), std::string::npos);
}

TEST(Told, that_can_not_be_is_refused_as_a_whole) {
  const auto good = to_json(some());
  ASSERT_TRUE(told_from_json(good));
  const auto with = [&](const std::string& from, const std::string& to) {
    auto text = good;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  for (const auto& bad : {std::string(),
                          std::string("{}"),
                          std::string("[]"),
                          good.substr(0, good.size() / 2),
                          with("\"schema\":2", "\"schema\":1"),
                          with("\"schema\":2", "\"schema\":3"),
                          with("CRITICAL", "OK"),
                          with("past_deadline", "bored"),
                          with("née", "n\\u001b[31m"),
                          with("\"i-1\"", "\"\""),
                          with("\"i-1\"", "7"),
                          with("2026-11-26T13:00:00Z", "yesterday"),
                          with(k_place, "../../etc"),
                          with("\"until\":\"region\"", "\"until\":\"later\""),
                          with("\"done\":true", "\"done\":1"),
                          with("\"action\":\"stop\"", "\"action\":\"start\""),
                          with("\"i-3\"", "\"\""),
                          with("\"outcome\":\"stopping\"", "\"outcome\":\"\\u0007\""),
                          with("2026-11-26T12:00:00Z", "once"),
                          with("\"more_untold\":7", "\"more_untold\":-7"),
                          with("\"more_untold\":7", "\"more_untold\":7000000"),
                          with("\"how\":\"terminate", "\"why\":\"terminate"),
                          with("\"instances\":[", "\"instances\":[7,"),
                          with("née", std::string(300, 'x'))})
    EXPECT_FALSE(told_from_json(bad)) << bad;
}

TEST(Told, is_bounded) {
  ToldByPlace many;
  for (int i = 0; i < 20; ++i) many[place_key(std::to_string(i))].at = k_now + Seconds{i};
  const auto kept = told_from_json(to_json(many));
  ASSERT_TRUE(kept) << kept.error().text();
  EXPECT_EQ(kept->size(), k_most_told_places);
  EXPECT_TRUE(kept->contains(place_key("19"))) << "those that were told last";
  EXPECT_FALSE(kept->contains(place_key("9")));
  ToldByPlace large;
  for (std::size_t i = 0; i <= k_most_told; ++i)
    large[k_place].instances[{"1", "us-east-1", "i-" + std::to_string(i)}].at = k_now;
  EXPECT_FALSE(told_from_json(to_json(large)));
  ToldByPlace busy;
  busy[k_place].untold.resize(k_most_untold, some().at(k_place).untold.front());
  ASSERT_TRUE(told_from_json(to_json(busy)));
  busy[k_place].untold.resize(k_most_untold + 1, some().at(k_place).untold.front());
  EXPECT_FALSE(told_from_json(to_json(busy)));
  ToldByPlace failing;
  for (std::size_t i = 0; i <= k_most_told_failures; ++i)
    failing[k_place].failures[{"1", "us-east-1", "i-" + std::to_string(i)}].at = k_now;
  EXPECT_FALSE(told_from_json(to_json(failing)));
}

TEST(Told, keeps_a_place_that_has_yet_to_be_told) {
  ToldByPlace many;
  for (int i = 0; i < 20; ++i) many[place_key(std::to_string(i))].at = k_now + Seconds{i};
  many[k_place].untold = {some().at(k_place).untold.front()};
  many[k_place].untold.front().at = k_now + 1h;  // which was never told anything
  const auto kept = told_from_json(to_json(many));
  ASSERT_TRUE(kept) << kept.error().text();
  EXPECT_EQ(kept->size(), k_most_told_places);
  EXPECT_TRUE(kept->contains(k_place));
}

class ToldFile : public testing::Test {
 protected:
  ToldFile() {
    std::string name = testing::TempDir() + "curfew-told-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/told.json";
  }
  ~ToldFile() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
  std::string path_;
};

TEST_F(ToldFile, is_private_and_comes_back) {
  ASSERT_TRUE(load_told(path_).told.empty() && load_told(path_).warning.empty());
  ASSERT_TRUE(store_told(path_, some()));
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  const auto loaded = load_told(path_);
  EXPECT_EQ(loaded.told, some());
  EXPECT_EQ(loaded.warning, "");
}

TEST_F(ToldFile, that_is_broken_or_of_others_counts_as_none_and_is_said) {
  std::ofstream(path_) << "{\"schema\":2,\x1b[31m";
  ::chmod(path_.c_str(), 0600);
  auto loaded = load_told(path_);
  EXPECT_TRUE(loaded.told.empty());
  EXPECT_NE(loaded.warning.find("what was told before is told again"), std::string::npos) << loaded.warning;
  EXPECT_EQ(loaded.warning.find('\x1b'), std::string::npos);
  ASSERT_TRUE(store_told(path_, some()));
  ::chmod(path_.c_str(), 0666);
  loaded = load_told(path_);
  EXPECT_TRUE(loaded.told.empty());
  EXPECT_NE(loaded.warning.find("others may write it"), std::string::npos) << loaded.warning;
  std::filesystem::remove(path_);
  ASSERT_EQ(::symlink("/etc/passwd", path_.c_str()), 0);
  EXPECT_NE(load_told(path_).warning.find("symbolic link"), std::string::npos);
}

}  // namespace
}  // namespace curfew::watch
