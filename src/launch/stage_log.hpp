// The log of one stage on the instance: what its programs print and what curfew says of it, in a file and on stdout.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "os/fd.hpp"

namespace curfew::launch {

// Past this the file is renamed to NAME.1, over the one before: as output.log.
inline constexpr std::uint64_t k_longest_stage_log = 64ULL << 20U;

// Any thread. A file that can't be written (a full disk) is no reason to stop: stdout is kept by the guard.
class StageLog {
 public:
  [[nodiscard]] static Result<std::shared_ptr<StageLog>> open(std::string path,
                                                              std::uint64_t longest = k_longest_stage_log);
  // As it is.
  void write(std::string_view text);
  // A line of curfew's own: on stderr it begins with "curfew: ".
  void say(const std::string& line);
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  StageLog(std::string path, std::uint64_t longest, os::Fd fd, std::uint64_t size)
      : path_(std::move(path)), longest_(longest), fd_(std::move(fd)), size_(size) {}
  void append(std::string_view text);

  std::mutex mutex_;
  std::string path_;
  std::uint64_t longest_;
  os::Fd fd_;
  std::uint64_t size_;
};

}  // namespace curfew::launch
