// The shim's loop: start, turns, children, time.
#include "shim/loop.hpp"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "base/text.hpp"
#include "os/clock.hpp"
#include "os/files.hpp"
#include "os/memory.hpp"

namespace curfew::shim {

namespace {

constexpr std::size_t k_largest_spec = 8U
                                       << 20U;  // arguments and environment: Linux takes about 2 MiB of them
constexpr int k_reaps_a_turn = 1'000;
constexpr int k_reads_a_turn = 4;
constexpr Millis k_longest_kill_pause{1'000};
constexpr Millis k_look_again{1'000};  // at a tree that should have said that it's gone
constexpr Millis k_after_kill{
    2'000};  // SIGTERM to the shim: past the kill, processes stuck in the kernel are left
constexpr Millis k_stuck{2'000};  // a front end that doesn't read, once the job is to end

Moment monotonic() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return Millis{now.tv_sec * 1'000 + now.tv_nsec / 1'000'000};
}

}  // namespace

Loop::Loop(const os::JobPaths& paths, const ShimOptions& options)
    : paths_(paths), options_(options), keeper_(options_) {}

int Loop::run() {
  now_ = began_ = monotonic();
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int number : {SIGCHLD, SIGTERM}) sigaddset(&wanted, number);
  ::sigprocmask(SIG_SETMASK, &wanted, nullptr);
  signals_.reset(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) {
    refuse(k_not_set_up, std::string("watch for signals: ") + std::strerror(errno));
    return k_not_set_up;
  }
  begin();
  while (!may_leave()) {
    keeper_.step(now_);
    wait();
    turn();
  }
  clients_.close();
  return stage_ == Stage::refused && record_.number == k_not_set_up ? k_not_set_up : 0;
}

// The socket comes first, so that whoever waits for it also learns why nothing started.
void Loop::begin() {
  if (const Status listening = clients_.listen(paths_.shim_socket()); !listening)
    return refuse(k_not_set_up, listening.error().text());
  const auto text = os::read_file(paths_.spec(), k_largest_spec);
  if (!text) return refuse(k_not_set_up, text.error().text());
  auto spec = os::job_spec_from_json(*text);
  if (!spec) return refuse(k_not_set_up, spec.error().text());
  spec_ = std::move(*spec);
  if (const Status admitted = clients_.admit(spec_.uid); !admitted)
    return refuse(k_not_set_up, admitted.error().text());
  log_ = OutputLog(paths_.output(), spec_.output_bytes, spec_.uid);
  tree_.emplace(options_.use_cgroup, keeper_);
  auto started = start_job(spec_, tree_->cgroup());
  if (!started) return refuse(k_not_set_up, started.error().text());
  take_over(std::move(*started));
}

void Loop::take_over(StartedJob job) {
  job_ = std::move(job);
  if (spec_.stdin_tty) {
    input_.use_terminal(job_.master.get());
  } else {
    input_.use_pipe(std::move(job_.input));
  }
  const std::size_t terminal_sink = spec_.stdout_tty ? 0 : spec_.stderr_tty ? 1 : k_no_sink;
  streams_ = {Stream{job_.output.get(), 0}, Stream{job_.errors.get(), 1},
              Stream{job_.master.get(), terminal_sink}};
}

void Loop::refuse(int code, std::string why) {
  stage_ = Stage::refused;
  record_ = {os::ExitRecord::How::not_started, code, std::move(why), 0, os::boot_id()};
  record_.ended_ms = os::SystemClock{}.wall().time_since_epoch().count();
  refusal_ = std::to_string(code) + " " + record_.why;
  const Status written = os::replace_file(paths_.exit_record(), os::to_json(record_), 0600, os::Sync::no);
  if (!written) std::fprintf(stderr, "curfew shim: %s\n", written.error().text().c_str());
  for (std::size_t which = 0; which < Clients::k_most; ++which)
    if (clients_.at(which)) tell_end(which);
}

bool Loop::may_leave() const {
  if (leave_now_) return true;
  if (stage_ != Stage::gone && stage_ != Stage::refused) return false;
  if (stopping_) return true;
  if (!clients_.listening()) return keeper_.done();
  // Who was started with us may still be on its way.
  const bool waited = now_ - began_ >= options_.front_wait;
  return clients_.all_told() && (waited || (front_came_ && guard_came_)) && keeper_.done();
}

// ---- a turn

Moment Loop::next_moment() const {
  Moment next = now_ + Millis{60'000};
  const auto by = [&](std::optional<Moment> moment) {
    if (moment) next = std::min(next, *moment);
  };
  by(keeper_.next());
  by(kill_at_);
  by(give_up_at_);
  if (now_ - began_ < options_.front_wait) by(began_ + options_.front_wait);
  if (output_untold_) by(output_told_at_ + Millis{1'000});
  if (stage_ == Stage::ended) by(now_ + k_look_again);
  if (hurry_)
    for (const auto& since : stuck_since_)
      if (since) by(*since + k_stuck);
  return next;
}

void Loop::wait() {
  poll_count_ = 0;
  const auto add = [this](int fd, int events) {
    // A negative descriptor is skipped by poll(2), and its place in the order is kept.
    polls_[poll_count_++] = pollfd{fd, static_cast<short>(events), 0};
  };
  add(signals_.get(), POLLIN);
  add(stage_ == Stage::starting ? job_.status.get() : -1, POLLIN);
  add(tree_ && stage_ != Stage::gone ? tree_->events_fd() : -1, POLLPRI);
  add(clients_.fd(), POLLIN);
  add(input_.poll_fd(), POLLOUT);
  for (const Sink& sink : sinks_) add(sink.poll_fd(), POLLOUT);
  for (const Stream& stream : streams_) add(may_read(stream) ? stream.fd : -1, POLLIN);
  for (std::size_t which = 0; which < Clients::k_most; ++which) {
    const auto& client = clients_.at(which);
    const bool full = client && client->role == Role::front && !input_.has_room(os::k_largest_message);
    add(client && !(full && client->hung_up) ? client->channel.fd() : -1, full ? 0 : POLLIN);
  }
  const auto left = std::max<Moment::rep>(0, (next_moment() - monotonic()).count());
  if (::poll(polls_.data(), poll_count_, static_cast<int>(left)) < 0)
    for (pollfd& each : polls_) each.revents = 0;
  now_ = monotonic();
}

void Loop::turn() {
  std::size_t at = 0;
  const auto ready = [&] { return polls_[at++].revents != 0; };
  if (ready()) read_signals();
  if (ready() && stage_ == Stage::starting) read_start();
  if (ready() && tree_) tree_->acknowledge();
  reap();
  if (stage_ == Stage::ended) check_tree();
  if (ready()) clients_.accept();
  if (ready()) input_.flush();
  for (Sink& sink : sinks_)
    if (ready()) sink.flush();
  for (Stream& stream : streams_)
    for (int count = ready() ? k_reads_a_turn : 0; count > 0 && may_read(stream); --count)
      if (!read_stream(stream)) break;
  for (std::size_t which = 0; which < Clients::k_most; ++which) {
    const short events = polls_[at++].revents;
    if (events != 0) serve(which, (events & POLLIN) == 0);
  }
  if (front_ && !clients_.at(*front_)) front_has_gone();

  if (now_ - began_ >= options_.front_wait && !std::exchange(settled_, true)) os::release_start_memory();
  if (!front_came_ && now_ - began_ >= options_.front_wait) front_has_gone();
  drop_stuck_sinks();
  tell_lost_sinks();
  if (output_untold_ && now_ - output_told_at_ >= Millis{1'000}) tell_output_time();
  if (kill_at_ && now_ >= *kill_at_ && tree_) {
    tree_->kill();
    kill_at_ = now_ + kill_again_;
    kill_again_ = std::min(kill_again_ * 2, k_longest_kill_pause);
  }
  if (give_up_at_ && now_ >= *give_up_at_) leave_now_ = true;
  if (stage_ == Stage::gone && sinks_are_empty() && front_) tell_end(*front_);
}

// ---- children

void Loop::read_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == sizeof info)
    if (info.ssi_signo == SIGTERM) ask_to_stop();
}

void Loop::ask_to_stop() {
  if (stopping_) return;
  stopping_ = hurry_ = true;
  keeper_.set_done();
  if (!tree_ || stage_ == Stage::gone || stage_ == Stage::refused) return;
  tree_->signal(SIGTERM);
  kill_at_ = now_ + options_.stop_wait;
  give_up_at_ = *kill_at_ + k_after_kill;
}

void Loop::read_start() {
  const auto failure = read_start_failure(job_.status.get(), spec_);
  job_.status.reset();
  if (!failure) {
    stage_ = Stage::running;
    return tell_all(os::FromShim::started, std::to_string(job_.pid));
  }
  refuse(failure->code, failure->why);
}

void Loop::reap() {
  for (int count = 0; count < k_reaps_a_turn; ++count) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    if (keeper_.reaped(pid, status, now_)) continue;
    if (pid != job_.pid) continue;
    if (stage_ == Stage::starting) read_start();
    if (stage_ == Stage::running) command_ended(status);
  }
  ::kill(::getpid(), SIGCHLD);  // go on in the next turn
}

void Loop::command_ended(int status) {
  stage_ = Stage::ended;
  const bool exited = WIFEXITED(status);
  record_.how = exited ? os::ExitRecord::How::exited : os::ExitRecord::How::signalled;
  record_.number = exited ? WEXITSTATUS(status) : WTERMSIG(status);
  record_.ended_ms = os::SystemClock{}.wall().time_since_epoch().count();
  record_.boot_id = os::boot_id();
  // On disk for sure only after those who wait have been told: a slow disk isn't to hold them up.
  const std::string text = os::to_json(record_);
  Status written = os::replace_file(paths_.exit_record(), text, 0600, os::Sync::no);
  tell_all(os::FromShim::ended, ended_text());
  check_tree();
  if (written) written = os::replace_file(paths_.exit_record(), text, 0600, os::Sync::yes);
  if (!written) std::fprintf(stderr, "curfew shim: %s\n", written.error().text().c_str());
}

std::string Loop::ended_text() const {
  return (record_.how == os::ExitRecord::How::exited ? "exited " : "signalled ") +
         std::to_string(record_.number);
}

void Loop::check_tree() {
  if (stage_ != Stage::ended || !tree_ || !tree_->gone()) return;
  drain();
  kill_at_.reset();
  input_.close();
  tree_.reset();  // its cgroup goes
  stage_ = Stage::gone;
  if (output_untold_) tell_output_time();
  for (std::size_t which = 0; which < Clients::k_most; ++which)
    if (clients_.at(which) && (front_ != which || sinks_are_empty())) tell_end(which);
}

}  // namespace curfew::shim
