// A thread for looks that may hang (a dead NFS server, a full disk's queue): one look at a time, with a limit.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "guard/async.hpp"
#include "save/workers.hpp"

namespace curfew::guard {

// Used from the loop's thread only, and destroyed there, before the loop's context.
class BlockingLook {
 public:
  explicit BlockingLook(const boost::asio::any_io_executor& executor)
      : workers_(executor, 1), busy_(std::make_shared<std::atomic<bool>>(false)) {}

  // Runs `job` on the thread. timed_out: it took longer and may still run, or the one before does; so it must own
  // (share) what it touches, and what it shares is to be looked at only after success.
  [[nodiscard]] Awaitable<Status> run(std::function<void()> job, Millis limit, std::string what);

 private:
  save::Workers workers_;
  std::shared_ptr<std::atomic<bool>> busy_;
};

}  // namespace curfew::guard
