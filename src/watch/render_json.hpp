// The report as one JSON document, for machines. Stable: within a `schema` no field goes away or changes its meaning,
// and new fields and new values of names may come.
//
//   schema        1
//   at            when it was read: "2026-11-26T14:00:00Z"; so is every time
//   complete      false: something could not be read, and nothing may be concluded from what isn't there
//   accounts      [{id, role}]; role: the ARN that was assumed, or null
//   filters       [text]: what keeps instances from being shown, for people
//   regions       [{account, region, outcome, error}]; outcome: read, failed, ignored, denied; error: text or null
//   thresholds    {warn_s, crit_s, warn_cost, crit_cost}; null: none
//   instances     worst first, one a line; each:
//     id, account, region, zone, type
//     lifecycle     on-demand, spot, other
//     state         EC2's name: running, pending, shutting-down, terminated, stopping, stopped; or unknown
//     launched      the last start
//     running_s     since then; null where it doesn't run
//     severity      OK, WARNING, CRITICAL
//     causes        [name], worst first, see name_of(Cause) in assess.hpp; why: the same for people, or null
//     kept          whether its tag curfew:keep holds; keep: {reason, until, malformed} or null
//     name, owner, launched_by, job, auto_scaling_group    of its tags; null where there's none
//     managed_by    another AWS service, by which alone it can be ended; or null
//     deadline      {at, left_s, raw} or null; at and left_s are null where the tag, which raw then shows, is
//                   malformed; left_s is negative where it's past
//     schedule      not_asked, armed, none, missing, refused, failed
//     then          terminate, stop
//     protected     of termination; null: not known
//     enforce       end, or why `--enforce` leaves it alone, see name_of(Enforcement) in enforcement.hpp
//     gpus          {present, count}; count null: not known
//     thresholds    those that hold for it, its own tags before the report's
//     ignored_tags  [key] of curfew's tags that can't be understood
//     cost          {hourly, so_far, ebs_hourly, ebs_so_far, ipv4_hourly, ipv4_so_far, total_hourly, total_so_far,
//                   mark, source, notes}; notes: [text], why something in it isn't exact
//   totals        {instances, running, gpus, gpus_at_least, critical, warning, needing_attention, kept,
//                 prices_unknown, prices_at_most, instances_hourly, ebs_hourly, ipv4_hourly, per_hour, per_day,
//                 per_month, so_far}; those from instances_hourly on are {amount, mark}
//   enforcement   null without --enforce, else {mode, refused}; mode: dry_run (nothing was done), on, or refused (nothing was
//                 done, though it was to be), for the reason in refused, else null
//   acts          of --enforce: [{at, action, by, account, region, id, name, why, done, outcome}]; action: terminate, stop;
//                 by: the caller's ARN; done: it was seen to be going; outcome: the state it was seen in, or what failed.
//                 In a dry run what would be done: by and outcome are null
//   not_touched   of --enforce: [{account, region, id, name, reason, why}]; reason: as `enforce` of an instance, or
//                 over_max_kills
//   notes         [{text, unread}]
//   not_counted   [text]: what costs or saves money but can't be known here
//
// Money is in US dollars, as a number with six decimals; null is not known, which is never 0. `hourly` and
// `so_far` are of the instance alone, the totals with its volumes and addresses. `mark` is exact, at_least (something
// isn't in it), at_most (a price in it is an upper bound) or unknown; an unknown amount is null.
// Texts from outside are cut after 1,024 bytes; what isn't UTF-8 in them is U+FFFD.
#pragma once

#include "watch/render.hpp"

namespace curfew::watch {

inline constexpr int k_json_schema = 1;

void render_json(const Report& report, const Sink& sink);

}  // namespace curfew::watch
