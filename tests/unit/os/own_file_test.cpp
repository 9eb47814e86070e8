// Files that somebody else may have put there.
#include "os/own_file.hpp"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "os/files.hpp"

namespace curfew::os {
namespace {

class FileOf : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(::mkdtemp(folder_.data()), nullptr);
    ASSERT_TRUE(replace_file(path_of("file"), "text", 0644, Sync::no));
  }
  [[nodiscard]] std::string path_of(const char* name) const { return folder_ + "/" + name; }
  [[nodiscard]] Result<std::string> read(const char* name, std::size_t limit = 100) const {
    return read_file_of(path_of(name), ::geteuid(), limit);
  }

  std::string folder_ = testing::TempDir() + "own.XXXXXX";
};

TEST_F(FileOf, is_read_where_it_is_that_users) {
  EXPECT_EQ(read("file").value_or("?"), "text");
  EXPECT_FALSE(read("file", 3));
  EXPECT_EQ(read("none").error().kind, ErrorKind::not_found);
  const auto others = read_file_of(path_of("file"), ::geteuid() + 1, 100);
  ASSERT_FALSE(others);
  EXPECT_EQ(others.error().kind, ErrorKind::refused);
  EXPECT_TRUE(open_file_of(path_of("file"), {}));
}

TEST_F(FileOf, is_refused_where_it_is_something_else) {
  ASSERT_EQ(::symlink(path_of("file").c_str(), path_of("link").c_str()), 0);
  ASSERT_EQ(::mkfifo(path_of("pipe").c_str(), 0644), 0);
  ASSERT_EQ(::mkdir(path_of("folder").c_str(), 0755), 0);
  for (const char* name : {"link", "pipe", "folder"}) EXPECT_FALSE(read(name)) << name;
  EXPECT_FALSE(read_file_of("/dev/zero", 0, 100));
}

}  // namespace
}  // namespace curfew::os
