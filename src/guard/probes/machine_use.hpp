// Whether a machine that is guarded without a command is in use: by its GPUs, by somebody at a terminal, by Jupyter
// kernels. Pure: readings and their times in, durations out.
//
// It's idle for as long as all of them have been idle together. What isn't known is never idle, so one kind that can't be
// read keeps the machine. Unlike a job's GPUs, none of them has to be busy first: the machine counts as idle from its
// start if nobody comes.
#pragma once

#include <optional>
#include <string>

#include "guard/probes/idle.hpp"
#include "guard/probes/jupyter.hpp"
#include "guard/probes/sessions.hpp"

namespace curfew::guard {

struct MachineUse {
  // Where the machine has none, there's nothing to wait for. Not known before the first reading.
  enum class Gpus : std::uint8_t { unknown, some, none } gpus_there = Gpus::unknown;
  Quiet gpus;  // all of them at the same time
  InputActivity input;
  Quiet terminals;
  std::size_t open_terminals = 0;
  bool asks_jupyter = false;
  JupyterUse jupyter_use;
  Quiet jupyter;
};

// `activity` has taken `reading` already. `has_hardware`: the PCI bus shows an accelerator, whether or not a program can
// tell about it; where it shows none and none was ever read, the machine has none.
[[nodiscard]] MachineUse with_gpus(MachineUse use, const Reading& reading, const GpuActivity& activity,
                                   bool has_hardware);
[[nodiscard]] MachineUse with_terminals(MachineUse use, const std::vector<TerminalSession>& sessions,
                                        BootTime at);
[[nodiscard]] MachineUse with_kernels(MachineUse use, const Result<JupyterActivity>& activity, BootTime at);

// For how long nothing and nobody has been at work; zero where that isn't known of one of them.
[[nodiscard]] Millis idle_for(const MachineUse& use);

// What was counted, for people: "idle for 30m: GPUs below 5%, no terminal input since …, no Jupyter kernel used since …".
[[nodiscard]] std::string describe_idle(const MachineUse& use, int millipercent, BootTime now, WallTime wall);
// The same as a rule, for the start: "GPUs below 5%, no terminal input, no Jupyter kernel used".
[[nodiscard]] std::string describe_rule(const MachineUse& use, int millipercent);

// "5%", "0.5%".
[[nodiscard]] std::string percent_text(int millipercent);

// Whether the PCI bus shows a GPU or another accelerator: NVIDIA's display controllers, 3D controllers and processing
// accelerators of anybody. Read below `root`, which is "" but in tests; where there's no such bus: none.
[[nodiscard]] bool has_accelerator_hardware(const std::string& root = {});

}  // namespace curfew::guard
