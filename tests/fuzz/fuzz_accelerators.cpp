// What nvidia-smi, neuron-monitor, neuron-ls and rocm-smi print.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/text.hpp"
#include "guard/probes/accelerator.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace curfew;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& reading : {guard::parse_nvidia_smi(text), guard::parse_neuron_monitor(text),
                              guard::parse_neuron_ls(text), guard::parse_rocm_smi(text)}) {
    if (!reading) {
      const auto said = reading.error().text();
      if (said.size() > 1'000 || printable(said, 1'000) != said) std::abort();
      continue;
    }
    if (reading->empty() || reading->size() > guard::k_most_accelerators) std::abort();
    for (const auto& one : *reading) {
      if (one.name.empty() || one.name.size() > 100 || printable(one.name, 100) != one.name) std::abort();
      if (one.busy_percent && !(*one.busy_percent >= 0 && *one.busy_percent <= 100)) std::abort();
    }
  }
  return 0;
}
