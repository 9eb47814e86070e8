// Looks for reasons to end a job that runs: idle or unused GPUs, a stall, a sign that the work is done. Each look has a
// limit, and what can't be known is no reason.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>

#include "guard/machine_watch.hpp"
#include "guard/policy.hpp"
#include "guard/probes/idle.hpp"
#include "guard/probes/output_watch.hpp"
#include "guard/probes/prober.hpp"
#include "guard/probes/progress.hpp"
#include "guard/spec.hpp"
#include "os/clock.hpp"
#include "os/log.hpp"

namespace curfew::guard {

// What `curfew status` shows of the readings; a line each.
struct Readings {
  std::string gpus;                // "GPU 0 NVIDIA A10G 97%, GPU 1 … unknown"
  std::string output;              // "silent for 3m"
  std::string path;                // "unchanged for 3m"
  MachineWatch::Readings machine;  // of one that is guarded without a command
};

class Reasons {
 public:
  struct World {
    boost::asio::io_context& io;
    const os::Clock& clock;
    os::Log& log;
    std::function<std::optional<WallTime>()> output_at;     // when the shim last had output of the job's
    std::function<void(const Event&)> sink;                 // gets ReasonFound and GpuBusy
    std::function<void(const std::string&)> warn_of_stall;  // where it ends nothing
  };

  // `spec` and what `world` refers to outlive the loop.
  Reasons(const Spec& spec, World world);

  // Once the job runs. `gpu_was_busy`: as an earlier guard has seen.
  void start(bool gpu_was_busy);
  [[nodiscard]] Readings readings() const;

 private:
  void take_gpus(const Reading& reading, BootTime at);
  [[nodiscard]] Awaitable<void> watch_stall();
  [[nodiscard]] Awaitable<void> watch_path();
  [[nodiscard]] Awaitable<void> watch_done_file();
  [[nodiscard]] Awaitable<void> watch_done_pattern();
  void found(Cause cause, std::string why);

  const Spec& spec_;
  World world_;
  std::optional<Prober> prober_;
  std::optional<MachineWatch> machine_;
  std::optional<PathWatch> path_watch_;
  std::optional<FileWatch> done_file_;
  std::optional<OutputWatch> done_pattern_;
  GpuActivity gpus_;
  PathProgress path_;
  std::optional<WallTime> last_output_;
  BootTime output_changed_at_{};
  bool started_ = false;
  bool found_ = false;
  bool warned_ = false;
};

}  // namespace curfew::guard
