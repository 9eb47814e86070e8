// The guard's side of the shim: starts nothing, finds the shim of this job, and turns what it tells into events.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "guard/async.hpp"
#include "guard/policy.hpp"
#include "os/log.hpp"
#include "os/shim_channel.hpp"

namespace curfew::guard {

class ShimLink {
 public:
  using Sink = std::function<void(Event)>;

  ShimLink(os::JobPaths paths, os::Log& log, Sink sink)
      : paths_(std::move(paths)), log_(log), sink_(std::move(sink)) {}

  // Connects (for at most 20 s), says who it is, and tells what it hears, until the shim has gone. A shim that went
  // without telling the job's end: its exit record counts, else the job is lost and what is left of it is killed here.
  [[nodiscard]] Awaitable<void> run();

  void signal_tree(int signal);
  void signal_command(int signal);
  void kill_tree();
  // Shows the shim that the guard is alive, where it watches.
  void beat() { (void)send(os::ToShim::guard_alive, ""); }
  void leave() { (void)send(os::ToShim::leave, ""); }

  [[nodiscard]] std::optional<int> job_pid() const { return pid_; }
  [[nodiscard]] std::optional<WallTime> output_at() const { return output_at_; }
  [[nodiscard]] bool connected() const { return channel_.has_value(); }

 private:
  [[nodiscard]] Status send(os::ToShim type, std::string_view text);
  [[nodiscard]] Awaitable<bool> connect(Millis limit);
  // False where it was not a message of the shim's.
  [[nodiscard]] bool hear(const os::Message& message);
  void tell_end(const os::ExitRecord& record);
  void kill_what_is_left();

  os::JobPaths paths_;
  os::Log& log_;
  Sink sink_;
  std::optional<os::Channel> channel_;
  std::optional<int> pid_;
  std::string cgroup_;  // the job's own, where it has one
  std::optional<WallTime> output_at_;
  bool ended_ = false;
  bool gone_ = false;
};

}  // namespace curfew::guard
