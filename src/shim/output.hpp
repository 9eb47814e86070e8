// Where the job's output goes: the log on disk, and the front end's own stdout and stderr. Neither can stop the shim.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "os/fd.hpp"

namespace curfew::shim {

// output.log, bounded: past its size it's renamed to output.log.1. A full disk loses output from the log but never the
// job; once there's room again the log says how much is missing.
class OutputLog {
 public:
  OutputLog() = default;
  // What an earlier job left there is kept as output.log.1. `owner` may read it.
  OutputLog(std::string path, std::uint64_t limit, uid_t owner);

  void write(std::string_view text);
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  void rotate();
  [[nodiscard]] bool open();
  [[nodiscard]] bool put(std::string_view text);

  std::string path_;
  std::uint64_t limit_ = 0;
  uid_t owner_ = 0;
  os::Fd fd_;
  std::uint64_t written_ = 0;
  std::uint64_t lost_ = 0;  // bytes that aren't in the log, not yet said
  int error_ = 0;           // why
};

// One descriptor of the front end's. What can't be written yet is kept; who feeds it stops while it holds anything. Any
// error detaches it for good, as does a reader that went away.
class Sink {
 public:
  // How it's written without ever waiting. The descriptor is shared with other programs (a shell, less), so O_NONBLOCK
  // may not be set on it.
  enum class Way : std::uint8_t {
    none,
    plain,   // files and the like: writes end in bounded time, as far as the kernel knows
    own,     // a pipe or terminal opened anew, so that O_NONBLOCK is ours alone
    socket,  // MSG_DONTWAIT
    careful,  // what can't be opened anew: small writes after poll(2), cut short by a timer if they wait all the same
  };

  void attach(os::Fd fd);
  void detach();
  // The errno for which it detached itself since the last call; 0: it didn't.
  [[nodiscard]] int take_failure() { return std::exchange(failure_, 0); }
  [[nodiscard]] bool attached() const { return way_ != Way::none; }
  [[nodiscard]] Way way() const { return way_; }

  // Takes all of it: writes what goes, keeps the rest.
  void write(std::string_view text);
  // Writes what it keeps; call when fd() is writable.
  void flush();
  // Puts text in front of all that comes, for a sink that isn't attached yet.
  void keep(std::string_view text) { waiting_ += text; }
  void forget();
  [[nodiscard]] std::size_t waiting() const { return waiting_.size() - sent_; }
  // To poll for POLLOUT while something is waiting; -1: nothing to wait for.
  [[nodiscard]] int poll_fd() const { return attached() && waiting() > 0 ? fd_.get() : -1; }

 private:
  // Bytes written, 0 where it would wait, -1 where it's no use any more.
  [[nodiscard]] ssize_t put(std::string_view text);
  void fail();
  [[nodiscard]] ssize_t put_carefully(std::string_view text);

  os::Fd fd_;
  Way way_ = Way::none;
  std::string waiting_;
  std::size_t sent_ = 0;
  int failure_ = 0;
};

}  // namespace curfew::shim
