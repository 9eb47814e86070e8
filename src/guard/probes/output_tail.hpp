// Reads what was appended to the job's output.log since the last time, across its rotation to output.log.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "os/fd.hpp"

namespace curfew::guard {

// A place in the output, for a guard that takes over.
struct OutputPlace {
  std::uint64_t inode = 0;  // 0: nothing was read yet
  std::uint64_t offset = 0;
};

// Blocks while it reads; local disk. The file that is being read is held open, so that a rotation loses nothing; where
// two happen between two looks the one between is still found as output.log.1. With three, what lay between is lost, which
// can't be seen; who has at least one look for each file's worth of output doesn't get there.
class OutputTail {
 public:
  struct Part {
    std::string text;
    bool more = false;  // there may be more than fits: look again soon
    bool missing =
        false;  // the file was cut short, or is not the one to go on with: `text` is from another place
  };

  // Goes on at `from` where that file is still there, else at the beginning of output.log.
  explicit OutputTail(std::string path, OutputPlace from = {}) : path_(std::move(path)), place_(from) {}

  // At most `limit` bytes; empty where nothing came or there is no file yet. refused: it's no regular file.
  [[nodiscard]] Result<Part> look(std::size_t limit = 1U << 20U);
  [[nodiscard]] OutputPlace place() const { return place_; }

 private:
  struct Found {
    os::Fd fd;
    std::uint64_t inode = 0;
  };
  [[nodiscard]] Result<Found> open(const std::string& path) const;
  [[nodiscard]] Status begin(Part& part);
  // The file that follows the one in hand; without a descriptor where there is none.
  [[nodiscard]] Result<Found> successor() const;
  void hold(Found found, std::uint64_t offset);
  [[nodiscard]] Status read_to_end(std::size_t limit, Part& part);

  std::string path_;
  OutputPlace place_;
  os::Fd fd_;
};

}  // namespace curfew::guard
