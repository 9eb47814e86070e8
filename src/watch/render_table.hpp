// The report for people: header, a row an instance, totals, and the commands that end what needs attention. Not for
// machines: what it looks like may change.
#pragma once

#include "watch/render.hpp"

namespace curfew::watch {

// At a width it shortens name, owner, job and launched-by first, then leaves columns out, and says which; only commands
// to be copied may be longer.
void render_table(const Report& report, const TableOptions& options, const Sink& sink);

}  // namespace curfew::watch
