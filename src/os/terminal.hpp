// Pseudo-terminals for a job, and the terminal that a person sits at.
#pragma once

#include <sys/types.h>
#include <termios.h>

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "os/fd.hpp"

namespace curfew::os {

struct WindowSize {
  std::uint16_t rows = 24;
  std::uint16_t columns = 80;
};

struct Pseudoterminal {
  Fd master;  // non-blocking
  Fd slave;
};

// A new one; the slave belongs to `owner`. `settings` are the bytes of a struct termios, ignored where their number is
// another; empty: the kernel's default.
[[nodiscard]] Result<Pseudoterminal> open_pseudoterminal(uid_t owner, std::string_view settings,
                                                         WindowSize size);

// Neither echo nor newline translation: for a pseudo-terminal whose other end is shown by a terminal that does both.
void make_silent(int slave);

// The character that ends the input where the terminal takes lines (^D), read by either side; -1 where it doesn't.
[[nodiscard]] int end_of_input_character(int fd);

[[nodiscard]] WindowSize window_size(int fd);
void set_window_size(int fd, WindowSize size);

// The settings as bytes; empty where `fd` is no terminal.
[[nodiscard]] std::string terminal_settings(int fd);

// Opens /dev/null in the place of each of 0, 1 and 2 that is closed: the next descriptor opened would be taken for it.
void fill_standard_descriptors();
// Before that: what is written to it now is lost without an error.
[[nodiscard]] bool stdout_was_closed();

// Whether this process may read the terminal without being stopped: it's in the foreground, or the terminal isn't the
// one that controls it.
[[nodiscard]] bool in_foreground(int fd);

// Puts a terminal in raw mode, so that the job's own one does the line editing; ^C and ^\ still send signals, ^Z is
// passed on. The old settings come back with `leave`, the destructor, exit(3), and when the program crashes; after
// SIGKILL they can't. One at a time.
class RawTerminal {
 public:
  RawTerminal() = default;
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal() { leave(); }

  [[nodiscard]] Status enter(int fd);
  void leave();
  [[nodiscard]] bool active() const { return active_; }

 private:
  bool active_ = false;
};

}  // namespace curfew::os
