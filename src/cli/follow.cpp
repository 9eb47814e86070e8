// Follows a guarded job from its terminal.
#include "cli/follow.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "guard/control.hpp"
#include "os/files.hpp"

namespace curfew::cli {
namespace {

constexpr Millis k_first_retry{5};
constexpr Millis k_retry{20};
constexpr Millis k_shim_limit{30'000};  // systemd may be busy booting the machine
constexpr Millis k_goodbye{1'000};
constexpr int k_quick_tries = 200;  // a second: guard and front end start together
// A guard that died is back after a second, one that hung after 31; then nobody is there any more.
constexpr int k_most_tries = k_quick_tries + 3'000;
// Told to end (SIGTERM) while no guard is there: a forced power-off waits for every process, and so for this one.
constexpr int k_most_tries_told_to_end = k_quick_tries + 200;

}  // namespace

Follower::Follower(const layers::Places& places, bool quiet)
    : places_(places),
      quiet_(quiet),
      relay_({places.state, places.run},
             {.started = {},
              .not_started =
                  [this](int code, const std::string& why) {
                    job_code_ = code;
                    job_over_ = true;
                    say("the command could not be started: " + why);
                    finish_if_done();
                  },
              .ended =
                  [this](os::ExitRecord::How how, int number) {
                    job_code_ = how == os::ExitRecord::How::exited ? number : 128 + number;
                  },
              .tree_gone =
                  [this] {
                    job_over_ = true;
                    finish_if_done();
                  },
              .not_shown = [this](int stream, int error) { say_not_shown(stream, error); },
              .signalled =
                  [this](int signal) {
                    signals_.push_back(signal);
                    ask_to_stop();
                  },
              .lost =
                  [this] {
                    job_over_ = true;
                    finish_if_done();
                  }}) {}

void Follower::say(const std::string& line) {
  clear_progress();
  // Some of it is told by the shim, which the job's user may have described: the command's name above all.
  relay_.say("curfew: " + printable(line, 4'000));
}

void Follower::say_not_shown(int stream, int error) {
  const std::string name = stream == STDERR_FILENO ? "stderr" : "stdout";
  const std::string why = error == EPIPE ? "nobody reads " + name + " any more"
                                         : name + " takes no more output: " + std::strerror(error);
  say(why + "; the job goes on, and its output is kept in " +
      os::JobPaths{places_.state, places_.run}.output() + " (`curfew stop` stops it)");
}

void Follower::clear_progress() {
  if (!progress_shown_) return;
  progress_shown_ = false;
  (void)!::write(2, "\r\x1b[K", 4);
}

void Follower::show_progress(const std::string& line) {
  if (quiet_ || ::isatty(2) != 1) return;
  const std::string text = "\r\x1b[Kcurfew: " + printable(line, 160);
  progress_shown_ = true;
  (void)!::write(2, text.data(), text.size());
}

void Follower::connect_to_guard() {
  auto channel = guard::connect_to_guard(places_.run);
  if (channel && channel->send(static_cast<char>(guard::ToGuard::follow), "")) {
    guard_.emplace(std::move(*channel));
    tries_ = 0;
    relay_.watch(guard_->fd(), [this] { guard_is_readable(); });
    return ask_to_stop();
  }
  const bool told_to_end = std::find(signals_.begin(), signals_.end(), SIGTERM) != signals_.end();
  if (++tries_ > (told_to_end ? k_most_tries_told_to_end : k_most_tries)) return give_up_on_guard();
  relay_.call_in(tries_ < k_quick_tries ? k_first_retry : k_retry, [this] { connect_to_guard(); });
}

// The job may go on without a guard only until L0 or systemd's start limit acts; nobody will tell how it went.
void Follower::give_up_on_guard() {
  say("the guard can't be reached any more; what it was doing is in its log (journalctl -u curfew). Whether "
      "results were saved is not known");
  code_ = job_code_ && *job_code_ != 0 ? *job_code_ : k_exit_failed;
  job_over_ = true;
  finish_if_done();
}

void Follower::guard_is_readable() {
  while (guard_) {
    auto message = guard_->receive();
    if (!message) {
      relay_.watch(-1, {});
      guard_.reset();
      if (!code_) return connect_to_guard();
      return finish_if_done();
    }
    if (!*message) return;
    hear(**message);
  }
}

void Follower::hear(const os::Message& message) {
  switch (static_cast<guard::FromGuard>(message.type)) {
    case guard::FromGuard::line: {
      const auto space = message.text.find(' ');
      if (!quiet_ && space != std::string::npos) say(message.text.substr(space + 1));
      return;
    }
    case guard::FromGuard::progress: return show_progress(message.text);
    case guard::FromGuard::published:
      if (const auto code = parse_number(message.text); code && *code < 256) code_ = static_cast<int>(*code);
      return finish_if_done();
    case guard::FromGuard::status:
    case guard::FromGuard::done:
    case guard::FromGuard::refused: return;
  }
}

void Follower::ask_to_stop() {
  while (guard_ && !signals_.empty()) {
    const std::string text = std::to_string(signals_.front()) + (signals_seen_ > 0 ? " 1" : " 0");
    if (!guard_->send(static_cast<char>(guard::ToGuard::stop), text)) return;
    signals_.pop_front();
    ++signals_seen_;
  }
}

void Follower::finish_if_done() {
  if (!code_ || !job_over_) return;
  clear_progress();
  // Where the machine stays, the guard leaves now: a command that follows at once finds nobody in its way.
  if (!guard_) return relay_.stop();
  relay_.call_in(k_goodbye, [this] { relay_.stop(); });
}

int Follower::run() {
  relay_.set_connect_limit(k_shim_limit);
  connect_to_guard();
  const auto end = relay_.run();
  clear_progress();
  if (end == Relay::End::hung_up) return 129;  // 128 + SIGHUP; nobody sees it
  if (end == Relay::End::unreachable && !code_) {
    say("the job's parent could not be reached within 30s; see `curfew status` and journalctl -u curfew-job");
    return k_exit_failed;
  }
  return code_.value_or(job_code_.value_or(k_exit_failed));
}

}  // namespace curfew::cli
