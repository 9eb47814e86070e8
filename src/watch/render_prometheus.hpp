// The report as metrics that both Prometheus's text format 0.0.4 (which node_exporter's textfile collector reads, and no
// other) and OpenMetrics 1.0 take.
#pragma once

#include "watch/render.hpp"

namespace curfew::watch {

void render_prometheus(const Report& report, const Sink& sink);

}  // namespace curfew::watch
