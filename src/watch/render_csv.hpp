// The report's instances as CSV (RFC 4180, but with \n at the ends of lines), for machines and spreadsheets. Stable.
#pragma once

#include "watch/render.hpp"

namespace curfew::watch {

inline constexpr int k_csv_schema = 1;

void render_csv(const Report& report, const Sink& sink);

}  // namespace curfew::watch
