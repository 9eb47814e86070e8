// Writes a launched job's status.json to S3 as long as the job lives, and a last time before its machine is ended. What to
// write, and when, is job_state.hpp's.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "guard/async.hpp"
#include "guard/job_state.hpp"
#include "os/clock.hpp"
#include "save/workers.hpp"

namespace curfew::guard {

class JobReport {
 public:
  struct World {
    boost::asio::any_io_executor executor;
    const os::Clock& clock;
    std::function<JobState(bool is_over)> look;  // without its stages, which are read here
    std::function<boost::json::object()> guard;  // as `curfew status` shows it
    std::function<Awaitable<Status>(std::string)> write;
    std::function<bool()> goes_on;  // false: only finish() has anything to write any more
    std::function<void(const std::string&)> warn;
    std::function<void(const std::string&)> inform;
    Millis look_every{1'000};
  };

  // `owner` is the job's user.
  JobReport(Launched launched, uid_t owner, World world);

  // Nothing waits for it. What `world` refers to outlives it.
  [[nodiscard]] Awaitable<void> run();
  // Cuts a write that is under way, and writes that the job is over; until `until` at the latest, whatever hangs. Once.
  [[nodiscard]] Awaitable<void> finish(BootTime until);

 private:
  struct Read {
    std::atomic<bool> done{false};
    std::optional<Result<std::vector<StageSeen>>> stages;
  };

  [[nodiscard]] Awaitable<void> read_stages();
  [[nodiscard]] Awaitable<void> tell(bool is_over, Millis limit);
  [[nodiscard]] Awaitable<void> until_cut(Millis limit) const;
  [[nodiscard]] JobState job(bool is_over) const;
  void take(const Status& written);

  Launched launched_;
  uid_t owner_;
  World world_;
  save::Workers workers_;  // a file of the job's user may lie on a disk that hangs
  std::shared_ptr<Read> reading_;
  std::vector<StageSeen> stages_;
  std::optional<Told> told_;
  std::string read_trouble_;
  bool in_trouble_ = false;
  bool writing_ = false;
  bool finishing_ = false;
};

}  // namespace curfew::guard
