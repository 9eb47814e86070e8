// A few threads for what may block or take long (reading, hashing, walking), so that the control loop never waits.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "net/http.hpp"

namespace curfew::save {

using net::Awaitable;

// Used from the loop's thread only, and destroyed there, before the loop's context. A thread stuck in a system call
// (a dead NFS server) is left behind, never joined: leave the program by _exit. Where the system gives no thread, or 0 are
// asked for, jobs run on the loop.
class Workers {
 public:
  Workers(boost::asio::any_io_executor executor, std::size_t threads);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Runs `job` on a thread and resumes on the loop when it's done: true. Returns false at once where the caller is
  // cancelled; the job may then still run, so it must own (share) all that it touches. Rethrows what the job throws.
  // Pass a named std::function by std::move: gcc 12 destroys a lambda in a co_await expression twice.
  [[nodiscard]] Awaitable<bool> run(std::function<void()> job);
  // Runs `job` on a thread some time; nobody waits.
  void post(std::function<void()> job);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace curfew::save
