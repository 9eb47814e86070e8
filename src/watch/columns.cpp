// Cells, and the choice of what fits.
#include "watch/columns.hpp"

#include <algorithm>
#include <numeric>
#include <set>

#include "watch/display.hpp"

namespace curfew::watch {
namespace {

// No cell is wider, whatever a tag says; the other formats have it whole.
constexpr std::size_t k_widest = 48;
// A name is shortened to this at most.
constexpr std::size_t k_least_name = 14;

Cell severity_cell(const Row& row, WallTime) {
  if (row.assessment.kept) return {"KEPT", Paint::dim};
  const std::string name(name_of(row.assessment.severity));
  switch (row.assessment.severity) {
    case Severity::critical: return {name, Paint::red};
    case Severity::warning: return {name, Paint::yellow};
    case Severity::ok: break;
  }
  return {name, Paint::green};
}

Cell id_cell(const Row& row, WallTime) { return {shown(row.machine->id)}; }
Cell type_cell(const Row& row, WallTime) { return {shown(row.machine->type)}; }
Cell market_cell(const Row& row, WallTime) { return {std::string(name_of(row.machine->lifecycle))}; }
Cell account_cell(const Row& row, WallTime) { return {shown(row.machine->account)}; }
Cell name_cell(const Row& row, WallTime) { return {shown(row.machine->name)}; }
Cell owner_cell(const Row& row, WallTime) { return {shown(row.machine->owner)}; }
Cell launched_by_cell(const Row& row, WallTime) { return {shown(row.machine->launched_by)}; }

// The zone begins with the region's name, but for Local and Wavelength Zones, whose names say where they are.
Cell zone_cell(const Row& row, WallTime) {
  return {shown(row.machine->zone.empty() ? row.machine->region : row.machine->zone)};
}

// Only where it isn't what one expects.
Cell state_cell(const Row& row, WallTime) {
  if (row.machine->state == InstanceState::running) return {};
  return {std::string(name_of(row.machine->state)), Paint::dim};
}

Cell job_cell(const Row& row, WallTime) {
  const auto& job = row.machine->job;
  if (!job) return {};
  return {job->empty() ? "yes" : shown(*job)};
}

Cell running_cell(const Row& row, WallTime) { return {row.running ? short_duration(*row.running) : ""}; }

Cell price_cell(const Row& row, WallTime) { return {hourly_cell_of(instance_hourly_of(*row.machine))}; }

Cell extras_cell(const Row& row, WallTime) { return {hourly_cell_of(extras_hourly_of(*row.machine))}; }

Cell cost_cell(const Row& row, WallTime) { return {cell_of(row.so_far)}; }

Cell deadline_cell(const Row& row, WallTime) {
  const auto& deadline = row.machine->deadline;
  if (!deadline) return {};
  if (!deadline->at) return {"malformed", Paint::yellow};
  return {format_utc(*deadline->at)};
}

Cell left_cell(const Row& row, WallTime now) {
  const auto& deadline = row.machine->deadline;
  if (!deadline || !deadline->at || !row.running) return {};
  const auto left = std::chrono::floor<Seconds>(*deadline->at - now);
  if (now > *deadline->at) return {"overdue " + short_duration(-left), Paint::red};
  return {short_duration(left)};
}

Cell schedule_cell(const Row& row, WallTime) {
  const auto schedule = row.machine->schedule;
  if (schedule == ScheduleState::not_asked) return {};
  return {std::string(name_of(schedule)), schedule == ScheduleState::missing ? Paint::yellow : Paint::none};
}

Cell gpus_cell(const Row& row, WallTime) {
  const auto& gpus = row.machine->gpus;
  if (!gpus.present) return {};
  return {gpus.count ? std::to_string(*gpus.count) : "?"};
}

std::vector<Column> all_columns(bool several_accounts) {
  std::vector<Column> columns{{"SEVERITY", false, false, k_never, severity_cell},
                              {"INSTANCE", false, false, k_never, id_cell},
                              {"TYPE", false, false, 12, type_cell},
                              {"MARKET", false, false, 5, market_cell},
                              {"ZONE", false, false, 9, zone_cell},
                              {"STATE", false, false, 8, state_cell},
                              {"NAME", false, true, 10, name_cell},
                              {"OWNER", false, true, 7, owner_cell},
                              {"JOB", false, true, 3, job_cell},
                              {"LAUNCHED BY", false, true, 1, launched_by_cell},
                              {"GPUS", true, false, 4, gpus_cell},
                              {"RUNNING", true, false, 13, running_cell},
                              {"PRICE/H", true, false, 8, price_cell},
                              {"DISK+IP/H", true, false, 2, extras_cell},
                              {"COST", true, false, 14, cost_cell},
                              {"DEADLINE", false, false, 3, deadline_cell},
                              {"LEFT", true, false, 11, left_cell},
                              {"SCHEDULE", false, false, 4, schedule_cell}};
  if (several_accounts) columns.insert(columns.begin() + 4, {"ACCOUNT", false, false, 6, account_cell});
  return columns;
}

std::size_t least_width(const Column& column) {
  return column.shortens ? std::min(column.width, std::max(k_least_name, column.title.size())) : column.width;
}

// Which fit side by side at their least widths; the ones of the highest rank are asked first.
std::vector<bool> fitting(const std::vector<Column>& columns, std::size_t width) {
  std::vector<std::size_t> order(columns.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return columns[a].rank > columns[b].rank; });
  std::vector<bool> fits(columns.size());
  std::size_t used = 0;
  for (const auto at : order) {
    const auto wanted = (used == 0 ? 0 : k_between.size()) + least_width(columns[at]);
    if (columns[at].rank != k_never && used + wanted > width) continue;
    fits[at] = true;
    used += wanted;
  }
  return fits;
}

// Takes what is too wide from the columns that shorten, always from the widest.
void shorten(std::vector<Column>& columns, std::size_t width) {
  std::size_t total = (columns.size() - 1) * k_between.size();
  for (const auto& column : columns) total += column.width;
  for (; total > width; --total) {
    Column* widest = nullptr;
    for (auto& column : columns) {
      if (column.width <= least_width(column)) continue;
      if (widest == nullptr || column.width > widest->width) widest = &column;
    }
    if (widest == nullptr) return;
    --widest->width;
  }
}

}  // namespace

std::string short_duration(Seconds duration) {
  using namespace std::chrono;
  if (duration < hours{1}) return format_duration(duration);
  if (duration < hours{100}) return format_duration(floor<minutes>(duration));
  const auto whole = floor<days>(duration);
  const auto rest = floor<hours>(duration - whole);
  return std::to_string(whole.count()) + "d" + (rest.count() == 0 ? "" : format_duration(rest));
}

Layout layout_of(const std::vector<Row>& rows, WallTime now, unsigned width) {
  std::set<std::string_view> accounts;
  for (const auto& row : rows) accounts.insert(row.machine->account);
  Layout layout;
  for (auto column : all_columns(accounts.size() > 1)) {
    std::size_t widest = 0;
    for (const auto& row : rows) widest = std::max(widest, columns_of(column.cell(row, now).text));
    if (widest == 0) continue;
    column.width = std::clamp(widest, column.title.size(), k_widest);
    layout.columns.push_back(column);
  }
  if (width == 0 || layout.columns.empty()) return layout;
  const auto fits = fitting(layout.columns, width);
  std::vector<Column> fitted;
  for (std::size_t at = 0; at < fits.size(); ++at) {
    if (fits[at]) fitted.push_back(layout.columns[at]);
    else layout.left_out.push_back(layout.columns[at].title);
  }
  shorten(fitted, width);
  layout.columns = std::move(fitted);
  return layout;
}

}  // namespace curfew::watch
