// getaddrinfo on a thread of its own.
#include "net/resolve.hpp"

#include <netdb.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace curfew::net {
namespace {

namespace asio = boost::asio;
using Endpoints = std::vector<asio::ip::tcp::endpoint>;

// Threads that hang in getaddrinfo, beyond which names aren't looked up: a dead name server must not cost a thread a
// second for days.
constexpr int k_threads = 32;
std::atomic<int> running{0};

// What the thread and the coroutine share; whoever leaves last frees it. The executor may be used only while `waiting`
// is set and the lock is held: then the coroutine, and so its io_context, is alive.
struct Lookup {
  std::mutex lock;
  bool waiting = true;
  bool done = false;
  int status = 0;
  Endpoints endpoints;
  asio::steady_timer* timer = nullptr;
};

void look_up(const std::shared_ptr<Lookup>& lookup, const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int status = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  const std::lock_guard guard(lookup->lock);
  lookup->status = status;
  for (const addrinfo* entry = found;
       status == 0 && entry != nullptr && lookup->endpoints.size() < k_addresses; entry = entry->ai_next) {
    asio::ip::tcp::endpoint endpoint;
    if (entry->ai_addrlen > endpoint.capacity()) continue;
    std::memcpy(endpoint.data(), entry->ai_addr, entry->ai_addrlen);
    endpoint.resize(entry->ai_addrlen);
    lookup->endpoints.push_back(endpoint);
  }
  if (found != nullptr) freeaddrinfo(found);
  lookup->done = true;
  running.fetch_sub(1);
  if (!lookup->waiting) return;
  asio::post(lookup->timer->get_executor(), [lookup] {
    const std::lock_guard inner(lookup->lock);
    if (lookup->waiting) lookup->timer->cancel();
  });
}

// Takes the coroutine's side away from the thread, also when the coroutine is destroyed while it waits.
struct Abandon {
  std::shared_ptr<Lookup> lookup;
  ~Abandon() {
    const std::lock_guard guard(lookup->lock);
    lookup->waiting = false;
  }
};

}  // namespace

asio::awaitable<Result<Endpoints>> resolve(std::string host, std::uint16_t port, Millis limit) {
  boost::system::error_code not_numeric;
  const auto address = asio::ip::make_address(host, not_numeric);
  if (!not_numeric) co_return Endpoints{{address, port}};

  const auto what = "look up the name " + host;
  if (running.fetch_add(1) >= k_threads) {
    running.fetch_sub(1);
    co_return fail(ErrorKind::unavailable, what, "too many earlier lookups still hang",
                   "is the name server reachable?");
  }
  asio::steady_timer timer(co_await asio::this_coro::executor, limit);
  const auto lookup = std::make_shared<Lookup>();
  lookup->timer = &timer;
  const Abandon abandon{lookup};
  try {
    std::thread([lookup, host, port] { look_up(lookup, host, port); }).detach();
  } catch (const std::system_error& error) {
    running.fetch_sub(1);
    co_return fail(ErrorKind::system, what, std::string("can't start a thread: ") + error.what());
  }
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));

  const std::lock_guard guard(lookup->lock);
  lookup->waiting = false;
  if (!lookup->done)
    co_return fail(ErrorKind::timed_out, what, "no answer within " + std::to_string(limit.count()) + " ms",
                   "is the name server reachable?");
  if (lookup->status != 0 || lookup->endpoints.empty()) {
    const bool unknown = lookup->status == EAI_NONAME;
    co_return fail(
        ErrorKind::unavailable, what,
        lookup->status != 0 ? gai_strerror(lookup->status) : "it has no address of a kind this machine has",
        unknown ? "is the name, and the region in it, spelt right?" : "");
  }
  co_return std::move(lookup->endpoints);
}

}  // namespace curfew::net
