// The front end while the job runs: relays the terminal, shows the guard's decisions, passes signals to it, and waits for
// the result.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "cli/relay.hpp"
#include "layers/units.hpp"
#include "os/shim_channel.hpp"

namespace curfew::cli {

class Follower {
 public:
  // Make it before the guard is started: from then on signals are its own.
  Follower(const layers::Places& places, bool quiet);

  // Until the result is known and all output is written; the exit code.
  [[nodiscard]] int run();
  void say(const std::string& line);

 private:
  void connect_to_guard();
  void guard_is_readable();
  void hear(const os::Message& message);
  void ask_to_stop();
  void show_progress(const std::string& line);
  void clear_progress();
  void say_not_shown(int stream, int error);
  void finish_if_done();
  void give_up_on_guard();

  layers::Places places_;
  bool quiet_;
  Relay relay_;
  std::optional<os::Channel> guard_;
  int tries_ = 0;            // to reach the guard, since it was last there
  std::deque<int> signals_;  // not yet passed on; the second and later ones mean at once
  int signals_seen_ = 0;
  std::optional<int> code_;      // the guard's result
  std::optional<int> job_code_;  // the command's own
  bool job_over_ = false;        // nothing of it is left, or it never was
  bool progress_shown_ = false;
};

}  // namespace curfew::cli
