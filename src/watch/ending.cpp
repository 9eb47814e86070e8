// Cancel the request, end, look, and again.
#include "watch/ending.hpp"

#include <utility>
#include <vector>

#include "base/text.hpp"
#include "net/within.hpp"

namespace curfew::watch {
namespace {

constexpr unsigned k_looks_until_gone = 2;  // after which an id that EC2 doesn't know is one that is gone

bool may_pass(const Error& error) {
  return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::timed_out ||
         error.kind == ErrorKind::not_found;
}

// EC2's own word. A proxy's 404, or an empty list, tells nothing of the instance.
bool is_gone(const Error& error) { return error.code == "InvalidInstanceID.NotFound"; }
bool is_gone_request(const Error& error) { return error.code == "InvalidSpotInstanceRequestID.NotFound"; }

std::string call_of(Action action) { return action == Action::stop ? "StopInstances" : "TerminateInstances"; }

class Ender {
 public:
  Ender(aws::Ec2& ec2, aws::Ec2Inventory& inventory, Ending ending, const EndingLimits& limits)
      : ec2_(ec2), inventory_(inventory), ending_(std::move(ending)), act_(ending_.act), limits_(limits) {}

  Awaitable<Act> end() {
    auto working = work();
    const auto in_time = co_await net::within(limits_.total, std::move(working));
    if (!in_time)
      failed("not seen to be " + std::string(act_.action == Action::stop ? "stopping" : "shutting down") +
             " within " + format_duration(std::chrono::duration_cast<Seconds>(limits_.total)) +
             (last_.empty() ? "" : "; last: " + last_));
    co_return std::move(act_);
  }

 private:
  void failed(std::string why) { ended(false, std::move(why)); }
  void succeeded(std::string state) { ended(true, std::move(state)); }
  void ended(bool done, std::string how) {
    act_.done = done;
    act_.outcome = std::move(how);
    for (const auto* also : {&cancelled_, &warning_})
      if (!also->empty()) act_.outcome += "; " + *also;
  }

  // What it gives tells nothing: what came of it is in act_.
  Awaitable<bool> work() {
    bool first = true;
    if (act_.action == Action::terminate && !ending_.spot_request.empty()) {
      const bool may_end = co_await settle_request();
      if (!may_end) co_return true;
      first = false;  // that may have taken long
    } else if (act_.action == Action::terminate && ending_.is_spot) {
      warn_of_request("EC2 doesn't tell its spot request");
    }
    Millis pause = limits_.pause;
    for (unsigned failures = 0;;) {
      Status may;
      if (!first) may = co_await may_still();
      first = false;
      Result<std::string> answer;
      if (may) answer = co_await ask();
      else answer = fail(Error{may.error()});
      if (answer) {
        const bool seen = co_await look();
        if (seen) co_return true;
        last_ = call_of(act_.action) + " is accepted, but " + last_;
        continue;
      }
      const auto why = may ? explained(answer.error()) : answer.error().text();
      last_ = why;
      const bool over = ++failures >= limits_.attempts;
      if (over && is_gone(answer.error())) {
        const bool seen = co_await look();
        if (seen) co_return true;
      }
      if (over || !may_pass(answer.error())) {
        failed(why);
        co_return true;
      }
      co_await net::pause(pause);
      pause *= 2;
    }
  }

  Awaitable<Status> may_still() {
    if (!ending_.may_still) co_return Status{};
    auto asking = ending_.may_still();
    auto answer = co_await std::move(asking);
    co_return answer;
  }

  Awaitable<Result<std::string>> ask() {
    auto id = act_.instance;
    if (act_.action == Action::stop) return ec2_.stop_instance(std::move(id));
    return ec2_.terminate_instance(std::move(id));
  }

  Awaitable<bool> look() {
    unsigned unknown = 0;
    for (unsigned i = 0; i < limits_.looks; ++i) {
      auto id = act_.instance;
      auto asking = ec2_.instance_state(std::move(id));
      const auto state = co_await std::move(asking);
      if (state && is_going(act_.action, *state)) {
        succeeded(*state);
        co_return true;
      }
      last_ = state ? "it is " + *state + " still" : state.error().text();
      if (state || !is_gone(state.error())) unknown = 0;
      else if (++unknown == k_looks_until_gone) {
        succeeded("gone");
        co_return true;
      }
      co_await net::pause(limits_.poll);
    }
    co_return false;
  }

  // Whether the instance may be ended now.
  Awaitable<bool> settle_request() {
    auto cancelling = cancel_persistent();
    const auto settled = co_await net::within(limits_.total / 3, std::move(cancelling));
    if (settled) co_return *settled;
    if (!persistent_) {
      warn_of_request(last_.empty() ? "no answer" : last_);
      co_return true;
    }
    failed(last_.empty() ? "no answer about its persistent spot request " + ending_.spot_request : last_);
    co_return false;
  }

  Awaitable<bool> cancel_persistent() {
    const auto& id = ending_.spot_request;
    Millis pause = limits_.pause;
    bool asked = false;
    for (unsigned failures = 0;;) {
      auto asking = inventory_.spot_request(id);
      const auto request = co_await std::move(asking);
      if (request) persistent_ = request->persistent;
      if (request && asked && is_over(request->state)) tell_cancelled();
      if (request && (!request->persistent || is_over(request->state))) co_return true;
      if (!request && is_gone_request(request.error())) co_return true;
      std::string problem = request ? std::string() : request.error().text();
      bool may_help = request || may_pass(request.error());
      if (request) {
        Status may;
        if (asked) may = co_await may_still();
        if (!may && !may_pass(may.error())) {
          failed(may.error().text());
          co_return false;
        }
        Result<std::string> state;
        if (may) state = co_await cancel();
        else state = fail(Error{may.error()});
        asked = asked || may;
        if (state && is_over(*state)) {
          tell_cancelled();
          co_return true;
        }
        problem = state ? "EC2 answers that it is " + *state + " still" : state.error().text();
        may_help = state || may_pass(state.error());
      }
      last_ = persistent_ ? "its persistent spot request " + id +
                                " would launch another, and can't be cancelled: " + problem
                          : problem;
      if (++failures >= limits_.attempts || !may_help) {
        if (persistent_) failed(last_);
        else warn_of_request(problem);
        co_return !persistent_;
      }
      co_await net::pause(pause);
      pause *= 2;
    }
  }

  Awaitable<Result<std::string>> cancel() { return inventory_.cancel_spot_request(ending_.spot_request); }

  void tell_cancelled() {
    cancelled_ = "its persistent spot request " + ending_.spot_request + " is cancelled";
  }
  void warn_of_request(const std::string& why) {
    const auto& id = ending_.spot_request;
    warning_ = "whether its spot request" + (id.empty() ? std::string() : " " + id) +
               " is persistent, and so launches another instance, is not known: " + why;
  }

  // What EC2 says, and where that helps what can be done about it.
  [[nodiscard]] std::string explained(const Error& error) const {
    auto text = error.text();
    if (error.code == "OperationNotPermitted" && act_.action == Action::terminate) {
      const bool own = ending_.role.empty();
      text += "; ";
      if (!own) text += "with credentials of account " + act_.account + ", ";
      text += unprotect_command(act_.region, act_.instance, own ? ending_.profile : std::string()) +
              " lifts its protection";
    }
    if (error.code == "UnsupportedOperation" && act_.action == Action::stop) {
      std::vector<std::string> argv{"curfew",    "stop",   act_.instance, "--region",
                                    act_.region, "--then", "terminate"};
      if (!ending_.role.empty()) argv.insert(argv.end(), {"--account", ending_.role});
      if (!ending_.profile.empty()) argv.insert(argv.end(), {"--profile", ending_.profile});
      text += "; it can only be terminated: " + shell_quoted(argv);
    }
    return text;
  }

  aws::Ec2& ec2_;
  aws::Ec2Inventory& inventory_;
  Ending ending_;
  Act act_;
  const EndingLimits& limits_;
  bool persistent_ = false;  // its spot request is, as far as is known
  std::string last_;         // what was seen last, for the message when time runs out
  std::string cancelled_;    // to be told however it ends
  std::string warning_;      // likewise
};

}  // namespace

bool is_going(Action action, std::string_view state) {
  if (state == "shutting-down" || state == "terminated") return true;
  return action == Action::stop && (state == "stopping" || state == "stopped");
}

bool is_over(std::string_view state) {
  return state == "cancelled" || state == "closed" || state == "completed" || state == "failed";
}

std::string unprotect_command(const std::string& region, const std::string& id, const std::string& profile) {
  std::vector<std::string> argv{"aws",           "ec2", "modify-instance-attribute",   "--region", region,
                                "--instance-id", id,    "--no-disable-api-termination"};
  if (!profile.empty()) argv.insert(argv.end(), {"--profile", profile});
  return shell_quoted(argv);
}

Awaitable<Act> end_instance(aws::Ec2& ec2, aws::Ec2Inventory& inventory, Ending ending,
                            const EndingLimits& limits, ActLog& log) {
  if (auto noted = log.before(ending.act); !noted) {
    ending.act.outcome = "not tried, for no trace of it could be left: " + noted.error().text();
    co_return std::move(ending.act);
  }
  Ender ender(ec2, inventory, std::move(ending), limits);
  auto act = co_await ender.end();
  log.after(act);
  co_return act;
}

}  // namespace curfew::watch
