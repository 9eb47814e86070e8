// The report as JSON.
#include "watch/render_json.hpp"

#include <initializer_list>
#include <utility>

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include "watch/display.hpp"
#include "watch/enforcement.hpp"
#include "watch/totals.hpp"

namespace curfew::watch {
namespace {

// Values as they stand in the document. Boost.JSON quotes the texts; it would write money as 7.2432E1.
using Json = std::string;
const Json k_null = "null";

Json text(std::string_view from) {
  return safe_json(boost::json::serialize(boost::json::string(valid_utf8(from))));
}
Json text_or_null(std::string_view from) { return from.empty() ? k_null : text(from); }
Json number(std::size_t value) { return std::to_string(value); }
Json flag(bool value) { return value ? "true" : "false"; }

Json array(const std::vector<Json>& values) {
  Json out = "[";
  for (const auto& value : values) out += (out.size() > 1 ? "," : "") + value;
  return out + "]";
}

Json object(std::initializer_list<std::pair<std::string_view, Json>> fields) {
  Json out = "{";
  for (const auto& [key, value] : fields)
    out += (out.size() > 1 ? ",\"" : "\"") + std::string(key) + "\":" + value;
  return out + "}";
}

Json dollars(const std::optional<Micros>& amount) { return amount ? decimal(*amount) : k_null; }
Json seconds(const std::optional<Seconds>& duration) {
  return duration ? std::to_string(duration->count()) : k_null;
}
Json time(const std::optional<WallTime>& at) { return at ? text(format_utc(*at)) : k_null; }

Json known(const Amount& amount) { return amount.is_unknown() ? k_null : decimal(amount.shown()); }
Json marked(const Amount& amount) {
  return object({{"amount", known(amount)}, {"mark", text(mark_of(amount))}});
}

Json to_value(const Thresholds& thresholds) {
  return object({{"warn_s", seconds(thresholds.warn)},
                 {"crit_s", seconds(thresholds.crit)},
                 {"warn_cost", dollars(thresholds.warn_cost)},
                 {"crit_cost", dollars(thresholds.crit_cost)}});
}

Json to_value(const std::optional<Deadline>& deadline, WallTime now) {
  if (!deadline) return k_null;
  std::optional<Seconds> left;
  if (deadline->at) left = std::chrono::floor<Seconds>(*deadline->at - now);
  return object({{"at", time(deadline->at)},
                 {"left_s", seconds(left)},
                 {"raw", deadline->at ? k_null : text(deadline->raw)}});
}

Json to_value(const std::optional<Keep>& keep) {
  if (!keep) return k_null;
  return object(
      {{"reason", text(keep->reason)}, {"until", time(keep->until)}, {"malformed", flag(keep->malformed)}});
}

Json to_value(const Gpus& gpus) {
  return object({{"present", flag(gpus.present)}, {"count", gpus.count ? number(*gpus.count) : k_null}});
}

Json cost_of_row(const Row& row) {
  const auto& cost = row.machine->cost;
  const auto hourly = hourly_of(*row.machine);
  std::vector<Json> notes;
  if (cost.notes)
    for (const auto& note : *cost.notes) notes.push_back(text(note));
  return object({{"hourly", dollars(cost.hourly)},
                 {"so_far", dollars(cost.so_far)},
                 {"ebs_hourly", dollars(cost.ebs_hourly)},
                 {"ebs_so_far", dollars(cost.ebs_so_far)},
                 {"ipv4_hourly", dollars(cost.ipv4_hourly)},
                 {"ipv4_so_far", dollars(cost.ipv4_so_far)},
                 {"total_hourly", known(hourly)},
                 {"total_so_far", row.running ? known(row.so_far) : k_null},
                 {"mark", text(mark_of(row.running ? row.so_far : hourly))},
                 {"source", text_or_null(cost.source)},
                 {"notes", array(notes)}});
}

Json to_value(const Row& row, const Report& report) {
  const auto& machine = *row.machine;
  std::vector<Json> causes;
  for (const auto cause : row.assessment.causes) causes.push_back(text(name_of(cause)));
  std::vector<Json> ignored;
  for (const auto& tag : machine.ignored_tags) ignored.push_back(text(tag));
  return object({{"id", text(machine.id)},
                 {"account", text_or_null(machine.account)},
                 {"region", text(machine.region)},
                 {"zone", text_or_null(machine.zone)},
                 {"type", text(machine.type)},
                 {"lifecycle", text(name_of(machine.lifecycle))},
                 {"state", text(name_of(machine.state))},
                 {"launched", time(machine.launched)},
                 {"running_s", seconds(row.running)},
                 {"severity", text(name_of(row.assessment.severity))},
                 {"causes", array(causes)},
                 {"why", text_or_null(describe(row.assessment, machine, report.thresholds, report.at))},
                 {"kept", flag(row.assessment.kept)},
                 {"keep", to_value(machine.keep)},
                 {"name", text_or_null(machine.name)},
                 {"owner", text_or_null(machine.owner)},
                 {"launched_by", text_or_null(machine.launched_by)},
                 {"job", machine.job ? text(*machine.job) : k_null},
                 {"auto_scaling_group", text_or_null(machine.group)},
                 {"managed_by", text_or_null(machine.managed_by)},
                 {"deadline", to_value(machine.deadline, report.at)},
                 {"schedule", text(name_of(machine.schedule))},
                 {"then", text(machine.then_stop ? "stop" : "terminate")},
                 {"protected", machine.protected_from_end ? flag(*machine.protected_from_end) : k_null},
                 {"enforce", text(name_of(enforceable(machine, report.at)))},
                 {"gpus", to_value(machine.gpus)},
                 {"thresholds", to_value(thresholds_for(machine, report.thresholds))},
                 {"ignored_tags", array(ignored)},
                 {"cost", cost_of_row(row)}});
}

Json to_value(const Totals& totals) {
  return object({{"instances", number(totals.instances)},
                 {"running", number(totals.running)},
                 {"gpus", number(totals.gpus)},
                 {"gpus_at_least", flag(totals.gpus_at_least)},
                 {"critical", number(totals.critical)},
                 {"warning", number(totals.warning)},
                 {"needing_attention", number(totals.needing_attention())},
                 {"kept", number(totals.kept)},
                 {"prices_unknown", number(totals.prices_unknown)},
                 {"prices_at_most", number(totals.prices_at_most)},
                 {"instances_hourly", marked(totals.instances_hourly)},
                 {"ebs_hourly", marked(totals.ebs_hourly)},
                 {"ipv4_hourly", marked(totals.ipv4_hourly)},
                 {"per_hour", marked(totals.hourly)},
                 {"per_day", marked(per_day(totals.hourly))},
                 {"per_month", marked(per_month(totals.hourly))},
                 {"so_far", marked(totals.so_far)}});
}

// A list of what stands beside the instances, one a line.
template <class T>
Json lines_of(const std::vector<T>& values, Json (*to_json)(const T&)) {
  std::vector<Json> lines;
  for (const auto& value : values) lines.push_back("\n" + to_json(value));
  return array(lines);
}

Json account_value(const Account& account) {
  return object({{"id", text(account.id)}, {"role", text_or_null(account.role)}});
}

Json region_value(const RegionReading& region) {
  return object({{"account", text_or_null(region.account)},
                 {"region", text(region.region)},
                 {"outcome", text(name_of(region.outcome))},
                 {"error", text_or_null(region.error)}});
}

Json note_value(const Note& note) {
  return object({{"text", text(note.text)}, {"unread", flag(note.unread)}});
}

Json enforcement_value(const std::optional<Enforced>& enforced) {
  if (!enforced) return k_null;
  return object({{"mode", text(name_of(enforced->mode))}, {"refused", text_or_null(enforced->refused)}});
}

Json act_value(const Act& act) {
  return object({{"at", time(act.at)},
                 {"action", text(name_of(act.action))},
                 {"by", text_or_null(act.by)},
                 {"account", text_or_null(act.account)},
                 {"region", text(act.region)},
                 {"id", text(act.instance)},
                 {"name", text_or_null(act.name)},
                 {"why", text(act.why)},
                 {"done", flag(act.done)},
                 {"outcome", text_or_null(act.outcome)}});
}

Json left_alone_value(const LeftAlone& left) {
  return object({{"account", text_or_null(left.account)},
                 {"region", text(left.region)},
                 {"id", text(left.instance)},
                 {"name", text_or_null(left.name)},
                 {"reason", text(left.reason)},
                 {"why", text(left.why)}});
}

Json not_counted() {
  return array({text("Reserved Instances and Savings Plans"), text("data transfer"), text("snapshots"),
                text("taxes"), text("discounts and credits")});
}

}  // namespace

void render_json(const Report& report, const Sink& sink) {
  const auto rows = rows_of(report);
  const auto field = [&](const char* key, const Json& value) {
    sink("\"" + std::string(key) + "\":" + value + ",\n");
  };
  sink("{");
  field("schema", number(k_json_schema));
  field("at", time(report.at));
  field("complete", flag(!is_unread(report)));
  field("accounts", lines_of(report.accounts, account_value));
  std::vector<Json> filters;
  for (const auto& filter : report.filters) filters.push_back(text(filter));
  field("filters", array(filters));
  field("regions", lines_of(report.regions, region_value));
  field("thresholds", to_value(report.thresholds));
  // One by one: all of them are too large to hold.
  sink("\"instances\":[");
  std::string_view between = "\n";
  for (const auto& row : rows) sink(std::string(std::exchange(between, ",\n")) + to_value(row, report));
  sink("],\n");
  field("totals", to_value(totals_of(rows)));
  const auto enforced = report.enforced.value_or(Enforced{});
  field("enforcement", enforcement_value(report.enforced));
  field("acts", lines_of(enforced.acts, act_value));
  field("not_touched", lines_of(enforced.left_alone, left_alone_value));
  field("notes", lines_of(report.notes, note_value));
  sink("\"not_counted\":" + not_counted() + "}\n");
}

}  // namespace curfew::watch
