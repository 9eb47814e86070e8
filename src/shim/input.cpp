// Feeds the job's stdin.
#include "shim/input.hpp"

#include <unistd.h>

#include <cerrno>

#include "os/terminal.hpp"

namespace curfew::shim {

void JobInput::write(std::string_view text) {
  if (fd_ < 0 || text.empty() || !has_room(text.size())) return;
  if (ending_ && !is_terminal_) return;
  ending_ = false;
  waiting_ += text;
  flush();
}

void JobInput::end() {
  if (fd_ < 0) return;
  ending_ = true;
  flush();
}

void JobInput::close() {
  pipe_.reset();
  fd_ = -1;
  waiting_ = {};
  sent_ = 0;
}

void JobInput::flush() {
  while (fd_ >= 0 && sent_ < waiting_.size()) {
    const auto wrote = ::write(fd_, waiting_.data() + sent_, waiting_.size() - sent_);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && errno == EAGAIN) return;
    if (wrote <= 0) return close();  // EPIPE: the job has closed its stdin
    sent_ += static_cast<std::size_t>(wrote);
    last_ = waiting_[sent_ - 1];
  }
  waiting_ = {};
  sent_ = 0;
  if (!ending_ || fd_ < 0) return;
  if (!is_terminal_) return close();
  ending_ = false;
  const int character = os::end_of_input_character(fd_);
  if (character < 0) return;
  // In the middle of a line the first one only hands the line over; the second one then is the end.
  const std::string both(last_ == '\n' || last_ == '\r' ? 1 : 2, static_cast<char>(character));
  last_ = '\n';
  [[maybe_unused]] const auto wrote = ::write(fd_, both.data(), both.size());
}

}  // namespace curfew::shim
