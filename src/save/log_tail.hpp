// Reads what is appended to a log that is rotated: NAME becomes NAME.1, a NAME.1 from before is gone, and a new NAME is
// begun. Blocks: for the worker threads.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "os/fd.hpp"

namespace curfew::save {

// All up to here was read. The file is known by device and inode, and by its first bytes: inodes are used again.
struct LogPosition {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;  // 0: nothing was read yet
  std::uint64_t offset = 0;
  std::string head;  // Base64 SHA-256 of the file's first min(offset, 256) bytes
};

struct LogPiece {
  std::string text;   // as it is in the log, and notes of curfew's where something is missing
  LogPosition after;  // where the next piece begins
  int gaps = 0;       // notes in it
};

// Holds the file that it reads open, so that of one that is rotated away nothing is lost; it keeps the disk space of one
// log at most. What is lost where a log is rotated twice between two calls, or once while no guard was there and again,
// nobody knows: then a line in the text says that something may be missing.
class LogTail {
 public:
  // `path` is of a regular file, which may come later; links aren't followed at its last step. With an `owner` it must be
  // that user's: then nothing else is read, wherever folders of that user's lead.
  LogTail(std::string path, LogPosition from, std::optional<uid_t> owner = {})
      : path_(std::move(path)), owner_(owner), at_(std::move(from)) {}

  // At most `most` bytes, notes not counted, and goes on behind them. Less than `enough` bytes are left for later, unless
  // the log was rotated. A last line that isn't whole is left for later too where others stand before it, and enough isn't
  // 0. Empty: nothing for now.
  [[nodiscard]] Result<LogPiece> read(std::size_t most, std::size_t enough);

 private:
  struct Next {
    os::Fd fd;
    bool gap = false;
  };
  [[nodiscard]] Status find(LogPiece& piece);
  [[nodiscard]] Result<Next> following() const;
  [[nodiscard]] Result<std::uint64_t> size() const;
  [[nodiscard]] Status append(std::size_t most, LogPiece& piece);
  void begin(os::Fd fd);

  [[nodiscard]] Result<os::Fd> open(const std::string& path) const;

  std::string path_;
  std::optional<uid_t> owner_;
  os::Fd fd_;  // of what at_ is in
  LogPosition at_;
};

}  // namespace curfew::save
