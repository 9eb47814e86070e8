// What an instance's tags say to curfew. Pure; whoever may tag the instance writes them, so a value that can't be used
// never makes an alarm go away and never ends anything.
//
//   Name                      shown
//   curfew:owner, owner, Owner  shown; the first of them that is there
//   curfew:launched-by, aws:createdBy, CreatedBy, created-by, LaunchedBy
//                             who made the instance; the first of them that is there
//   curfew:job                launched under curfew; without it nothing is ever ended by `--enforce`
//   curfew:deadline           when the instance is to be gone: a time with a zone, as parse_utc() reads it
//   curfew:then=stop          ending it is stopping it; `terminate`, as without the tag, is terminating it. Any other
//                             value can't be understood, and then nothing is ended without being asked which is meant
//   curfew:schedule=none      it has no schedule of its own, on purpose
//   curfew:warn, curfew:crit              a duration ("90m", "12h"), instead of --warn, --crit
//   curfew:warn-cost, curfew:crit-cost    dollars ("5", "12.50"), instead of --warn-cost, --crit-cost
//   curfew:keep=REASON        not to be alarmed about, and not to be ended
//   curfew:keep=REASON until DATE
//                             the same up to the end of DATE ("2026-12-01", in UTC) or up to a time with a zone
//                             ("2026-12-01T18:00Z"). The last word "until" counts, and a date must follow it: else
//                             the tag is malformed, which is alarmed about, and the instance isn't ended either.
//                             REASON may be empty. `no`, `false`, `off` and `0` alone: as if the tag weren't there.
//   aws:autoscaling:groupName  the group that replaces it once it's ended
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "watch/machine.hpp"

namespace curfew::watch {

// A tag's value by its key; nothing where the instance hasn't got it. However the tags are held.
using Tags = std::function<std::optional<std::string_view>(std::string_view key)>;

// Fills in the machine's fields that come from tags.
void take_tags(Machine& machine, const Tags& tags);

[[nodiscard]] std::optional<Keep> parse_keep(std::string_view value);
[[nodiscard]] Deadline parse_deadline(std::string_view value);

// Whether its tag curfew:then says neither `stop` nor `terminate`: which one is meant isn't known, and one loses the disks.
[[nodiscard]] bool is_then_unclear(const Machine& machine);

// Whether its schedule should be asked for: it runs, has a well-formed deadline, and not curfew:schedule=none.
[[nodiscard]] bool wants_schedule(const Machine& machine);

}  // namespace curfew::watch
