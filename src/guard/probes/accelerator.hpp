// How busy the machine's accelerators are, as their own programs tell it. Pure: text in, reading out; what runs the
// programs is prober.hpp.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace curfew::guard {

struct Accelerator {
  std::string name;                    // "GPU 0 NVIDIA A10G", "core 3", "card0"; fit to be shown
  std::optional<double> busy_percent;  // 0 to 100; empty: it's there but doesn't tell (MIG, a lost GPU)
};

// What one look found: at least one accelerator, each name once. Anything less is an error, which means unknown, and
// unknown is never idle. not_found: there is none; invalid_input: the text isn't what the program is known to print.
using Reading = Result<std::vector<Accelerator>>;

inline constexpr std::size_t k_most_accelerators = 1024;      // a trn2.48xlarge has 128 cores
inline constexpr std::size_t k_most_tool_output = 1U << 20U;  // longer texts are refused

// nvidia-smi --query-gpu=index,name,utilization.gpu,memory.used --format=csv,noheader,nounits. A GPU split by MIG, or one
// in trouble, has "[N/A]" or "[Unknown Error]" in place of a number. A line that is neither a GPU nor a warning makes it
// all unknown, for it may stand for a GPU that is missing.
[[nodiscard]] Reading parse_nvidia_smi(std::string_view text);

// neuron-monitor's stream of JSON lines, the last whole one of which counts; a core that no process uses isn't in it and
// is idle. (Neuron Monitor User Guide: neuroncore_counters, neuron_hardware_info.)
[[nodiscard]] Reading parse_neuron_monitor(std::string_view text);

// neuron-ls --json-output, which tells processes and no utilisation: a device without any is idle, one with is unknown.
[[nodiscard]] Reading parse_neuron_ls(std::string_view text);

// rocm-smi --showuse --json: {"card0": {"GPU use (%)": "19", …}, …}.
[[nodiscard]] Reading parse_rocm_smi(std::string_view text);

}  // namespace curfew::guard
