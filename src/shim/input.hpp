// The job's stdin: bytes from the front end on their way to a pipe or a pseudo-terminal, and its end.
#pragma once

#include <string>
#include <string_view>

#include "os/fd.hpp"

namespace curfew::shim {

class JobInput {
 public:
  // As much as is kept for a job that doesn't read; past it the front end has to wait.
  static constexpr std::size_t k_most = 256 * 1024;

  void use_pipe(os::Fd fd) { pipe_ = std::move(fd), fd_ = pipe_.get(); }
  // The master belongs to somebody else.
  void use_terminal(int master) { fd_ = master, is_terminal_ = true; }

  [[nodiscard]] bool open() const { return fd_ >= 0; }
  // Room for one more message. False for good once a pipe's reader is gone: nobody would read it.
  [[nodiscard]] bool has_room(std::size_t bytes) const {
    return fd_ >= 0 && waiting_.size() - sent_ + bytes <= k_most;
  }
  void write(std::string_view text);
  // After what is waiting: the pipe is closed; a terminal is told by its end-of-input character, and takes more later.
  void end();
  void flush();
  void close();
  [[nodiscard]] int poll_fd() const { return fd_ >= 0 && sent_ < waiting_.size() ? fd_ : -1; }

 private:
  os::Fd pipe_;
  int fd_ = -1;
  bool is_terminal_ = false;
  bool ending_ = false;
  char last_ = '\n';
  std::string waiting_;
  std::size_t sent_ = 0;
};

}  // namespace curfew::shim
