// What is replaced, and what is left.
#include "os/files.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

namespace curfew::os {
namespace {

namespace fs = std::filesystem;

class ReplaceFile : public testing::Test {
 protected:
  ReplaceFile() {
    std::string name = (fs::temp_directory_path() / "curfew-files-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~ReplaceFile() override { fs::remove_all(folder_); }
  [[nodiscard]] std::string in(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator{}));
  }

  std::string folder_;
};

TEST_F(ReplaceFile, ReplacesAFileAndALinkButNotWhatItLeadsTo) {
  ASSERT_TRUE(replace_file(in("one"), "old", 0644, Sync::no));
  ASSERT_TRUE(replace_file(in("one"), "new", 0600, Sync::yes));
  EXPECT_EQ(read_file(in("one")).value(), "new");
  fs::create_symlink(in("one"), in("link"));
  ASSERT_TRUE(replace_file(in("link"), "other", 0644, Sync::no));
  EXPECT_EQ(read_file(in("one")).value(), "new");
  EXPECT_EQ(read_file(in("link")).value(), "other");
  EXPECT_EQ(files(), 2U);
}

// As root it would make /dev/null a file.
TEST_F(ReplaceFile, LeavesWhatIsNoRegularFile) {
  ASSERT_EQ(::mkfifo(in("pipe").c_str(), 0600), 0);
  ASSERT_TRUE(fs::create_directory(in("folder")));
  for (const auto* name : {"pipe", "folder"}) {
    const auto status = replace_file(in(name), "text", 0644, Sync::no);
    ASSERT_FALSE(status);
    EXPECT_NE(status.error().text().find("is no regular file"), std::string::npos) << status.error().text();
  }
  EXPECT_TRUE(fs::is_fifo(in("pipe")));
  EXPECT_EQ(files(), 2U);
}

TEST_F(ReplaceFile, LeavesNothingBehindWhenASignalEndsTheProcess) {
  const std::string text(200'000, 'x');
  for (int round = 0; round < 10; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      while (replace_file(in("one"), text, 0644, Sync::no)) {
      }
      ::_exit(1);
    }
    ::usleep(20'000);
    ASSERT_EQ(::kill(child, SIGTERM), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    EXPECT_EQ(files(), 1U);
  }
}

TEST_F(ReplaceFile, LeavesSignalsAsTheyWere) {
  sigset_t before;
  sigset_t after;
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, nullptr, &before), 0);
  ASSERT_TRUE(replace_file(in("one"), "text", 0644, Sync::no));
  ASSERT_FALSE(replace_file(in("none/one"), "text", 0644, Sync::no));
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, nullptr, &after), 0);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT})
    EXPECT_EQ(sigismember(&after, signal), sigismember(&before, signal));
}

}  // namespace
}  // namespace curfew::os
