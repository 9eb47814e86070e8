// The guard's control socket: status, following its decisions, asking it to stop. Packets as in os/shim_channel.hpp.
//
// Root and the guard's own user may do everything; the job's owner may do what stands here, for it's his front end that
// asks. Anybody else is closed at once (SO_PEERCRED).
#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>

#include "base/result.hpp"
#include "guard/async.hpp"
#include "os/shim_channel.hpp"

namespace curfew::guard {

enum class ToGuard : char {
  status = '?',
  follow = 'f',  // from now on: decisions, progress and the result
  stop = 's',    // "SIGNAL AT_ONCE", e.g. "15 0"
  extend = 'e',  // "SECONDS"; an answer comes back
  disarm = 'd',  // an answer comes back
};
enum class FromGuard : char {
  status = '?',     // JSON
  line = 'l',       // "info TEXT", "warning TEXT", "error TEXT"
  progress = 'p',   // one line about saving, to be drawn over the last
  published = 'x',  // "CODE": what the front end exits with
  done = 'y',       // the answer: what was done
  refused = 'n',    // the answer: why not
};

[[nodiscard]] std::string control_path(const std::string& run_folder);
[[nodiscard]] Result<os::Channel> connect_to_guard(const std::string& run_folder);

class ControlServer {
 public:
  struct Handlers {
    std::function<std::string()> status;
    std::function<void(int signal, bool at_once)> stop;
    std::function<std::string()> published;  // "CODE", or empty: not yet
    // What was done, or why not.
    std::function<Result<std::string>(Seconds by)> extend;
    std::function<Result<std::string>()> disarm;
    // What the two depend on is known. Right after the start the metadata service may not have answered yet; they are
    // held back for it a moment, so that nobody has to try again by hand.
    std::function<bool()> may_decide;
  };

  ControlServer(boost::asio::any_io_executor executor, uid_t owner, Handlers handlers);
  // Makes the socket (0600, given to the owner) and serves until the loop ends.
  [[nodiscard]] Status open(const std::string& run_folder);

  // To everyone who follows; one who doesn't keep up loses lines, never holds up the guard. The last lines are kept for
  // followers who come late.
  void tell(FromGuard type, std::string_view text);
  // Somebody follows, and all who do have read everything, the result included. False where one had to be closed.
  [[nodiscard]] bool all_heard() const;
  // Somebody has followed, at some time.
  [[nodiscard]] bool was_followed() const { return was_followed_; }

 private:
  struct Client {
    os::Channel channel;
    bool may_all = false;  // root, or the guard's own user
    bool follows = false;
    bool knows_result = false;
    bool gone = false;
  };

  [[nodiscard]] Awaitable<void> accept(std::shared_ptr<os::Fd> listener);
  [[nodiscard]] Awaitable<void> serve(std::shared_ptr<Client> client);
  [[nodiscard]] Awaitable<void> wait_to_decide();
  void answer(Client& client, const os::Message& message);
  void change(Client& client, const os::Message& message);
  void answer_with(Client& client, const Result<std::string>& result);

  boost::asio::any_io_executor executor_;
  uid_t owner_;
  Handlers handlers_;
  std::list<std::shared_ptr<Client>> clients_;
  std::deque<std::string> lines_;
  bool closed_one_ = false;  // who comes again
  bool was_followed_ = false;
};

}  // namespace curfew::guard
