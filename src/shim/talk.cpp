// The shim's loop: what clients say and hear, and the job's output on its way to them.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.hpp"
#include "os/clock.hpp"
#include "os/terminal.hpp"
#include "shim/loop.hpp"

namespace curfew::shim {

namespace {

constexpr std::size_t k_chunk = 65'536;
constexpr std::size_t k_early_output = 256 * 1024;  // kept for a front end that has yet to come
constexpr std::size_t k_late_output =
    4 * 1024 * 1024;  // what the job's pipes held when it ended, for one that is slow
constexpr Millis k_longest_drain{200};
constexpr Millis k_stuck{2'000};  // a front end that doesn't read, once the job is to end
constexpr int k_packets_a_turn = 16;

std::array<char, k_chunk> g_chunk;

}  // namespace

// ---- clients

void Loop::serve(std::size_t which, bool hung_up) {
  auto& client = clients_.at(which);
  if (!client) return;
  if (hung_up) {
    // Not asked for packets, since there's no room for them: it's gone, and what it said last is read when there is.
    client->hung_up = true;
    if (front_ == which)
      for (Sink& sink : sinks_) sink.detach();
    if (!input_.open()) return clients_.drop(which);
  }
  for (int count = 0; count < k_packets_a_turn && client; ++count) {
    if (client->role == Role::front && !input_.has_room(os::k_largest_message)) return;
    auto message = client->channel.receive();
    if (message && !*message) return;
    if (!message || !obey(which, **message)) clients_.drop(which);
  }
}

bool Loop::obey(std::size_t which, os::Message& message) {
  const auto type = static_cast<os::ToShim>(message.type);
  switch (clients_.at(which)->role) {
    case Role::unknown: return greet(which, message);
    case Role::guard: return obey_guard(type, message.text);
    case Role::front: return obey_front(type, message.text);
  }
  return false;
}

bool Loop::greet(std::size_t which, os::Message& message) {
  auto& client = clients_.at(which);
  const auto type = static_cast<os::ToShim>(message.type);
  if (type == os::ToShim::hello_guard && client->may_guard) {
    client->role = Role::guard;
    guard_came_ = true;
    keeper_.heard_from_guard(now_);
  } else if (type == os::ToShim::hello_front) {
    client->role = Role::front;
    if (front_ && *front_ != which) {
      clients_.drop(*front_);
      for (Sink& sink : sinks_) sink.detach();
    }
    front_ = which;
    front_came_ = true;
    for (std::size_t sink = 0; sink < sinks_.size(); ++sink) {
      if (sink < message.fds.size()) {
        sinks_[sink].attach(std::move(message.fds[sink]));
      } else {
        sinks_[sink].detach();
      }
    }
  } else {
    return false;
  }

  if (stage_ == Stage::refused) return tell_end(which), true;
  if (stage_ == Stage::starting) return true;
  if (!clients_.tell(which, os::FromShim::started, std::to_string(job_.pid))) return true;
  if (output_ms_ > 0 && clients_.at(which)->role == Role::guard &&
      !clients_.tell(which, os::FromShim::output_at, std::to_string(output_ms_)))
    return true;
  if (stage_ == Stage::running) return true;
  if (!clients_.tell(which, os::FromShim::ended, ended_text())) return true;
  if (stage_ == Stage::gone && (front_ != which || sinks_are_empty())) tell_end(which);
  return true;
}

bool Loop::obey_guard(os::ToShim type, std::string_view text) {
  keeper_.heard_from_guard(now_);
  switch (type) {
    case os::ToShim::signal_tree:
    case os::ToShim::signal_command: {
      const auto number = parse_number(text);
      if (!number || *number < 1 || *number >= NSIG) return false;
      const int signal = static_cast<int>(*number);
      if (type == os::ToShim::signal_command) {
        if (stage_ == Stage::running) ::kill(job_.pid, signal);  // not reaped, so the number is still its own
        return true;
      }
      hurry_ = true;
      if (tree_) tree_->signal(signal);
      return true;
    }
    case os::ToShim::kill_tree:
      hurry_ = true;
      if (tree_) kill_at_ = now_;
      return true;
    case os::ToShim::guard_alive: return true;
    case os::ToShim::leave: keeper_.set_done(); return true;
    default: return false;
  }
}

bool Loop::obey_front(os::ToShim type, std::string_view text) {
  switch (type) {
    case os::ToShim::input: input_.write(text); return true;
    case os::ToShim::input_end: input_.end(); return true;
    case os::ToShim::window: {
      const auto parts = split(text, ' ');
      if (parts.size() != 2) return false;
      const auto rows = parse_number(parts[0]);
      const auto columns = parse_number(parts[1]);
      if (!rows || !columns || *rows > 65'535 || *columns > 65'535) return false;
      if (job_.master)
        os::set_window_size(job_.master.get(),
                            {static_cast<std::uint16_t>(*rows), static_cast<std::uint16_t>(*columns)});
      return true;
    }
    default: return false;
  }
}

void Loop::tell_all(os::FromShim type, std::string_view text) {
  for (std::size_t which = 0; which < Clients::k_most; ++which)
    if (clients_.at(which) && clients_.at(which)->role != Role::unknown) clients_.tell(which, type, text);
}

// The last thing that a client hears.
void Loop::tell_end(std::size_t which) {
  auto& client = clients_.at(which);
  if (!client || client->role == Role::unknown || client->told_all) return;
  client->told_all = true;
  if (stage_ == Stage::refused) {
    clients_.tell(which, os::FromShim::not_started, refusal_);
  } else {
    clients_.tell(which, os::FromShim::tree_gone, {});
  }
}

void Loop::tell_output_time() {
  output_untold_ = false;
  output_told_at_ = now_;
  for (std::size_t which = 0; which < Clients::k_most; ++which)
    if (clients_.at(which) && clients_.at(which)->role == Role::guard)
      clients_.tell(which, os::FromShim::output_at, std::to_string(output_ms_));
}

// Also where none came in time: the job isn't to wait for input that nobody gives.
void Loop::front_has_gone() {
  front_.reset();
  front_came_ = true;
  for (Sink& sink : sinks_) sink.detach();
  input_.end();
}

// ---- output

bool Loop::awaiting_front() const { return !front_came_; }

bool Loop::may_read(const Stream& stream) const {
  if (!stream.open() || stage_ == Stage::gone) return false;
  if (stream.sink == k_no_sink) return true;
  const Sink& sink = sinks_[stream.sink];
  if (sink.attached()) return sink.waiting() == 0;
  return !awaiting_front() || sink.waiting() < k_early_output;
}

bool Loop::read_stream(Stream& stream) {
  ssize_t got = 0;
  do got = ::read(stream.fd, g_chunk.data(), g_chunk.size());
  while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) return false;
  if (got <= 0) {  // EIO: no process has the terminal open
    stream.fd = -1;
    return false;
  }
  const std::string_view text(g_chunk.data(), static_cast<std::size_t>(got));
  log_.write(text);
  if (stream.sink != k_no_sink) {
    Sink& sink = sinks_[stream.sink];
    if (sink.attached()) {
      sink.write(text);
    } else if (awaiting_front()) {
      sink.keep(text);
    }
  }
  output_ms_ = os::SystemClock{}.wall().time_since_epoch().count();
  output_untold_ = true;
  return true;
}

// The tree is gone: what its pipes still hold is all there is. Somebody outside may hold them open, and even write.
void Loop::drain() {
  job_.slave.reset();
  const auto until = std::chrono::steady_clock::now() + k_longest_drain;
  for (Stream& stream : streams_) {
    while (stream.open() && read_stream(stream) && std::chrono::steady_clock::now() < until) {
      if (stream.sink == k_no_sink || sinks_[stream.sink].waiting() <= k_late_output) continue;
      sinks_[stream.sink].detach();
    }
    stream.fd = -1;
  }
}

void Loop::tell_lost_sinks() {
  for (std::size_t at = 0; at < sinks_.size(); ++at) {
    const int error = sinks_[at].take_failure();
    if (error != 0 && front_)
      clients_.tell(*front_, os::FromShim::not_shown, std::to_string(at + 1) + " " + std::to_string(error));
  }
}

void Loop::drop_stuck_sinks() {
  for (std::size_t at = 0; at < sinks_.size(); ++at) {
    if (!sinks_[at].attached() || sinks_[at].waiting() == 0) {
      stuck_since_[at].reset();
    } else if (!stuck_since_[at]) {
      stuck_since_[at] = now_;
    }
    if (hurry_ && stage_ != Stage::gone && stuck_since_[at] && now_ - *stuck_since_[at] >= k_stuck)
      sinks_[at].detach();
  }
}

}  // namespace curfew::shim
