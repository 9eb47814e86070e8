// The ledger's lines and its file.
#include "watch/ledger.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "base/text.hpp"
#include "os/files.hpp"
#include "support/fake_clock.hpp"
#include "unit/watch/hostile.hpp"

namespace curfew::watch {
namespace {

net::Environment with(std::map<std::string, std::string> values) {
  net::Environment environment;
  for (auto& [key, value] : values) environment[key] = value;
  return environment;
}

TEST(LedgerPath, IsWhereThisUserMayWrite) {
  EXPECT_EQ(ledger_path(with({{"HOME", "/home/a"}}), 1000), "/home/a/.local/state/curfew/ledger.jsonl");
  EXPECT_EQ(ledger_path(with({{"HOME", "/home/a"}, {"XDG_STATE_HOME", "/s"}}), 1000),
            "/s/curfew/ledger.jsonl");
  EXPECT_EQ(ledger_path(with({{"HOME", "/home/a"}, {"XDG_STATE_HOME", "s"}}), 1000),
            "/home/a/.local/state/curfew/ledger.jsonl")
      << "by the XDG specification a path that isn't absolute is none";
  EXPECT_EQ(ledger_path(with({{"HOME", "/home/a"}}), 0), "/var/log/curfew/ledger.jsonl") << "as by sudo -E";
  EXPECT_EQ(ledger_path(with({{"XDG_STATE_HOME", "/s"}}), 0), "/s/curfew/ledger.jsonl");
  EXPECT_EQ(ledger_path(with({}), 1000), "/var/log/curfew/ledger.jsonl");
  EXPECT_EQ(ledger_path(with({{"HOME", "relative"}}), 1000), "/var/log/curfew/ledger.jsonl");
}

Act act() {
  Act made;
  made.at = WallTime{std::chrono::sys_days{std::chrono::year{2026} / 11 / 26}};
  made.account = "123456789012";
  made.region = "us-east-1";
  made.instance = "i-1";
  made.name = "train";
  made.by = "arn:aws:iam::123456789012:user/ops";
  made.why = "asked for by curfew stop";
  made.done = true;
  made.outcome = "shutting-down";
  return made;
}

const Actor k_actor{"stop", "laptop", 1000, 42};

TEST(LedgerLine, SaysWhoWhatAndWhy) {
  EXPECT_EQ(intent_line(act(), k_actor),
            "{\"phase\":\"intent\",\"at\":\"2026-11-26T00:00:00Z\",\"action\":\"terminate\","
            "\"account\":\"123456789012\",\"region\":\"us-east-1\",\"instance\":\"i-1\",\"name\":\"train\","
            "\"by\":\"arn:aws:iam::123456789012:user/ops\",\"why\":\"asked for by curfew stop\","
            "\"command\":\"stop\",\"host\":\"laptop\",\"uid\":1000,\"pid\":42}\n");
  const auto line = outcome_line(act(), k_actor, act().at + Seconds{3});
  const auto value = boost::json::parse(line).as_object();
  EXPECT_EQ(value.at("phase"), "outcome");
  EXPECT_EQ(value.at("ended_at"), "2026-11-26T00:00:03Z");
  EXPECT_EQ(value.at("done"), true);
  EXPECT_EQ(value.at("outcome"), "shutting-down");
}

TEST(LedgerLine, IsOneLineAndBoundedWhateverTheTextsHold) {
  for (const auto& text : hostile_names()) {
    auto made = act();
    made.name = text;
    made.outcome = text;
    auto line = outcome_line(made, k_actor, made.at);
    ASSERT_TRUE(line.ends_with('\n'));
    line.pop_back();
    EXPECT_EQ(printable(line, line.size() + 1), line);
    EXPECT_LT(line.size(), 20'000U);
    boost::system::error_code error;
    boost::json::parse(line, error);
    EXPECT_FALSE(error) << line;
  }
}

class LedgerFile : public ::testing::Test {
 protected:
  LedgerFile() {
    std::string pattern = std::filesystem::temp_directory_path() / "ledger.XXXXXX";
    folder = ::mkdtemp(pattern.data());
  }
  ~LedgerFile() override { std::filesystem::remove_all(folder); }
  [[nodiscard]] std::string text() const {
    std::ostringstream out;
    out << std::ifstream(path()).rdbuf();
    return out.str();
  }
  [[nodiscard]] std::string path() const { return folder + "/state/curfew/ledger.jsonl"; }

  std::string folder;
  curfew::test::FakeClock clock;
};

TEST_F(LedgerFile, IsAppendedToAndForItsOwnerOnly) {
  Ledger ledger(path(), k_actor, clock, Unwritable::refuses);
  EXPECT_TRUE(ledger.before(act()));
  ledger.after(act());
  Ledger other(path(), k_actor, clock, Unwritable::refuses);
  EXPECT_TRUE(other.before(act()));
  EXPECT_EQ(split(text(), '\n').size(), 4U) << "three lines, and nothing after the last newline";
  struct stat info {};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
  ASSERT_EQ(::stat(os::folder_of(path()).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0700U);
}

TEST_F(LedgerFile, ThatCanNotBeWrittenRefusesOrWarns) {
  std::filesystem::create_directories(path());  // a folder in its place
  Ledger strict(path(), k_actor, clock, Unwritable::refuses);
  const auto refused = strict.before(act());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("--no-ledger"), std::string::npos);
  Ledger lenient(path(), k_actor, clock, Unwritable::warns);
  ::testing::internal::CaptureStderr();
  EXPECT_TRUE(lenient.before(act()));
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("THE LEDGER CAN'T BE WRITTEN"), std::string::npos);
}

TEST_F(LedgerFile, IsNeverWrittenThroughALink) {
  std::filesystem::create_directories(os::folder_of(path()));
  std::filesystem::create_symlink("/dev/null", path());
  EXPECT_FALSE(append_to_ledger(path(), "x\n"));
}

}  // namespace
}  // namespace curfew::watch
