// Names of acts.
#include "watch/act.hpp"

#include <algorithm>

namespace curfew::watch {

std::string_view name_of(Action action) { return action == Action::stop ? "stop" : "terminate"; }

std::string_view name_of(Enforced::Mode mode) {
  switch (mode) {
    case Enforced::Mode::dry_run: return "dry_run";
    case Enforced::Mode::on: return "on";
    case Enforced::Mode::refused: break;
  }
  return "refused";
}

bool has_failed(const Enforced& enforced) {
  if (enforced.mode == Enforced::Mode::dry_run) return false;
  return enforced.mode == Enforced::Mode::refused ||
         std::any_of(enforced.acts.begin(), enforced.acts.end(), [](const Act& act) { return !act.done; });
}

}  // namespace curfew::watch
