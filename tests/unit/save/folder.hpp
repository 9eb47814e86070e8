// A temporary folder with files to save.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace curfew::save {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "curfew-save-XXXXXX").string();
    path_ = std::filesystem::canonical(::mkdtemp(name.data())).string();
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string at(const std::string& relative) const { return path_ + "/" + relative; }

  // Makes the folders on the way. The file's mtime is `age` seconds before 2026-11-24 00:00 UTC, plus a nanosecond.
  void write(const std::string& relative, std::string_view text, long age = 3600) const {
    std::filesystem::create_directories(std::filesystem::path(at(relative)).parent_path());
    std::ofstream(at(relative), std::ios::binary) << text;
    set_age(relative, age);
  }
  void write_sparse(const std::string& relative, std::uint64_t size, long age = 3600) const {
    write(relative, "", age);
    EXPECT_EQ(::truncate(at(relative).c_str(), static_cast<off_t>(size)), 0);
    set_age(relative, age);
  }
  void set_age(const std::string& relative, long age) const {
    const timespec when{1'795'478'400 - age, 1};
    const timespec times[2] = {when, when};
    EXPECT_EQ(::utimensat(AT_FDCWD, at(relative).c_str(), times, AT_SYMLINK_NOFOLLOW), 0);
  }
  void link(const std::string& relative, const std::string& to) const {
    std::filesystem::create_symlink(to, at(relative));
  }

 private:
  std::string path_;
};

}  // namespace curfew::save
