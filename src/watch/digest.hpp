// One notification of a whole check: what needs attention, what could not be read, what was done, what has gone. Pure: the
// report and what was told before in, a message or none out.
#pragma once

#include <optional>
#include <vector>

#include "notify/message.hpp"
#include "watch/act.hpp"
#include "watch/machine.hpp"
#include "watch/told.hpp"

namespace curfew::watch {

struct Digest {
  std::optional<notify::Message> message;  // none: there's nothing to tell
  Told told;                               // once that has been told, or where there's nothing to tell
  Told missed;  // where the place doesn't take it: as before, and the acts that it's to be told next time
};

// With `before` an instance is told when it's new, worse, or for other reasons than it was told for; when it no longer
// needs attention, or is gone from a region that was read; and all of them again when one was told `again` ago. The same of
// what could not be read. When that leaves nothing to tell but what was told is over, the message says that all is clear.
// Without it (null) whatever needs attention is told, and each act. With it an act that was done is told, those too that the
// place didn't take before; one that failed, and that --enforce refuses, as what could not be read is.
[[nodiscard]] Digest digest_of(const Report& report, const std::vector<Act>& acts, const Told* before,
                               Seconds again);

}  // namespace curfew::watch
