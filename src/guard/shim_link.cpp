// Speaks to the shim.
#include "guard/shim_link.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>

#include <memory>

#include "base/text.hpp"
#include "os/clock.hpp"
#include "os/files.hpp"

namespace curfew::guard {
namespace {

constexpr Millis k_connect_limit{20'000};
constexpr Millis k_reconnect_limit{2'000};
constexpr Millis k_look_again{20};
constexpr Millis k_wait{3'600'000};

// Session and parent of a process, from /proc/PID/stat; the name may hold anything, so count from the last ')'.
std::optional<int> session_of(const std::string& pid) {
  const auto stat = os::read_file("/proc/" + pid + "/stat", 4096);
  if (!stat) return {};
  const auto after_name = stat->rfind(')');
  if (after_name == std::string::npos) return {};
  const auto words = split(trimmed(std::string_view(*stat).substr(after_name + 1)), ' ');
  if (words.size() < 4) return {};
  const auto session = parse_number(words[3]);
  return session ? std::optional<int>(static_cast<int>(*session)) : std::nullopt;
}

// The v2 cgroup of a process if it's one that the shim made for the job.
std::string job_cgroup_of(int pid) {
  const auto text = os::read_file("/proc/" + std::to_string(pid) + "/cgroup", 16'384);
  if (!text) return {};
  for (const auto line : split(*text, '\n')) {
    if (!line.starts_with("0::") || line.find("/curfew-job") == std::string_view::npos) continue;
    for (const std::string mount : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
      std::string folder = mount + std::string(line.substr(3));
      if (os::exists(folder + "/cgroup.kill")) return folder;
    }
  }
  return {};
}

}  // namespace

Status ShimLink::send(os::ToShim type, std::string_view text) {
  if (!channel_) return fail(ErrorKind::unavailable, "tell the shim", "it is not connected");
  return channel_->send(static_cast<char>(type), text);
}

void ShimLink::signal_tree(int signal) {
  if (send(os::ToShim::signal_tree, std::to_string(signal))) return;
  if (pid_ && !gone_) ::kill(-*pid_, signal);
}

void ShimLink::signal_command(int signal) {
  if (send(os::ToShim::signal_command, std::to_string(signal))) return;
  if (pid_ && !gone_) ::kill(*pid_, signal);
}

void ShimLink::kill_tree() {
  if (send(os::ToShim::kill_tree, "")) return;
  if (!gone_) kill_what_is_left();
}

void ShimLink::kill_what_is_left() {
  if (!cgroup_.empty()) {
    const os::Fd kill_file{::open((cgroup_ + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC)};
    // Gone with the shim's unit, as a rule.
    if (kill_file) (void)os::write_all(kill_file.get(), "1", cgroup_);
  }
  if (!pid_) return;
  ::kill(-*pid_, SIGKILL);
  // Without the shim there is no subreaper; the job's session is what still holds it together.
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc"), ::closedir);
  while (folder) {
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr) return;
    const auto pid = parse_number(entry->d_name);
    if (pid && session_of(entry->d_name) == *pid_) ::kill(static_cast<pid_t>(*pid), SIGKILL);
  }
}

void ShimLink::tell_end(const os::ExitRecord& record) {
  if (ended_) return;
  ended_ = true;
  if (record.how == os::ExitRecord::How::not_started) {
    log_.error("the command could not be started: " + record.why);
    sink_(JobNotStarted{record.number});
    return;
  }
  const auto how =
      record.how == os::ExitRecord::How::exited ? JobResult::How::exited : JobResult::How::signalled;
  sink_(JobEnded{JobResult{how, record.number}});
}

bool ShimLink::hear(const os::Message& message) {
  const auto words = split(message.text, ' ');
  const auto number = [&](std::size_t word) {
    return words.size() > word ? parse_number(words[word]).value_or(0) : 0;
  };
  switch (static_cast<os::FromShim>(message.type)) {
    case os::FromShim::started:
      pid_ = static_cast<int>(number(0));
      cgroup_ = job_cgroup_of(*pid_);
      sink_(JobStarted{});
      return true;
    case os::FromShim::not_started: {
      const auto space = message.text.find(' ');
      tell_end({os::ExitRecord::How::not_started,
                static_cast<int>(number(0)),
                space == std::string::npos ? "" : message.text.substr(space + 1),
                0,
                {}});
      return true;
    }
    case os::FromShim::ended:
      tell_end({words[0] == "exited" ? os::ExitRecord::How::exited : os::ExitRecord::How::signalled,
                static_cast<int>(number(1)),
                {},
                0,
                {}});
      return true;
    case os::FromShim::tree_gone:
      gone_ = true;
      sink_(TreeGone{});
      return true;
    case os::FromShim::not_shown: return true;  // the front end's
    case os::FromShim::output_at:
      output_at_ = WallTime{Millis{static_cast<std::int64_t>(number(0))}};
      return true;
  }
  return false;
}

Awaitable<bool> ShimLink::connect(Millis limit) {
  const os::SystemClock clock;
  const auto until = clock.boot() + limit;
  for (;;) {
    if (auto channel = os::connect_to_shim(paths_)) {
      channel_.emplace(std::move(*channel));
      if (send(os::ToShim::hello_guard, "")) co_return true;
      channel_.reset();
    }
    if (clock.boot() >= until || os::exists(paths_.exit_record())) co_return false;
    co_await pause(k_look_again);
  }
}

Awaitable<void> ShimLink::run() {
  bool found = co_await connect(k_connect_limit);
  while (found) {
    (void)co_await readable(channel_->fd(), k_wait);
    for (;;) {
      auto message = channel_->receive();
      if (!message) {
        channel_.reset();
        break;
      }
      if (!*message) break;
      if (!hear(**message)) log_.warning("the shim sent a message that is not known; ignored");
    }
    // Closed: it has gone, or it dropped a guard that didn't keep up.
    if (channel_) continue;
    found = false;
    if (!gone_) found = co_await connect(k_reconnect_limit);
  }
  if (gone_) co_return;

  if (const auto text = os::read_file(paths_.exit_record())) {
    if (const auto record = os::exit_record_from_json(*text)) tell_end(*record);
    else log_.warning(record.error().text());
  }
  if (!ended_) {
    log_.error("the job's parent (shim) is not there any more, and left no exit record");
    sink_(JobLost{});
  }
  kill_what_is_left();
  gone_ = true;
  sink_(TreeGone{});
}

}  // namespace curfew::guard
