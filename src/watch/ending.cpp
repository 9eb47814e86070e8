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

std::string call_of(Action action) { return action == Action::stop ? "StopInstances" : "TerminateInstances"; }

// What EC2 says, and where that helps what can be done about it.
std::string explained(const Error& error, const Act& act) {
  auto text = error.text();
  if (error.code == "OperationNotPermitted" && act.action == Action::terminate)
    text += "; " + unprotect_command(act.region, act.instance, "") + " lifts its protection";
  if (error.code == "UnsupportedOperation" && act.action == Action::stop)
    text += "; it can only be terminated: curfew stop " + act.instance + " --region " + act.region +
            " --then terminate";
  return text;
}

class Ender {
 public:
  Ender(aws::Ec2& ec2, aws::Ec2Inventory& inventory, Ending ending, const EndingLimits& limits)
      : ec2_(ec2),
        inventory_(inventory),
        act_(std::move(ending.act)),
        spot_request_(std::move(ending.spot_request)),
        limits_(limits) {}

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
  void failed(std::string why) {
    act_.done = false;
    act_.outcome = warning_.empty() ? std::move(why) : std::move(why) + "; " + warning_;
  }
  void succeeded(std::string state) {
    act_.done = true;
    act_.outcome = warning_.empty() ? std::move(state) : std::move(state) + "; " + warning_;
  }

  // What it gives tells nothing: what came of it is in act_.
  Awaitable<bool> work() {
    if (act_.action == Action::terminate && !spot_request_.empty()) {
      const bool may_end = co_await cancel_persistent();
      if (!may_end) co_return true;
    }
    Millis pause = limits_.pause;
    for (unsigned failures = 0;;) {
      auto asking = ask();
      const auto answer = co_await std::move(asking);
      if (answer) {
        const bool seen = co_await look();
        if (seen) co_return true;
        last_ = call_of(act_.action) + " is accepted, but " + last_;
        continue;
      }
      last_ = explained(answer.error(), act_);
      const bool over = ++failures >= limits_.attempts;
      if (over && answer.error().kind == ErrorKind::not_found) {
        succeeded("gone");
        co_return true;
      }
      if (over || !may_pass(answer.error())) {
        failed(last_);
        co_return true;
      }
      co_await net::pause(pause);
      pause *= 2;
    }
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
      if (state || state.error().kind != ErrorKind::not_found) unknown = 0;
      else if (++unknown == k_looks_until_gone) {
        succeeded("gone");
        co_return true;
      }
      co_await net::pause(limits_.poll);
    }
    co_return false;
  }

  // Whether the instance may be ended now.
  Awaitable<bool> cancel_persistent() {
    Millis pause = limits_.pause;
    for (unsigned failures = 0;;) {
      auto asking = inventory_.spot_request(spot_request_);
      const auto request = co_await std::move(asking);
      if (request && (!request->persistent || is_over(request->state))) co_return true;
      if (!request && request.error().kind == ErrorKind::not_found) co_return true;
      if (!request && !may_pass(request.error())) {
        // It ends what costs money now; should another follow, that one is seen by the next check.
        warning_ =
            "whether its spot request " + spot_request_ +
            " is persistent, and so launches another instance, is not known: " + request.error().text();
        co_return true;
      }
      std::string problem = request ? std::string() : request.error().text();
      bool may_help = true;
      if (request) {
        auto cancelling = inventory_.cancel_spot_request(spot_request_);
        const auto cancelled = co_await std::move(cancelling);
        if (cancelled) co_return true;
        problem = cancelled.error().text();
        may_help = may_pass(cancelled.error());
      }
      last_ = "its persistent spot request " + spot_request_ +
              " would launch another, and can't be cancelled: " + problem;
      if (++failures >= limits_.attempts || !may_help) {
        failed(last_);
        co_return false;
      }
      co_await net::pause(pause);
      pause *= 2;
    }
  }

  static bool is_over(const std::string& state) {
    return state == "cancelled" || state == "closed" || state == "failed";
  }

  aws::Ec2& ec2_;
  aws::Ec2Inventory& inventory_;
  Act act_;
  std::string spot_request_;
  const EndingLimits& limits_;
  std::string last_;     // what was seen last, for the message when time runs out
  std::string warning_;  // to be told however it ends
};

}  // namespace

bool is_going(Action action, std::string_view state) {
  if (state == "shutting-down" || state == "terminated") return true;
  return action == Action::stop && (state == "stopping" || state == "stopped");
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
