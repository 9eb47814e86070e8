// The report's instances as CSV, for machines and spreadsheets: RFC 4180, but lines end in \n. Stable: within a
// `schema` no column goes away, moves or changes its meaning; new ones come at the end.
//
//   schema                  1
//   at                      when it was read: 2026-11-26T14:00:00Z; so is every time
//   account, region, zone, instance_id, type
//   lifecycle               on-demand, spot, other
//   state                   EC2's name, or unknown
//   launched                the last start
//   running_seconds         since then; empty where it doesn't run
//   severity                OK, WARNING, CRITICAL
//   causes                  names with spaces between, see name_of(Cause) in assess.hpp
//   kept                    true, false
//   name, owner, launched_by, job, auto_scaling_group, managed_by
//   deadline, left_seconds  empty where there's none or it's malformed; negative where it's past
//   schedule                not_asked, armed, none, missing, refused, failed
//   enforce                 end, or why `--enforce` leaves it alone, see name_of(Enforcement) in enforcement.hpp
//   gpus                    empty: not known
//   hourly_dollars, so_far_dollars                of the instance alone
//   ebs_hourly_dollars, ebs_so_far_dollars, ipv4_hourly_dollars, ipv4_so_far_dollars
//   total_hourly_dollars, total_so_far_dollars    all of it
//   cost_mark               exact, at_least, at_most, unknown
//   price_source
//
// An amount that isn't known is empty, never 0. Worst first. What could not be read isn't in here: the exit code and
// stderr tell it. In texts from outside, control characters and what isn't UTF-8 are \xNN, and one that a spreadsheet
// would take for a formula has a ' before it (OWASP, "CSV Injection").
#pragma once

#include "watch/render.hpp"

namespace curfew::watch {

inline constexpr int k_csv_schema = 1;

void render_csv(const Report& report, const Sink& sink);

}  // namespace curfew::watch
