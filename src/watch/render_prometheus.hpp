// The report as metrics, in what is common to Prometheus's text format 0.0.4 (which node_exporter's textfile collector
// reads, and no other) and OpenMetrics 1.0: gauges only, no timestamps (the collector refuses them), and an EOF line,
// which is a comment to the former.
//
//   curfew_check_timestamp_seconds                 when it was read: alert on its age
//   curfew_check_complete                          0: something could not be read
//   curfew_region_read{account,region}             1, or 0: failed; regions that weren't to be read aren't there
//   curfew_instances{severity}                     ok, warning, critical
//   curfew_instances_kept, curfew_gpus
//   curfew_prices_unknown, curfew_prices_at_most   instances whose price isn't known, or known as an upper bound only
//   curfew_hourly_cost_dollars{part}               instances, ebs, ipv4; of what is known, upper bounds
//                                                included; left out: unknown
//   curfew_hourly_cost_exact{part}                 1, or 0: not all of it is known, or of some only an upper bound
//   curfew_cost_dollars, curfew_cost_exact         since each instance was started last; the same
//   curfew_instance_info{account,region,instance_id,zone,type,lifecycle,state,name,owner,
//                        launched_by,curfew_job}  1
//   curfew_instance_severity{account,region,instance_id}          0 OK, 1 WARNING, 2 CRITICAL; and so the following
//   curfew_instance_running_seconds
//   curfew_instance_hourly_cost_dollars, curfew_instance_cost_dollars   with volumes and addresses; left out: unknown
//   curfew_instance_cost_exact                     of both
//   curfew_instance_deadline_timestamp_seconds
//   curfew_instance_gpus
//
// Labels don't hold what changes while an instance runs, but for state and tags. In texts from outside, control
// characters and what isn't UTF-8 are \xNN. An instance that is listed twice is told once: a series that repeats makes
// the collector fail for everything it collects.
#pragma once

#include "watch/render.hpp"

namespace curfew::watch {

void render_prometheus(const Report& report, const Sink& sink);

}  // namespace curfew::watch
