// What the guard needs of the cloud it runs in, behind an interface so that it can be tested without one.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "guard/async.hpp"
#include "guard/cost.hpp"
#include "guard/plan.hpp"
#include "save/log_ship.hpp"
#include "save/summary.hpp"

namespace curfew::guard {

// One save under way. Cancelling makes it return within a second with what it has not done.
class Cancel {
 public:
  void ask() {
    asked_ = true;
    if (listener_) listener_();
  }
  [[nodiscard]] bool asked() const { return asked_; }
  void listen(std::function<void()> listener) { listener_ = std::move(listener); }

 private:
  bool asked_ = false;
  std::function<void()> listener_;
};

// What IMDS says of a spot instance's future.
struct SpotNews {
  std::optional<WallTime> interrupted_at;  // then it's taken away
  bool at_risk = false;                    // a rebalance recommendation
};

// What EC2 has planned for this instance, and hasn't called off.
struct Maintenance {
  std::string id;
  std::string code;  // AWS's word: "system-reboot"
  WallTime not_before{};
};

// Of the buckets that results are to go to.
struct BucketReport {
  std::vector<std::string> missing;  // S3 says that they don't exist
  bool all_answered = true;          // refused is an answer: who may only write can't look
};

class Cloud {
 public:
  using ShowProgress = std::function<void(const save::Progress&)>;

  virtual ~Cloud() = default;
  // Asks IMDS and, where allowed, the API. An error where IMDS doesn't answer; each call has its own short limit.
  [[nodiscard]] virtual Awaitable<Result<MachineFacts>> facts() = 0;
  // The instance's tags as IMDS says now; nothing where they aren't in the metadata, an error where it doesn't answer.
  [[nodiscard]] virtual Awaitable<Result<std::optional<std::map<std::string, std::string>>>> tags() = 0;
  // One of them; nothing also where there's no such tag.
  [[nodiscard]] virtual Awaitable<Result<std::optional<std::string>>> tag(std::string key) = 0;
  // One look at the notices; an error where IMDS doesn't answer.
  [[nodiscard]] virtual Awaitable<Result<SpotNews>> spot_news() = 0;
  [[nodiscard]] virtual Awaitable<Result<std::vector<Maintenance>>> maintenance() = 0;
  // Terminate- or StopInstances on this instance; the state it's in then ("shutting-down").
  [[nodiscard]] virtual Awaitable<Result<std::string>> end_instance(Ending ending) = 0;
  // Whether there are credentials to save with; asks nothing of S3.
  [[nodiscard]] virtual Awaitable<Status> may_save() = 0;
  // Asks S3 for the buckets of `--save`, within half a minute.
  [[nodiscard]] virtual Awaitable<BucketReport> look_for_buckets() = 0;
  // What the machine costs; fills `into` as answers come.
  [[nodiscard]] virtual Awaitable<void> read_cost(CostReading& into) = 0;
  // Saves everything that `--save` names, until `until` at the latest. `midway`: the job still runs, so that what is
  // being written is left for later.
  [[nodiscard]] virtual Awaitable<save::Summary> save(BootTime until, bool midway,
                                                      std::shared_ptr<Cancel> cancel, ShowProgress show) = 0;
  // Brings what is new of the guard's log and the job's output below the first `--save`.
  [[nodiscard]] virtual Awaitable<save::Shipped> ship_logs() = 0;
  // The rest of it, until `until` at the latest; nothing is shipped after.
  [[nodiscard]] virtual Awaitable<save::Shipped> finish_logs(BootTime until) = 0;
  // The same of a launched job, for those who follow it: the guard's log and the stages', below the launch's own place.
  [[nodiscard]] virtual Awaitable<save::Shipped> ship_live() = 0;
  [[nodiscard]] virtual Awaitable<save::Shipped> finish_live(BootTime until) = 0;
  // A launched job's status.json.
  [[nodiscard]] virtual Awaitable<Status> write_status(std::string text) = 0;
};

}  // namespace curfew::guard
