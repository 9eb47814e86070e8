// The front end's half of the job's terminal: hands its stdout and stderr to the shim, passes stdin and window sizes on,
// and says what happens to the job. Nothing here decides: a signal, an event or the guard's socket calls back.
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/types.h>

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"
#include "os/fd.hpp"
#include "os/shim_channel.hpp"
#include "os/terminal.hpp"

namespace curfew::cli {

// Who the job shall be, where it isn't who runs the front end (it was started by sudo).
struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

// The caller's world as the job shall find it: folder, environment, umask, limits, user, terminal.
[[nodiscard]] Result<os::JobSpec> capture_job(std::vector<std::string> argv,
                                              const std::optional<Identity>& identity = {});

// What the relay reports. All are called from run(), and may call stop() and say(); empty ones are skipped.
struct RelayEvents {
  std::function<void(pid_t)> started;
  std::function<void(int code, const std::string& why)> not_started;
  std::function<void(os::ExitRecord::How how, int number)> ended;  // the command itself
  std::function<void()>
      tree_gone;  // no process of it is left, and all of its output has been written to ours
  // Our stdout (1) or stderr (2) takes no more: the job goes on without.
  std::function<void(int stream, int error)> not_shown;
  std::function<void(int signal)> signalled;  // SIGINT, SIGTERM or SIGQUIT came to the front end, each time
  // The shim is gone, or closed this connection (a newer front end took over), before tree_gone or not_started.
  std::function<void()> lost;
};

class Relay {
 public:
  enum class End : std::uint8_t {
    stopped,      // by stop()
    hung_up,      // the terminal went away (SIGHUP): leave quietly, the job goes on
    unreachable,  // no shim within the time
    lost,  // after RelayEvents::lost, unless that called stop() or there's a watched descriptor or a call to go on for
  };

  // Blocks SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGWINCH, SIGCONT, SIGTTIN and SIGTTOU for this process, and takes them by
  // descriptor from then on; the destructor undoes it. Make it before the shim is started, so that no ^C is missed, and
  // start children with an empty mask.
  Relay(os::JobPaths paths, RelayEvents events);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // How long run() tries to connect to the shim.
  void set_connect_limit(Millis limit) { connect_limit_ = limit; }
  // Serves one more descriptor in run(): `ready` is called when it can be read or has hung up. -1 stops it.
  void watch(int fd, std::function<void()> ready);
  // Calls once when the time is up; a later call replaces it.
  void call_in(Millis delay, std::function<void()> call);

  // Connects, and serves everything until stop() or one of the other ends. The terminal is as before when it returns.
  [[nodiscard]] End run();
  void stop() { stopped_ = true; }

  // A line on stderr, whatever mode the terminal is in.
  void say(std::string_view line) const;

 private:
  void try_to_connect();
  void read_signals();
  void read_shim();
  void read_input();
  void send_pending();
  void send_window();
  void adopt_terminal();
  void lose_shim();
  [[nodiscard]] bool wants_input() const;
  [[nodiscard]] int wait_limit() const;

  os::JobPaths paths_;
  RelayEvents events_;
  Millis connect_limit_{10'000};
  Millis connect_until_{0};
  std::optional<os::Channel> channel_;
  os::Fd signals_;
  sigset_t old_mask_{};
  int extra_fd_ = -1;
  std::function<void()> extra_ready_;
  Millis call_at_{0};
  std::function<void()> call_;

  bool stopped_ = false;
  std::optional<End> end_;
  bool finished_ = false;  // tree_gone or not_started has come
  bool stdin_is_terminal_ = false;
  bool both_are_terminals_ = false;
  bool input_done_ = false;  // its end has been sent, or is pending
  std::optional<os::WindowSize> window_to_send_;
  char pending_type_ = 0;  // a packet that the shim didn't take yet
  std::string pending_;
  os::RawTerminal raw_;
};

}  // namespace curfew::cli
