// The report as metrics.
#include "watch/render_prometheus.hpp"

#include <initializer_list>
#include <set>
#include <tuple>
#include <utility>

#include "watch/display.hpp"
#include "watch/totals.hpp"

namespace curfew::watch {
namespace {

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// Prometheus, "Exposition formats": backslash, quote and newline; there are no newlines in what is shown.
std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : shown(value)) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return out;
}

std::string text_of(const Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels)
    text += (text.empty() ? "" : ",") + std::string(name) + "=\"" + escaped(value) + "\"";
  return text.empty() ? text : "{" + text + "}";
}

// A family: all its series stand together, after its two lines of what it is.
class Family {
 public:
  Family(const Sink& sink, std::string_view name, std::string_view help)
      : sink_(sink), name_("curfew_" + std::string(name)) {
    sink_("# HELP " + name_ + " " + std::string(help) + "\n# TYPE " + name_ + " gauge\n");
  }
  void series(const Labels& labels, const std::string& value) const {
    sink_(name_ + text_of(labels) + " " + value + "\n");
  }

 private:
  const Sink& sink_;
  std::string name_;
};

std::string seconds_of(WallTime at) {
  return std::to_string(std::chrono::floor<Seconds>(at.time_since_epoch()).count());
}

void single(const Sink& sink, std::string_view name, std::string_view help, const std::string& value) {
  Family(sink, name, help).series({}, value);
}

// What isn't known has no series: it's not 0.
void series_of(const Family& family, const Labels& labels, const Amount& amount) {
  if (!amount.is_unknown()) family.series(labels, decimal(amount.sum));
}

std::string is_exact(const Amount& amount) { return amount.at_least || amount.at_most ? "0" : "1"; }

void totals(const Report& report, const Totals& sums, const Sink& sink) {
  single(sink, "check_timestamp_seconds", "When the accounts were read.", seconds_of(report.at));
  single(sink, "check_complete", "Whether all that was to be read could be read.",
         is_unread(report) ? "0" : "1");
  const Family regions(sink, "region_read", "Whether the region could be read.");
  std::set<std::pair<std::string_view, std::string_view>> told;
  for (const auto& region : report.regions) {
    const bool read = region.outcome == RegionReading::Outcome::read;
    if (!read && region.outcome != RegionReading::Outcome::failed) continue;
    if (!told.emplace(region.account, region.region).second) continue;
    regions.series({{"account", region.account}, {"region", region.region}}, read ? "1" : "0");
  }
  const Family instances(sink, "instances", "Instances by severity.");
  instances.series({{"severity", "ok"}}, std::to_string(sums.instances - sums.needing_attention()));
  instances.series({{"severity", "warning"}}, std::to_string(sums.warning));
  instances.series({{"severity", "critical"}}, std::to_string(sums.critical));
  single(sink, "instances_kept", "Instances with a tag curfew:keep that holds.", std::to_string(sums.kept));
  single(sink, "gpus", "GPUs of the instances that run, as far as they are known.",
         std::to_string(sums.gpus));
  single(sink, "prices_unknown", "Instances that run at a price that is not known.",
         std::to_string(sums.prices_unknown));
  single(sink, "prices_at_most", "Instances of whose price only an upper bound is known.",
         std::to_string(sums.prices_at_most));
  const Family hourly(sink, "hourly_cost_dollars",
                      "What is known of the cost per hour, upper bounds included.");
  const std::pair<std::string_view, const Amount*> parts[] = {
      {"instances", &sums.instances_hourly}, {"ebs", &sums.ebs_hourly}, {"ipv4", &sums.ipv4_hourly}};
  for (const auto& [part, amount] : parts) series_of(hourly, {{"part", part}}, *amount);
  const Family exact(sink, "hourly_cost_exact", "Whether all of it is known.");
  for (const auto& [part, amount] : parts) exact.series({{"part", part}}, is_exact(*amount));
  series_of(Family(sink, "cost_dollars", "What is known of the cost since each instance was started last."),
            {}, sums.so_far);
  single(sink, "cost_exact", "Whether all of it is known.", is_exact(sums.so_far));
}

std::vector<Row> without_repeats(std::vector<Row> rows) {
  std::set<std::tuple<std::string_view, std::string_view, std::string_view>> told;
  std::erase_if(rows, [&](const Row& row) {
    return !told.emplace(row.machine->account, row.machine->region, row.machine->id).second;
  });
  return rows;
}

struct Measure {
  std::string_view name;
  std::string_view help;
  std::string (*value)(const Row& row);  // empty: not known
};

constexpr Measure k_measures[] = {
    {"instance_severity", "0 OK, 1 WARNING, 2 CRITICAL.",
     [](const Row& row) { return std::to_string(static_cast<int>(row.assessment.severity)); }},
    {"instance_running_seconds", "Time since the last start.",
     [](const Row& row) { return row.running ? std::to_string(row.running->count()) : std::string(); }},
    {"instance_hourly_cost_dollars", "Cost per hour, with volumes and addresses.",
     [](const Row& row) {
       const auto hourly = hourly_of(*row.machine);
       return hourly.any ? decimal(hourly.sum) : std::string();
     }},
    {"instance_cost_dollars", "Cost since the last start, with volumes and addresses.",
     [](const Row& row) { return row.so_far.any ? decimal(row.so_far.sum) : std::string(); }},
    {"instance_cost_exact", "Whether all of both costs is known.",
     [](const Row& row) {
       const auto hourly = is_exact(hourly_of(*row.machine));
       return row.running && hourly == "1" ? is_exact(row.so_far) : hourly;
     }},
    {"instance_deadline_timestamp_seconds", "When the instance is to be gone.",
     [](const Row& row) {
       const auto at = row.machine->deadline.value_or(Deadline{}).at;
       return at ? seconds_of(*at) : std::string();
     }},
    {"instance_gpus", "GPUs of the instance.",
     [](const Row& row) {
       const auto& count = row.machine->gpus.count;
       return count ? std::to_string(*count) : std::string();
     }},
};

}  // namespace

void render_prometheus(const Report& report, const Sink& sink) {
  const auto rows = without_repeats(rows_of(report));
  totals(report, totals_of(rows), sink);
  {
    const Family info(sink, "instance_info", "What is known of the instance.");
    for (const auto& row : rows) {
      const auto& machine = *row.machine;
      info.series({{"account", machine.account},
                   {"region", machine.region},
                   {"instance_id", machine.id},
                   {"zone", machine.zone},
                   {"type", machine.type},
                   {"lifecycle", name_of(machine.lifecycle)},
                   {"state", name_of(machine.state)},
                   {"name", machine.name},
                   {"owner", machine.owner},
                   {"launched_by", machine.launched_by},
                   {"curfew_job", machine.job ? *machine.job : std::string_view()}},
                  "1");
    }
  }
  for (const auto& measure : k_measures) {
    const Family family(sink, measure.name, measure.help);
    for (const auto& row : rows) {
      const auto value = measure.value(row);
      if (value.empty()) continue;
      family.series({{"account", row.machine->account},
                     {"region", row.machine->region},
                     {"instance_id", row.machine->id}},
                    value);
    }
  }
  sink("# EOF\n");
}

}  // namespace curfew::watch
