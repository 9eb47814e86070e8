// Rows of text cells; and JSON.
#include "jobs/render.hpp"

#include <algorithm>
#include <array>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "base/text.hpp"
#include "watch/columns.hpp"
#include "watch/display.hpp"

namespace curfew::jobs {
namespace {

namespace json = boost::json;
using watch::Cell;
using watch::Paint;

constexpr std::size_t k_widest = 40;
constexpr std::size_t k_least_name = 10;

struct Column {
  std::string_view title;
  bool right;
  unsigned rank;  // the lowest is left out first
  Cell (*cell)(const Row& row);
};

std::string age(const std::optional<Seconds>& seconds) {
  return seconds ? watch::short_duration(*seconds) : "";
}

Paint paint_of(const Row& row) {
  switch (row.state) {
    case JobState::failed:
    case JobState::lost:
    case JobState::overdue: return Paint::red;
    case JobState::interrupted:
    case JobState::never_launched:
    case JobState::unknown: return Paint::yellow;
    case JobState::ended: return exit_code_of(row) == 0 ? Paint::green : Paint::red;
    default: return Paint::none;
  }
}

Cell state_cell(const Row& row) {
  std::string text(name_of(row.state));
  if (row.state == JobState::ended && row.exit_code) text += " " + std::to_string(*row.exit_code);
  return {text, paint_of(row)};
}

Cell stage_cell(const Row& row) {
  // Where it failed is of use; where it ended well isn't.
  if (is_over(row.state) && row.exit_code.value_or(1) == 0) return {};
  return {watch::shown(row.stage)};
}

Cell left_cell(const Row& row) {
  if (!row.left) return {};
  if (*row.left < Seconds{0}) return {watch::short_duration(-*row.left) + " ago", Paint::red};
  return {watch::short_duration(*row.left)};
}

Cell cost_cell(const Row& row) {
  if (!row.cost) return {};
  const auto* sign = row.cost_mark == Row::Cost::exact      ? ""
                     : row.cost_mark == Row::Cost::at_least ? ">"
                                                            : "<";
  return {sign + format_dollars(*row.cost)};
}

Cell saved_cell(const Row& row) {
  if (is_over(row.state) && row.saves && row.saved)
    return *row.saved ? Cell{"all"} : Cell{"NOT ALL", Paint::red};
  return {row.save_age ? age(row.save_age) + " ago" : ""};
}

constexpr std::array<Column, 12> k_columns{
    {{"JOB", false, 90, [](const Row& row) { return Cell{watch::shown(row.job)}; }},
     {"LAUNCH", false, 40, [](const Row& row) { return Cell{watch::shown(row.launch_id)}; }},
     {"STATE", false, 100, state_cell},
     {"STAGE", false, 70, stage_cell},
     {"RAN", true, 60, [](const Row& row) { return Cell{age(row.ran)}; }},
     {"LEFT", true, 80, left_cell},
     {"COST", true, 75, cost_cell},
     {"OUTPUT", true, 50,
      [](const Row& row) { return Cell{row.output_age ? age(row.output_age) + " ago" : ""}; }},
     {"SAVED", true, 55, saved_cell},
     {"INSTANCE", false, 45, [](const Row& row) { return Cell{watch::shown(row.instance)}; }},
     {"TYPE", false, 20, [](const Row& row) { return Cell{watch::shown(row.type)}; }},
     {"REGION", false, 30, [](const Row& row) { return Cell{watch::shown(row.region)}; }}}};

struct Shown {
  const Column* column;
  std::size_t width;
};

std::size_t total_of(const std::vector<Shown>& columns) {
  std::size_t total = 0;
  for (const auto& each : columns) total += each.width;
  return columns.empty() ? 0 : total + (columns.size() - 1) * watch::k_between.size();
}

std::vector<Shown> layout_of(const std::vector<Row>& rows, unsigned width,
                             std::vector<std::string>& left_out) {
  std::vector<Shown> columns;
  for (const auto& column : k_columns) {
    std::size_t widest = 0;
    for (const auto& row : rows) widest = std::max(widest, watch::columns_of(column.cell(row).text));
    if (widest > 0) columns.push_back({&column, std::clamp(widest, column.title.size(), k_widest)});
  }
  if (width == 0) return columns;
  while (total_of(columns) > width && columns.size() > 1) {
    // A name can do with less before a column goes.
    auto& name = columns.front();
    const auto over = total_of(columns) - width;
    if (name.width > k_least_name && name.width - k_least_name >= over) {
      name.width -= over;
      break;
    }
    const auto least = std::min_element(
        columns.begin(), columns.end(),
        [](const Shown& one, const Shown& other) { return one.column->rank < other.column->rank; });
    left_out.emplace_back(least->column->title);
    columns.erase(least);
  }
  return columns;
}

std::string painted(const std::string& text, Paint paint, bool colours) {
  if (!colours || paint == Paint::none) return text;
  const auto* escape = paint == Paint::red      ? "\033[1;31m"
                       : paint == Paint::yellow ? "\033[33m"
                       : paint == Paint::green  ? "\033[32m"
                                                : "\033[2m";
  return escape + text + "\033[0m";
}

json::value maybe_text(const std::string& text) {
  return text.empty() ? json::value() : json::value(watch::valid_utf8(text));
}

json::value maybe_seconds(const std::optional<Seconds>& seconds) {
  return seconds ? json::value(seconds->count()) : json::value();
}

json::value maybe_time(const std::optional<WallTime>& time) {
  return time ? json::value(format_utc(*time)) : json::value();
}

// Exact decimals, which a double in between would not keep.
std::string dollars(const std::optional<Micros>& amount) {
  if (!amount) return "null";
  return fmt::format("{}.{:06}", amount->count / 1'000'000, amount->count % 1'000'000);
}

std::string_view word_of(JobState state) {
  return state == JobState::never_launched ? std::string_view("never_launched") : name_of(state);
}

std::string json_of(const Row& row) {
  static constexpr std::array<std::string_view, 3> k_marks{"exact", "at_least", "at_most"};
  json::array notes;
  for (const auto& each : row.notes) notes.emplace_back(watch::valid_utf8(each));
  const json::object object{
      {"launch", row.launch_id},
      {"job", maybe_text(row.job)},
      {"region", maybe_text(row.region)},
      {"owner", maybe_text(row.owner)},
      {"state", std::string(word_of(row.state))},
      {"over", is_over(row.state)},
      {"stage", maybe_text(row.stage)},
      {"exit_code", row.exit_code ? json::value(*row.exit_code) : json::value()},
      {"saved", row.saved ? json::value(*row.saved) : json::value()},
      {"cause", maybe_text(row.cause)},
      {"reason", maybe_text(row.reason)},
      {"instance", maybe_text(row.instance)},
      {"type", maybe_text(row.type)},
      {"zone", maybe_text(row.zone)},
      {"instance_state", maybe_text(row.instance_state)},
      {"made", maybe_time(row.made)},
      {"end_at", maybe_time(row.end_at)},
      {"running_s", maybe_seconds(row.ran)},
      {"left_s", maybe_seconds(row.left)},
      {"output_age_s", maybe_seconds(row.output_age)},
      {"save_age_s", maybe_seconds(row.save_age)},
      {"status_age_s", maybe_seconds(row.status_age)},
      {"gpus", maybe_text(row.gpus)},
      {"notes", std::move(notes)},
  };
  auto text = watch::safe_json(json::serialize(object));
  text.pop_back();
  return text + ",\"cost\":{\"so_far\":" + dollars(row.cost) + ",\"mark\":\"" +
         std::string(row.cost ? k_marks.at(static_cast<std::size_t>(row.cost_mark)) : "unknown") + "\"}}";
}

}  // namespace

bool is_complete(const JobList& list) {
  return std::all_of(list.rows.begin(), list.rows.end(), [](const Row& row) { return row.complete; });
}

std::string render_json(const JobList& list) {
  const json::object head{{"schema", k_json_schema},
                          {"at", format_utc(list.at)},
                          {"staging", watch::valid_utf8(list.staging)},
                          {"complete", is_complete(list)},
                          {"launches", list.launches}};
  auto text = watch::safe_json(json::serialize(head));
  text.pop_back();
  text += ",\"jobs\":[";
  for (const auto& row : list.rows) text += (&row == list.rows.data() ? "\n" : ",\n") + json_of(row);
  return text + (list.rows.empty() ? "]}\n" : "\n]}\n");
}

std::string render_table(const JobList& list, const watch::TableOptions& options) {
  const auto wrapped = [&](const std::string& text) { return watch::wrapped(text, options.width); };
  if (list.rows.empty()) return wrapped("No launches below " + watch::shown(list.staging) + "jobs/");
  std::vector<std::string> left_out;
  const auto columns = layout_of(list.rows, options.width, left_out);
  std::string text;
  const auto line = [&](const auto& cell_of) {
    std::string cells;
    for (const auto& shown : columns) {
      const Cell cell = cell_of(*shown.column);
      const bool is_last = &shown == &columns.back();
      auto padded = watch::shortened(cell.text.empty() ? "-" : cell.text, shown.width);
      if (!is_last || shown.column->right) padded = watch::padded(padded, shown.width, shown.column->right);
      cells += painted(padded, cell.paint, options.colours) + (is_last ? "" : std::string(watch::k_between));
    }
    text += cells + "\n";
  };
  line([](const Column& column) { return Cell{std::string(column.title)}; });
  for (const auto& row : list.rows) line([&](const Column& column) { return column.cell(row); });
  for (const auto& row : list.rows) {
    for (const auto& note : row.notes) {
      const auto name = row.job.empty() ? row.launch_id : row.job + " (" + row.launch_id + ")";
      auto lines = wrapped(watch::shown(name) + ": " + watch::shown(note));
      lines.pop_back();
      text +=
          painted(lines, paint_of(row) == Paint::red ? Paint::red : Paint::yellow, options.colours) + "\n";
    }
  }
  if (!left_out.empty()) {
    std::string names;
    for (const auto& name : left_out) names += (names.empty() ? "" : ", ") + name;
    text += wrapped("(too narrow for " + names + "; --format json has all)");
  }
  if (list.launches > list.rows.size())
    text += wrapped("(the newest " + std::to_string(list.rows.size()) + " of " +
                    std::to_string(list.launches) + " launches; --all shows all)");
  return text;
}

}  // namespace curfew::jobs
