// How many GPUs, or other accelerators for training, an instance type has. Pure.
#pragma once

#include <string_view>

#include "watch/machine.hpp"

namespace curfew::watch {

// By a built-in table of families (AWS, "Accelerated computing instances"): NVIDIA and AMD GPUs, Trainium, Inferentia,
// Gaudi, Cloud AI 100, for they cost alike. A part of a GPU (g6f) counts as one. A family of that sort that is newer
// than the table is `present` without a count; what isn't of such a family has none. Any text may be asked for.
[[nodiscard]] Gpus gpus_of(std::string_view instance_type);

}  // namespace curfew::watch
