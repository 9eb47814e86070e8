// Formats by name.
#include "watch/render.hpp"

#include <array>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "watch/render_csv.hpp"
#include "watch/render_json.hpp"
#include "watch/render_prometheus.hpp"
#include "watch/render_table.hpp"

namespace curfew::watch {

Result<Format> parse_format(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, Format>, 4> k_formats{
      {{"table", Format::table},
       {"json", Format::json},
       {"csv", Format::csv},
       {"prometheus", Format::prometheus}}};
  for (const auto& [known, format] : k_formats)
    if (known == name) return format;
  return fail(ErrorKind::invalid_input, "format '" + printable(name, 40) + "'", "is not known",
              "it is table, json, csv or prometheus");
}

void render(Format format, const Report& report, const TableOptions& table, const Sink& sink) {
  switch (format) {
    case Format::table: return render_table(report, table, sink);
    case Format::json: return render_json(report, sink);
    case Format::csv: return render_csv(report, sink);
    case Format::prometheus: return render_prometheus(report, sink);
  }
}

}  // namespace curfew::watch
