// The report as CSV.
#include "watch/render_csv.hpp"

#include <array>

#include "watch/display.hpp"
#include "watch/enforcement.hpp"
#include "watch/totals.hpp"

namespace curfew::watch {
namespace {

struct Field {
  std::string_view name;
  std::string (*value)(const Row& row, const Report& report);
};

// A field as it stands in a line. What is ours (numbers, names) is of harmless characters, and passes unchanged.
std::string quoted(const std::string& text) {
  if (text.find_first_of("\",\n\r") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

// A text from outside.
std::string outside(std::string_view text) {
  auto out = shown(text);
  if (out.empty()) return out;
  bool formula = std::string_view("=+-@").find(out.front()) != std::string_view::npos;
  // Their full-width forms, which some spreadsheets take for them.
  for (const std::string_view wide : {"＝", "＋", "－", "＠"}) formula = formula || out.starts_with(wide);
  // A space before it doesn't help everywhere.
  const auto first = out.find_first_not_of(' ');
  if (first != std::string::npos && first > 0)
    formula = formula || std::string_view("=+-@").find(out[first]) != std::string_view::npos;
  if (formula) out.insert(0, "'");
  return out;
}

std::string dollars(const std::optional<Micros>& amount) { return amount ? decimal(*amount) : ""; }
std::string dollars(const Amount& amount) { return amount.is_unknown() ? "" : decimal(amount.shown()); }
std::string flag(bool value) { return value ? "true" : "false"; }

std::optional<WallTime> deadline_of(const Machine& machine) {
  return machine.deadline.value_or(Deadline{}).at;
}

std::string causes_of(const Assessment& assessment) {
  std::string text;
  for (const auto cause : assessment.causes) text += (text.empty() ? "" : " ") + std::string(name_of(cause));
  return text;
}

std::string running_seconds(const Row& row, const Report&) {
  return row.running ? std::to_string(row.running->count()) : "";
}

std::string left_seconds(const Row& row, const Report& report) {
  const auto at = deadline_of(*row.machine);
  return at ? std::to_string(std::chrono::floor<Seconds>(*at - report.at).count()) : "";
}

constexpr std::array k_fields{
    Field{"schema", [](const Row&, const Report&) { return std::to_string(k_csv_schema); }},
    Field{"at", [](const Row&, const Report& report) { return format_utc(report.at); }},
    Field{"account", [](const Row& row, const Report&) { return outside(row.machine->account); }},
    Field{"region", [](const Row& row, const Report&) { return outside(row.machine->region); }},
    Field{"zone", [](const Row& row, const Report&) { return outside(row.machine->zone); }},
    Field{"instance_id", [](const Row& row, const Report&) { return outside(row.machine->id); }},
    Field{"type", [](const Row& row, const Report&) { return outside(row.machine->type); }},
    Field{"lifecycle",
          [](const Row& row, const Report&) { return std::string(name_of(row.machine->lifecycle)); }},
    Field{"state", [](const Row& row, const Report&) { return std::string(name_of(row.machine->state)); }},
    Field{"launched", [](const Row& row, const Report&) { return format_utc(row.machine->launched); }},
    Field{"running_seconds", running_seconds},
    Field{"severity",
          [](const Row& row, const Report&) { return std::string(name_of(row.assessment.severity)); }},
    Field{"causes", [](const Row& row, const Report&) { return causes_of(row.assessment); }},
    Field{"kept", [](const Row& row, const Report&) { return flag(row.assessment.kept); }},
    Field{"name", [](const Row& row, const Report&) { return outside(row.machine->name); }},
    Field{"owner", [](const Row& row, const Report&) { return outside(row.machine->owner); }},
    Field{"launched_by", [](const Row& row, const Report&) { return outside(row.machine->launched_by); }},
    Field{"job", [](const Row& row, const Report&) { return outside(row.machine->job.value_or("")); }},
    Field{"auto_scaling_group", [](const Row& row, const Report&) { return outside(row.machine->group); }},
    Field{"managed_by", [](const Row& row, const Report&) { return outside(row.machine->managed_by); }},
    Field{"deadline",
          [](const Row& row, const Report&) {
            const auto at = deadline_of(*row.machine);
            return at ? format_utc(*at) : std::string();
          }},
    Field{"left_seconds", left_seconds},
    Field{"schedule",
          [](const Row& row, const Report&) { return std::string(name_of(row.machine->schedule)); }},
    Field{"enforce",
          [](const Row& row, const Report& report) {
            return std::string(name_of(enforceable(*row.machine, report.at)));
          }},
    Field{"gpus",
          [](const Row& row, const Report&) {
            const auto& count = row.machine->gpus.count;
            return count ? std::to_string(*count) : std::string();
          }},
    Field{"hourly_dollars", [](const Row& row, const Report&) { return dollars(row.machine->cost.hourly); }},
    Field{"so_far_dollars", [](const Row& row, const Report&) { return dollars(row.machine->cost.so_far); }},
    Field{"ebs_hourly_dollars",
          [](const Row& row, const Report&) { return dollars(row.machine->cost.ebs_hourly); }},
    Field{"ebs_so_far_dollars",
          [](const Row& row, const Report&) { return dollars(row.machine->cost.ebs_so_far); }},
    Field{"ipv4_hourly_dollars",
          [](const Row& row, const Report&) { return dollars(row.machine->cost.ipv4_hourly); }},
    Field{"ipv4_so_far_dollars",
          [](const Row& row, const Report&) { return dollars(row.machine->cost.ipv4_so_far); }},
    Field{"total_hourly_dollars",
          [](const Row& row, const Report&) { return dollars(hourly_of(*row.machine)); }},
    Field{"total_so_far_dollars",
          [](const Row& row, const Report&) { return row.running ? dollars(row.so_far) : ""; }},
    Field{"cost_mark",
          [](const Row& row, const Report&) {
            return std::string(mark_of(row.running ? row.so_far : hourly_of(*row.machine)));
          }},
    Field{"price_source", [](const Row& row, const Report&) { return outside(row.machine->cost.source); }},
};

}  // namespace

void render_csv(const Report& report, const Sink& sink) {
  const auto print = [&](const auto& cell) {
    std::string line;
    for (const auto& field : k_fields) {
      if (&field != &k_fields.front()) line += ',';
      line += quoted(cell(field));
    }
    sink(line + "\n");
  };
  print([](const Field& field) { return std::string(field.name); });
  for (const auto& row : rows_of(report)) print([&](const Field& field) { return field.value(row, report); });
}

}  // namespace curfew::watch
