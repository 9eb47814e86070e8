// The report as JSON: the instances one by one, as the whole would be too large to hold.
#include "watch/render_json.hpp"

#include <utility>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "watch/display.hpp"
#include "watch/enforcement.hpp"
#include "watch/totals.hpp"

namespace curfew::watch {

namespace json = boost::json;

namespace {

json::value text(std::string_view from) { return json::string(valid_utf8(from)); }
json::value name(std::string_view from) { return json::string(from); }
json::value text_or_null(std::string_view from) { return from.empty() ? json::value() : text(from); }

json::value dollars(Micros amount) { return static_cast<double>(amount.count) / 1e6; }
json::value dollars(const std::optional<Micros>& amount) { return amount ? dollars(*amount) : json::value(); }
json::value seconds(const std::optional<Seconds>& duration) {
  return duration ? json::value(duration->count()) : json::value();
}
json::value time(const std::optional<WallTime>& at) {
  return at ? json::value(format_utc(*at)) : json::value();
}

json::value known(const Amount& amount) { return amount.is_unknown() ? json::value() : dollars(amount.sum); }
json::value marked(const Amount& amount) {
  return json::object{{"amount", known(amount)}, {"mark", name(mark_of(amount))}};
}

json::value to_value(const Thresholds& thresholds) {
  return json::object{{"warn_s", seconds(thresholds.warn)},
                      {"crit_s", seconds(thresholds.crit)},
                      {"warn_cost", dollars(thresholds.warn_cost)},
                      {"crit_cost", dollars(thresholds.crit_cost)}};
}

json::value to_value(const std::optional<Deadline>& deadline, WallTime now) {
  if (!deadline) return {};
  std::optional<Seconds> left;
  if (deadline->at) left = std::chrono::floor<Seconds>(*deadline->at - now);
  return json::object{
      {"at", time(deadline->at)}, {"left_s", seconds(left)}, {"raw", text_or_null(deadline->raw)}};
}

json::value to_value(const std::optional<Keep>& keep) {
  if (!keep) return {};
  return json::object{
      {"reason", text(keep->reason)}, {"until", time(keep->until)}, {"malformed", keep->malformed}};
}

json::value cost_of_row(const Row& row) {
  const auto& cost = row.machine->cost;
  const bool running = row.machine->state == InstanceState::running;
  const auto hourly = hourly_of(*row.machine);
  return json::object{{"hourly", dollars(cost.hourly)},
                      {"so_far", dollars(cost.so_far)},
                      {"ebs_hourly", dollars(cost.ebs_hourly)},
                      {"ebs_so_far", dollars(cost.ebs_so_far)},
                      {"ipv4_hourly", dollars(cost.ipv4_hourly)},
                      {"ipv4_so_far", dollars(cost.ipv4_so_far)},
                      {"total_hourly", known(hourly)},
                      {"total_so_far", running ? known(row.so_far) : json::value()},
                      {"mark", name(mark_of(running ? row.so_far : hourly))},
                      {"source", text_or_null(cost.source)}};
}

json::value to_value(const Row& row, const Report& report) {
  const auto& machine = *row.machine;
  json::array causes;
  for (const auto cause : row.assessment.causes) causes.push_back(name(name_of(cause)));
  json::array ignored;
  for (const auto& tag : machine.ignored_tags) ignored.push_back(text(tag));
  return json::object{
      {"id", text(machine.id)},
      {"account", text_or_null(machine.account)},
      {"region", text(machine.region)},
      {"zone", text_or_null(machine.zone)},
      {"type", text(machine.type)},
      {"lifecycle", name(name_of(machine.lifecycle))},
      {"state", name(name_of(machine.state))},
      {"launched", time(machine.launched)},
      {"running_s", seconds(running_for(machine, report.at))},
      {"severity", name(name_of(row.assessment.severity))},
      {"causes", std::move(causes)},
      {"why", text_or_null(describe(row.assessment, machine, report.thresholds, report.at))},
      {"kept", row.assessment.kept},
      {"keep", to_value(machine.keep)},
      {"name", text_or_null(machine.name)},
      {"owner", text_or_null(machine.owner)},
      {"launched_by", text_or_null(machine.launched_by)},
      {"job", machine.job ? text(*machine.job) : json::value()},
      {"auto_scaling_group", text_or_null(machine.group)},
      {"managed_by", text_or_null(machine.managed_by)},
      {"deadline", to_value(machine.deadline, report.at)},
      {"schedule", name(name_of(machine.schedule))},
      {"then", machine.then_stop ? "stop" : "terminate"},
      {"protected", machine.protected_from_end ? json::value(*machine.protected_from_end) : json::value()},
      {"enforce", name(name_of(enforceable(machine, report.at)))},
      {"gpus",
       json::object{{"present", machine.gpus.present},
                    {"count", machine.gpus.count ? json::value(*machine.gpus.count) : json::value()}}},
      {"thresholds", to_value(thresholds_for(machine, report.thresholds))},
      {"ignored_tags", std::move(ignored)},
      {"cost", cost_of_row(row)}};
}

json::value to_value(const Totals& totals) {
  return json::object{{"instances", totals.instances},
                      {"running", totals.running},
                      {"gpus", totals.gpus},
                      {"gpus_at_least", totals.gpus_at_least},
                      {"critical", totals.critical},
                      {"warning", totals.warning},
                      {"needing_attention", totals.needing_attention()},
                      {"kept", totals.kept},
                      {"prices_unknown", totals.prices_unknown},
                      {"prices_at_most", totals.prices_at_most},
                      {"instances_hourly", marked(totals.instances_hourly)},
                      {"ebs_hourly", marked(totals.ebs_hourly)},
                      {"ipv4_hourly", marked(totals.ipv4_hourly)},
                      {"per_hour", marked(totals.hourly)},
                      {"per_day", marked(per_day(totals.hourly))},
                      {"per_month", marked(per_month(totals.hourly))},
                      {"so_far", marked(totals.so_far)}};
}

json::array accounts_of(const Report& report) {
  json::array array;
  for (const auto& account : report.accounts)
    array.push_back(json::object{{"id", text(account.id)}, {"role", text_or_null(account.role)}});
  return array;
}

json::array regions_of(const Report& report) {
  json::array array;
  for (const auto& region : report.regions)
    array.push_back(json::object{{"account", text_or_null(region.account)},
                                 {"region", text(region.region)},
                                 {"outcome", name(name_of(region.outcome))},
                                 {"error", text_or_null(region.error)}});
  return array;
}

json::array notes_of(const Report& report) {
  json::array array;
  for (const auto& note : report.notes)
    array.push_back(json::object{{"text", text(note.text)}, {"unread", note.unread}});
  return array;
}

std::string line_of(const json::value& value) { return safe_json(json::serialize(value)); }

}  // namespace

void render_json(const Report& report, const Sink& sink) {
  const auto rows = rows_of(report);
  const auto field = [&](const char* key, const json::value& value) {
    sink("\"" + std::string(key) + "\":" + line_of(value) + ",\n");
  };
  sink("{");
  field("schema", k_json_schema);
  field("at", time(report.at));
  field("complete", !is_unread(report));
  field("accounts", accounts_of(report));
  field("regions", regions_of(report));
  field("thresholds", to_value(report.thresholds));
  sink("\"instances\":[");
  const char* between = "\n";
  for (const auto& row : rows) sink(std::exchange(between, ",\n") + line_of(to_value(row, report)));
  sink("],\n");
  field("totals", to_value(totals_of(rows)));
  field("notes", notes_of(report));
  sink("\"not_counted\":" +
       line_of(json::array{"Reserved Instances and Savings Plans", "data transfer", "snapshots", "taxes",
                           "discounts and credits"}) +
       "}\n");
}

}  // namespace curfew::watch
