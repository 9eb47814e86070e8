// The report as one JSON document, for machines. Stable: a field's name and meaning never change within a `schema`, new
// fields may come.
#pragma once

#include "watch/render.hpp"

namespace curfew::watch {

inline constexpr int k_json_schema = 1;

void render_json(const Report& report, const Sink& sink);

}  // namespace curfew::watch
