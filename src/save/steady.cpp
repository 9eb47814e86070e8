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

bool only_grew(const FileState& before, const FileState& after) {
  if (before.inode != after.inode || after.size < before.size) return false;
  return after.size > before.size || (before.modified == after.modified && before.changed == after.changed);
}

std::optional<FileState> LeftOut::last(const std::string& path) const {
  const auto found = last_.find(path);
  if (found == last_.end()) return std::nullopt;
  return found->second;
}

void LeftOut::add(std::string path, const FileState& state) {
  if (now_.size() < k_most) now_.insert_or_assign(std::move(path), state);
}

void LeftOut::end_save(bool cut) {
  for (auto& [path, state] : last_)
    if (cut && now_.size() < k_most) now_.try_emplace(path, state);
  last_ = std::exchange(now_, {});
}

}  // namespace curfew::save
