// What the shim is told to run, and the socket by which guard and front end speak to it. Shared by both sides, which may
// not include each other.
//
// The socket is SOCK_SEQPACKET in the run folder: a message is one packet, its first byte the type. A client says hello
// first; the shim answers with everything that has happened so far (started, ended, tree gone), then with news. So a
// new guard or front end that connects late knows what an old one knew.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>
#include <sys/un.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"
#include "os/fd.hpp"

namespace curfew::os {

// Where one guarded job keeps its things. `state` survives a reboot (root: /var/lib/curfew), `run` does not
// (/run/curfew).
struct JobPaths {
  std::string state;
  std::string run;

  [[nodiscard]] std::string spec() const {
    return state + "/spec.json";
  }  // 0600: holds the job's environment
  [[nodiscard]] std::string exit_record() const { return state + "/exit.json"; }
  [[nodiscard]] std::string output() const { return state + "/output.log"; }
  [[nodiscard]] std::string shim_socket() const { return run + "/shim.sock"; }
};

// The caller's world, as the job shall find it.
struct JobSpec {
  std::vector<std::string> argv;
  std::string cwd;
  std::vector<std::string> env;  // NAME=value
  mode_t umask = 022;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
  std::vector<std::pair<int, rlimit>> limits;  // RLIMIT_* and its values
  // Which of the job's descriptors are the pseudo-terminal; the others are pipes.
  bool stdin_tty = false;
  bool stdout_tty = false;
  bool stderr_tty = false;
  // stdout and stderr are the same pipe or file (`2>&1`): the job gets one pipe for both, so that their order is kept.
  bool one_output = false;
  std::uint16_t rows = 24;
  std::uint16_t columns = 80;
  std::string
      terminal_settings;  // the caller's termios as bytes, for the pseudo-terminal; empty: the kernel's default
  std::uint64_t output_bytes = 64ULL << 20U;  // output.log is renamed to output.log.1 past that
};
[[nodiscard]] std::string to_json(const JobSpec& spec);
[[nodiscard]] Result<JobSpec> job_spec_from_json(std::string_view text);

// exit.json.
struct ExitRecord {
  enum class How : std::uint8_t { not_started, exited, signalled };
  How how = How::exited;
  int number = 0;             // exit code, signal, or 125/126/127
  std::string why;            // not_started: what failed
  std::int64_t ended_ms = 0;  // wall time, milliseconds
  std::string boot_id;
};
[[nodiscard]] std::string to_json(const ExitRecord& record);
[[nodiscard]] Result<ExitRecord> exit_record_from_json(std::string_view text);

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
  window = 'w',       // "ROWS COLUMNS"
  signal_tree = 's',  // "NUMBER"; guard only
  kill_tree = 'k',    // guard only
  guard_alive =
      'a',      // guard only, every k_guard_beat: where the shim watches the guard, silence gets it replaced
  leave = 'l',  // guard only: the guard is done, the shim need not start another
};
// From the shim.
enum class FromShim : char {
  started = 'p',      // "PID"
  not_started = 'n',  // "CODE WHY"
  ended = 'x',        // "exited|signalled NUMBER"
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
