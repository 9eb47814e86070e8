// The socket by which guard and front end speak to the shim. Shared by all sides, which may not include each other.
//
// The socket is SOCK_SEQPACKET in the run folder: a message is one packet, its first byte the type. A client says hello
// first; the shim answers with everything that has happened so far (started, ended, tree gone), then with news. So a
// new guard or front end that connects late knows what an old one knew.
#pragma once

#include <sys/un.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"
#include "os/fd.hpp"
#include "os/job_record.hpp"

namespace curfew::os {

inline constexpr std::size_t k_largest_message = 65'536;
// How often the guard says guard_alive, and after how long a silence a shim that keeps the guard replaces it.
inline constexpr Seconds k_guard_beat{5};
inline constexpr Seconds k_guard_silence{30};

// To the shim.
enum class ToShim : char {
  hello_guard = 'g',
  hello_front =
      'f',      // with the front end's stdout and stderr as descriptors, which the shim writes to itself
  input = 'i',  // bytes for the job's stdin
  input_end = 'e',
  window = 'w',          // "ROWS COLUMNS"
  signal_tree = 's',     // "NUMBER"; guard only
  kill_tree = 'k',       // guard only
  signal_command = 'c',  // "NUMBER": to the command's own process; guard only
  guard_alive =
      'a',      // guard only, every k_guard_beat: where the shim watches the guard, silence gets it replaced
  leave = 'l',  // guard only: the guard is done, the shim need not start another
};
// From the shim.
enum class FromShim : char {
  started = 'p',      // "PID"
  not_started = 'n',  // "CODE WHY"
  ended = 'x',        // "exited|signalled NUMBER"
  not_shown = 'w',    // to the front end: "1|2 ERRNO": its stdout or stderr takes no more, the job goes on
  tree_gone = 't',    // and all of its output is written
  output_at =
      'o',  // to the guard, at most once a second: "MILLISECONDS" of wall time at which output last came
};

struct Message {
  char type = 0;
  std::string text;
  std::vector<Fd> fds;
};

// One end of the socket. Non-blocking unless said otherwise.
class Channel {
 public:
  explicit Channel(Fd fd) : fd_(std::move(fd)) {}
  [[nodiscard]] int fd() const { return fd_.get(); }
  // Sends one packet; `unavailable` where the peer doesn't take it now (its queue is full).
  [[nodiscard]] Status send(char type, std::string_view text, const std::vector<int>& fds = {});
  // One packet; empty optional where there is none now. The peer's end is an error of kind unavailable.
  [[nodiscard]] Result<std::optional<Message>> receive();

 private:
  Fd fd_;
};

[[nodiscard]] Result<Channel> connect_to_shim(const JobPaths& paths);

// A socket of the channel's type, and its address filled in; an error where the path is too long for one.
[[nodiscard]] Result<Fd> open_socket(const std::string& path, sockaddr_un& address);

}  // namespace curfew::os
