// Ends one instance by the EC2 API, and sees to it that it's ended: what `curfew stop` and `curfew check --enforce` have in
// common. Whether it may be ended was decided before.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "aws/ec2.hpp"
#include "aws/ec2_inventory.hpp"
#include "base/result.hpp"
#include "net/http.hpp"
#include "watch/act.hpp"

namespace curfew::watch {

using net::Awaitable;

struct EndingLimits {
  Millis total{120'000};  // for all of it, up to being seen to be going
  unsigned attempts = 4;  // calls that fail in a way that may pass
  Millis pause{1'000};    // before the second attempt; doubled for each further one
  Millis poll{1'000};     // between two looks at its state
  unsigned looks = 15;    // at its state, before it's asked for once more
};

// Gets each act before it's done, and how it came out. An error before: it isn't done.
class ActLog {
 public:
  virtual ~ActLog() = default;
  [[nodiscard]] virtual Status before(const Act& act) = 0;
  virtual void after(const Act& act) = 0;
};

// Whether it may be ended still, for what was decided may be minutes old. An error that may pass (unavailable, timed_out):
// not known now, so that it isn't ended now; any other: why it may not be any more.
using MayStill = std::function<Awaitable<Status>()>;

struct Ending {
  Act act;                   // all but `done` and `outcome`
  std::string spot_request;  // sir-…; empty: it's no spot instance, or EC2 doesn't tell
  bool is_spot = false;
  MayStill may_still =
      {};  // asked before each call that changes something, but the first; none: whoever asked for it waits
  std::string profile = {};  // --profile, and
  std::string role = {};     // the ARN by which its account is reached: for commands to be copied
};

// A persistent spot request is cancelled before its instance is terminated, for it would launch another; where that fails
// the instance is left as it is. Where nobody tells whether it's persistent, in a third of the time, the instance is
// terminated with a warning: it costs money now, and another that follows is seen by the next check. (A stopped spot
// instance keeps its request, which launches nothing.) Then TerminateInstances or StopInstances, again with a pause where
// that may help, until DescribeInstances tells `shutting-down` or `terminated` (or `stopping`, `stopped`), or twice running
// that there's no such id, which is "gone". The outcome's first word up to a ';' is the state. The clients must outlive it.
[[nodiscard]] Awaitable<Act> end_instance(aws::Ec2& ec2, aws::Ec2Inventory& inventory, Ending ending,
                                          const EndingLimits& limits, ActLog& log);

// Whether an instance in that state is on its way to what the action wants, or there. By EC2's names.
[[nodiscard]] bool is_going(Action action, std::string_view state);

// Whether a spot request in that state launches nothing any more. By EC2's names.
[[nodiscard]] bool is_over(std::string_view spot_request_state);

// Commands that take away what keeps an instance from being ended; to be copied. `profile`: --profile, or empty.
[[nodiscard]] std::string unprotect_command(const std::string& region, const std::string& id,
                                            const std::string& profile);

}  // namespace curfew::watch
