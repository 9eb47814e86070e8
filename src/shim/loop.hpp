// The shim's one loop: what it waits for, and what it does then. See shim.hpp for what it is as a whole.
#pragma once

#include <poll.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "os/shim_channel.hpp"
#include "shim/clients.hpp"
#include "shim/input.hpp"
#include "shim/keeper.hpp"
#include "shim/output.hpp"
#include "shim/shim.hpp"
#include "shim/start.hpp"
#include "shim/tree.hpp"

namespace curfew::shim {

class Loop {
 public:
  Loop(const os::JobPaths& paths, const ShimOptions& options);

  [[nodiscard]] int run();

 private:
  // One of the job's output descriptors and the front end's that it goes to.
  struct Stream {
    int fd = -1;
    std::size_t sink = 0;
    [[nodiscard]] bool open() const { return fd >= 0; }
  };
  static constexpr std::size_t k_no_sink = 2;

  // The start.
  void begin();
  void take_over(StartedJob job);
  void refuse(int code, std::string why);

  // A turn.
  void wait();
  void turn();
  [[nodiscard]] Moment next_moment() const;
  [[nodiscard]] bool may_leave() const;

  // Children.
  void read_signals();
  void read_start();
  void reap();
  void command_ended(int status);
  [[nodiscard]] std::string ended_text() const;
  void check_tree();
  void ask_to_stop();

  // Clients.
  void serve(std::size_t which, bool hung_up);
  [[nodiscard]] bool obey(std::size_t which, os::Message& message);
  [[nodiscard]] bool obey_guard(os::ToShim type, std::string_view text);
  [[nodiscard]] bool obey_front(os::ToShim type, std::string_view text);
  [[nodiscard]] bool greet(std::size_t which, os::Message& message);
  void tell_all(os::FromShim type, std::string_view text);
  void tell_end(std::size_t which);
  void tell_output_time();
  void front_has_gone();

  // Output.
  [[nodiscard]] bool may_read(const Stream& stream) const;
  // False once there's nothing to read now.
  bool read_stream(Stream& stream);
  void drain();
  void drop_stuck_sinks();
  void tell_lost_sinks();
  [[nodiscard]] bool awaiting_front() const;
  [[nodiscard]] bool sinks_are_empty() const { return sinks_[0].waiting() == 0 && sinks_[1].waiting() == 0; }

  const os::JobPaths& paths_;
  const ShimOptions& options_;
  Keeper keeper_;
  Clients clients_;
  std::optional<JobTree> tree_;
  os::JobSpec spec_;
  StartedJob job_;
  OutputLog log_;
  JobInput input_;
  std::array<Sink, 2> sinks_;  // the front end's stdout and stderr
  std::array<Stream, 3> streams_;
  os::Fd signals_;

  enum class Stage : std::uint8_t { starting, running, ended, gone, refused };
  Stage stage_ = Stage::starting;
  os::ExitRecord record_;
  std::string refusal_;
  bool stopping_ = false;   // SIGTERM came
  bool leave_now_ = false;  // and what could be done has been done
  bool hurry_ = false;      // the job was told to end: nobody who doesn't read may hold it up
  std::optional<std::size_t> front_;
  bool front_came_ = false;
  bool settled_ = false;  // what the start needed has been given back
  bool guard_came_ = false;

  Moment now_{0};
  Moment began_{0};
  std::optional<Moment> kill_at_;
  Millis kill_again_{20};
  std::optional<Moment> give_up_at_;
  std::array<std::optional<Moment>, 2> stuck_since_;
  std::int64_t output_ms_ = 0;  // wall time of the last output
  bool output_untold_ = false;
  Moment output_told_at_{-1'000};

  // What is polled in this turn; -1: not.
  std::array<pollfd, 24> polls_{};
  std::size_t poll_count_ = 0;
};

}  // namespace curfew::shim
