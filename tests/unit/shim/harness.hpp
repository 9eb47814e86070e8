// Runs a shim in a process of its own, and plays its guard and its front end. Nothing here can turn off a machine: the
// shim has no way to.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "os/files.hpp"
#include "os/process_tree.hpp"
#include "os/shim_channel.hpp"
#include "shim/shim.hpp"

namespace curfew::shim::testing {

using namespace std::chrono_literals;
using os::FromShim;
using os::ToShim;
using Clock = std::chrono::steady_clock;

inline constexpr auto k_bound = 20s;

// Polls until `done` is true; false when the bound is up.
inline bool eventually(const std::function<bool()>& done, std::chrono::milliseconds bound = k_bound) {
  const auto until = Clock::now() + bound;
  while (!done()) {
    if (Clock::now() >= until) return false;
    ::poll(nullptr, 0, 2);
  }
  return true;
}

// A file with a name that goes with the object.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "curfew-shim-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    ::chmod(name.c_str(), 0755);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string slurp(const std::string& path) {
  const auto text = os::read_file(path, 512U << 20U);
  return text ? *text : std::string{};
}

// A connection to the shim, as guard or front end.
class Peer {
 public:
  explicit Peer(os::Channel channel) : channel_(std::move(channel)) {}

  [[nodiscard]] os::Channel& channel() { return channel_; }
  bool say(ToShim type, std::string_view text = {}, const std::vector<int>& fds = {}) {
    return channel_.send(static_cast<char>(type), text, fds).has_value();
  }
  // The next packet; nothing at the peer's end or when the bound is up.
  std::optional<os::Message> next(std::chrono::milliseconds bound = k_bound) {
    const auto until = Clock::now() + bound;
    for (;;) {
      auto message = channel_.receive();
      if (!message) {
        ended_ = true;
        return std::nullopt;
      }
      if (*message) return std::move(**message);
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
      if (left <= 0) return std::nullopt;
      pollfd one{channel_.fd(), POLLIN, 0};
      ::poll(&one, 1, static_cast<int>(left));
    }
  }
  // Skips others until one of this type comes.
  std::optional<std::string> await(FromShim type, std::chrono::milliseconds bound = k_bound) {
    while (auto message = next(bound))
      if (message->type == static_cast<char>(type)) return message->text;
    return std::nullopt;
  }
  [[nodiscard]] bool ended() const { return ended_; }
  // Whether the shim closes the connection.
  bool is_closed() {
    while (next()) continue;
    return ended_;
  }

 private:
  os::Channel channel_;
  bool ended_ = false;
};

// Collects what is written to a pipe; see fd().
class Collector {
 public:
  Collector() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
    read_.reset(ends[0]);
    write_.reset(ends[1]);
    ::fcntl(read_.get(), F_SETFL, O_NONBLOCK);
  }
  [[nodiscard]] int fd() const { return write_.get(); }
  void close_write() { write_.reset(); }
  void close_read() { read_.reset(); }
  [[nodiscard]] int read_fd() const { return read_.get(); }
  // What is there now.
  const std::string& pull() {
    std::array<char, 65536> chunk{};
    for (;;) {
      const auto got = ::read(read_.get(), chunk.data(), chunk.size());
      if (got <= 0) return text_;
      text_.append(chunk.data(), static_cast<std::size_t>(got));
    }
  }
  bool contains(std::string_view part) {
    return eventually([&] { return pull().find(part) != std::string::npos; });
  }

 private:
  os::Fd read_;
  os::Fd write_;
  std::string text_;
};

// One shim, in a child process of the test. Parameterless: with a cgroup where the machine has one.
class Shim {
 public:
  Shim() {
    paths_.state = folder_.path() + "/state";
    paths_.run = folder_.path() + "/run";
    ::mkdir(paths_.state.c_str(), 0755);
    ::mkdir(paths_.run.c_str(), 0755);
    spec.cwd = folder_.path();
    spec.env = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/"};
    spec.uid = ::getuid();
    spec.gid = ::getgid();
    options.front_wait = 200ms;  // tests with a front end say more
    options.stop_wait = 300ms;
  }
  Shim(const Shim&) = delete;
  Shim& operator=(const Shim&) = delete;
  ~Shim() {
    if (pid_ <= 0) return;
    // The tree first, while the shim is there to inherit it but can't start another guard.
    ::kill(pid_, SIGSTOP);
    for (int round = 0; round < 200; ++round) {
      bool any = false;
      for (const auto& process : os::descendants(pid_)) {
        if (process.state == 'Z') continue;
        os::signal_process(process, SIGKILL);
        any = true;
      }
      if (!any) break;
      ::poll(nullptr, 0, 5);
    }
    ::kill(pid_, SIGTERM);  // it takes its cgroup with it
    ::kill(pid_, SIGCONT);
    if (eventually([&] { return ::waitpid(pid_, nullptr, WNOHANG) == pid_; }, 3'000ms)) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  os::JobSpec spec;
  ShimOptions options;
  bool inherits_descriptors = false;  // those of the test

  [[nodiscard]] const os::JobPaths& paths() const { return paths_; }
  [[nodiscard]] const std::string& folder() const { return folder_.path(); }
  [[nodiscard]] pid_t pid() const { return pid_; }

  void start(std::vector<std::string> argv) {
    spec.argv = std::move(argv);
    ASSERT_TRUE(os::replace_file(paths_.spec(), os::to_json(spec), 0600, os::Sync::no));
    start_without_spec();
  }
  void start_shell(const std::string& script) { start({"/bin/sh", "-c", script}); }
  void start_without_spec() {
    pid_ = ::fork();
    ASSERT_GE(pid_, 0);
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (!inherits_descriptors) ::close_range(3, ~0U, 0);
      ::_exit(run_shim(paths_, options));
    }
  }

  std::optional<Peer> connect() {
    std::optional<Peer> peer;
    const bool done = eventually([&] {
      auto channel = os::connect_to_shim(paths_);
      if (channel) peer.emplace(std::move(*channel));
      return peer.has_value();
    });
    EXPECT_TRUE(done) << "no shim to connect to";
    return peer;
  }
  Peer guard() {
    auto peer = connect();
    if (!peer) std::abort();
    EXPECT_TRUE(peer->say(ToShim::hello_guard));
    return std::move(*peer);
  }
  Peer front(int out, int err) {
    auto peer = connect();
    if (!peer) std::abort();
    EXPECT_TRUE(peer->say(ToShim::hello_front, {}, {out, err}));
    return std::move(*peer);
  }

  // Waits for the shim to leave by itself; its exit code, -1 where it doesn't.
  int wait() {
    int status = 0;
    const bool left = eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; });
    if (!left) return -1;
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1'000 + WTERMSIG(status);
  }
  os::ExitRecord record() {
    const auto parsed = os::exit_record_from_json(slurp(paths_.exit_record()));
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().text());
    return parsed ? *parsed : os::ExitRecord{};
  }
  std::string log() { return slurp(paths_.output()); }

 private:
  Folder folder_;
  os::JobPaths paths_;
  pid_t pid_ = -1;
};

}  // namespace curfew::shim::testing
