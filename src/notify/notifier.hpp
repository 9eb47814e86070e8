// Sends notifications from the guard's loop, each place on its own, and never holds anything up.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "aws/sns.hpp"
#include "base/result.hpp"
#include "base/times.hpp"
#include "net/http.hpp"
#include "notify/mail.hpp"
#include "notify/message.hpp"
#include "notify/target.hpp"
#include "os/clock.hpp"

namespace curfew::notify {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

struct Pace {
  Millis each_try{5'000};  // mail has until the end of `whole`, or 30 s
  int tries = 5;
  Millis whole{120'000};         // for all tries of one notification, pauses included
  Millis first_pause{1'000};     // doubled after each
  Millis longest_pause{60'000};  // also of what a Retry-After asks for
};

// What waits to be sent to one place; beyond it the oldest goes, those of the end last.
inline constexpr std::size_t k_longest_queue = 50;

struct Means {
  net::HttpClient& http;
  aws::Sns& sns;
  const os::Clock& clock;
  // A line for the log whenever something isn't delivered. Holds no secret of a target's.
  std::function<void(const std::string&)> report;
  Mailer* mailer = nullptr;  // none: mail isn't delivered
  // Reads a secret parameter of SSM; none: what stands in one isn't delivered.
  std::function<Awaitable<Result<std::string>>(std::string name)> parameter = {};
};

// Single-threaded: used from the executor's loop only. May go while sending: what it was given must live until the loop
// has stopped running.
class Notifier {
 public:
  Notifier(boost::asio::any_io_executor executor, Means means, std::vector<Target> targets, Pace pace = {});
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  // Queues it for every target and returns at once. In each place they arrive in order, one at a time.
  void notify(Message message);

  // Returns when all is sent or given up, or at `until` by the boot clock at the latest; how many are left is said, and
  // returned. Those go on being tried while the loop runs. Pauses between tries are cut short once.
  [[nodiscard]] Awaitable<std::size_t> flush(BootTime until);

  // Not yet sent, over all targets.
  [[nodiscard]] std::size_t waiting() const;

 private:
  struct Lane;
  std::vector<std::shared_ptr<Lane>> lanes_;
  const os::Clock& clock_;
};

}  // namespace curfew::notify
