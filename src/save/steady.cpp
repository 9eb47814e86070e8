// Steadiness.
#include "save/steady.hpp"

#include <chrono>

namespace curfew::save {

std::optional<std::string> why_unsteady(const FileState& before, const FileState& after, WallTime now,
                                        const Steady& steady) {
  if (before.inode != after.inode) return "was replaced between two looks at it";
  if (before.size != after.size) return "grew or shrank between two looks at it";
  if (before.modified != after.modified || before.changed != after.changed)
    return "was changed between two looks at it";
  using Nanos = std::chrono::nanoseconds;
  const Nanos age = Nanos(now.time_since_epoch()) - Nanos{after.modified};
  if (age >= steady.age || age <= -steady.age) return std::nullopt;
  return "was changed " + std::to_string(std::chrono::floor<Seconds>(std::chrono::abs(age)).count()) +
         "s before it was looked at";
}

}  // namespace curfew::save
