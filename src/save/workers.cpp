// Threads with a queue, and the way back to the loop.
#include "save/workers.hpp"

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <deque>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace curfew::save {
namespace asio = boost::asio;

namespace {

struct Task {
  std::function<void()> job;
  std::atomic<bool> dropped{false};
  std::exception_ptr thrown;
};

struct Waiter {
  explicit Waiter(const asio::any_io_executor& executor)
      : timer(executor, asio::steady_timer::time_point::max()) {}
  asio::steady_timer timer;
  bool done = false;
};

}  // namespace

struct Workers::State {
  explicit State(asio::any_io_executor on) : executor(std::move(on)) {}

  asio::any_io_executor executor;
  // The loop's own.
  std::unordered_map<std::uint64_t, std::shared_ptr<Waiter>> waiters;
  std::uint64_t next = 1;
  std::size_t threads = 0;
  // Shared; `closed` is set before the loop's context goes, and nothing is posted to it after.
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::pair<std::uint64_t, std::shared_ptr<Task>>> tasks;
  bool closed = false;

  void add(std::uint64_t id, std::shared_ptr<Task> task) {
    const std::lock_guard lock(mutex);
    tasks.emplace_back(id, std::move(task));
    wake.notify_one();
  }

  static void work(const std::shared_ptr<State>& state) {
    std::unique_lock lock(state->mutex);
    for (;;) {
      state->wake.wait(lock, [&] { return state->closed || !state->tasks.empty(); });
      if (state->closed) return;
      auto [id, task] = std::move(state->tasks.front());
      state->tasks.pop_front();
      lock.unlock();
      if (!task->dropped) {
        try {
          task->job();
        } catch (...) {
          task->thrown = std::current_exception();
        }
      }
      task->job = nullptr;
      task.reset();
      lock.lock();
      if (state->closed) return;
      if (id != 0) asio::post(state->executor, [state, done = id] { finish(*state, done); });
    }
  }

  static void finish(State& state, std::uint64_t id) {
    const auto found = state.waiters.find(id);
    if (found == state.waiters.end()) return;
    found->second->done = true;
    found->second->timer.cancel();
    state.waiters.erase(found);
  }
};

Workers::Workers(asio::any_io_executor executor, std::size_t threads)
    : state_(std::make_shared<State>(std::move(executor))) {
  // Signals are the loop's business.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    for (; state_->threads < threads; ++state_->threads)
      std::thread([state = state_] { State::work(state); }).detach();
  } catch (const std::system_error&) {
    // No more threads to be had: with fewer, or with none at all, results are still saved.
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Workers::~Workers() {
  const std::lock_guard lock(state_->mutex);
  state_->closed = true;
  state_->tasks.clear();
  state_->wake.notify_all();
  state_->waiters.clear();
}

Awaitable<bool> Workers::run(std::function<void()> job) {
  const auto state = state_;
  if (state->threads == 0) {
    job();
    co_return true;
  }
  const auto task = std::make_shared<Task>();
  task->job = std::move(job);
  const auto waiter = std::make_shared<Waiter>(state->executor);
  const std::uint64_t id = state->next++;
  state->waiters.emplace(id, waiter);
  state->add(id, task);
  co_await waiter->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (!waiter->done) {
    task->dropped = true;
    state->waiters.erase(id);
    co_return false;
  }
  if (task->thrown) std::rethrow_exception(task->thrown);
  co_return true;
}

void Workers::post(std::function<void()> job) {
  if (state_->threads == 0) return job();
  auto task = std::make_shared<Task>();
  task->job = std::move(job);
  state_->add(0, std::move(task));
}

}  // namespace curfew::save
