// Which acts a place is to be told, and what's remembered of them. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "watch/act.hpp"
#include "watch/machine.hpp"
#include "watch/told.hpp"

namespace curfew::watch {

struct ActNews {
  struct Line {
    ToldAct act;
    bool earlier = false;  // the place didn't take it then
    bool again = false;    // it fails as it was told before
  };
  std::vector<Line> lines;
  std::size_t more = 0;                         // so many more have happened
  std::map<InstanceKey, ToldFailure> failures;  // remembered once all this has been told
};

// What was done is told each time; what failed when it's new or fails otherwise than it was told, and with a `reminder`. Of
// what the place hasn't taken the failures that were tried again are left out. Without `before` all of `acts`.
[[nodiscard]] ActNews act_news(const Report& report, const std::vector<Act>& acts, const Told* before,
                               bool reminder);
// When those of them were told that fail as they did then.
[[nodiscard]] std::vector<WallTime> told_failures(const std::vector<Act>& acts, const Told& before);
// What is known of a place that doesn't take them.
[[nodiscard]] Told with_untold(const Told& before, const ActNews& news);
[[nodiscard]] std::string line_of(const ActNews::Line& line);

}  // namespace curfew::watch
