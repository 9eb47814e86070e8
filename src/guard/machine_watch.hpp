// Watches a machine that is guarded without a command: looks at its terminals, asks its Jupyter server, is told of its
// GPUs, and says when all of that has been idle for as long as --idle-gpu has it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>

#include "guard/async.hpp"
#include "guard/probes/machine_use.hpp"
#include "guard/spec.hpp"
#include "net/http.hpp"
#include "os/clock.hpp"
#include "os/log.hpp"

namespace curfew::guard {

class MachineWatch {
 public:
  // What `curfew status` shows; a line each, empty where there is nothing to say.
  struct Readings {
    std::string idle;       // "for 12m of 30m"
    std::string terminals;  // "2 open, no input for 12m"
    std::string jupyter;    // "2 kernels, 1 busy, …", never with a token
  };

  // `spec` and what the others refer to outlive the loop. `found` gets the line that says what was idle, once.
  MachineWatch(const Spec& spec, boost::asio::io_context& io, const os::Clock& clock, os::Log& log,
               std::function<void(std::string)> found);

  void start();
  void take_gpus(const Reading& reading, const GpuActivity& activity);
  // Whether the PCI bus shows an accelerator.
  [[nodiscard]] bool has_hardware() const { return has_hardware_; }
  [[nodiscard]] Readings readings() const;

 private:
  [[nodiscard]] Awaitable<void> watch_terminals();
  [[nodiscard]] Awaitable<void> watch_jupyter();
  void take_kernels(const Result<JupyterActivity>& activity);
  void judge();

  const Spec& spec_;
  boost::asio::io_context& io_;
  const os::Clock& clock_;
  os::Log& log_;
  std::function<void(std::string)> found_;
  std::unique_ptr<net::HttpClient> http_;
  std::optional<JupyterServer> server_;
  MachineUse use_;
  Result<JupyterActivity> kernels_;  // the last answer
  unsigned failures_ = 0;            // of Jupyter, in a row
  bool told_failing_ = false;
  bool has_hardware_ = false;
};

}  // namespace curfew::guard
