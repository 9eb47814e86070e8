// Policies that are broken on purpose: the simulation must catch each of them, or it proves nothing.
#pragma once

#include <string>
#include <vector>

#include "world.hpp"

namespace curfew::sim {

struct Broken {
  std::string name;
  int invariant = 0;  // that it must be caught by, in one run or another
  StepFunction step;
};

[[nodiscard]] std::vector<Broken> broken_policies();

}  // namespace curfew::sim
