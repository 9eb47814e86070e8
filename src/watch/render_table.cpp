// The report for people.
#include "watch/render_table.hpp"

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "watch/act_text.hpp"
#include "watch/columns.hpp"
#include "watch/display.hpp"
#include "watch/totals.hpp"

namespace curfew::watch {
namespace {

// More of a kind are summed up in a line.
constexpr std::size_t k_most_notes = 20;
constexpr std::size_t k_most_sources = 6;
constexpr std::size_t k_most_reasons = 6;
constexpr std::size_t k_longest_filter = 80;
constexpr std::size_t k_most_left_alone = 100;
constexpr std::size_t k_longest_error = 300;

std::string_view escape_of(Paint paint) {
  switch (paint) {
    case Paint::red: return "\033[1;31m";
    case Paint::yellow: return "\033[33m";
    case Paint::green: return "\033[32m";
    case Paint::dim: return "\033[2m";
    case Paint::none: break;
  }
  return "";
}

class Page {
 public:
  Page(const TableOptions& options, const Sink& sink) : options_(options), sink_(sink) {}

  void line(std::string_view text) const { sink_(wrapped(text, options_.width)); }
  void line(std::string_view text, Paint paint) const {
    auto lines = wrapped(text, options_.width);
    lines.pop_back();
    sink_(painted(lines, paint) + "\n");
  }
  // To be copied: never broken.
  void whole(std::string_view text) const { sink_(std::string(text) + "\n"); }
  void gap() const { sink_("\n"); }
  [[nodiscard]] std::string painted(const std::string& text, Paint paint) const {
    const auto escape = escape_of(paint);
    return options_.colours && !escape.empty() ? std::string(escape) + text + "\033[0m" : text;
  }

 private:
  const TableOptions& options_;
  const Sink& sink_;
};

std::string counted(std::size_t count, std::string_view thing) {
  return std::to_string(count) + " " + std::string(thing) + (count == 1 ? "" : "s");
}

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : std::string(between)) + part;
  return text;
}

std::string limits_text(const std::optional<Seconds>& time, const std::optional<Micros>& cost) {
  std::string text;
  if (time) text += ", after " + format_duration(*time);
  if (cost) text += ", above " + format_limit(*cost);
  return text;
}

std::string region_name(const RegionReading& region, bool several_accounts) {
  const auto name = shown(region.region);
  return several_accounts && !region.account.empty() ? name + " of " + shown(region.account) : name;
}

void header(const Report& report, const Page& page) {
  using Outcome = RegionReading::Outcome;
  std::map<Outcome, std::vector<std::string>> names;
  std::vector<std::string> failures;
  const bool several = report.accounts.size() > 1;
  for (const auto& region : report.regions) {
    names[region.outcome].push_back(region_name(region, several));
    if (region.outcome == Outcome::failed)
      failures.push_back(names[region.outcome].back() + ": " + printable(region.error, k_longest_error));
  }
  std::vector<std::string> accounts;
  for (const auto& account : report.accounts)
    accounts.push_back(shown(account.id) + (account.role.empty() ? "" : " (" + shown(account.role) + ")"));
  // Sixteen regions by name are more than anybody reads.
  const auto& read = names[Outcome::read];
  std::string regions = counted(read.size(), "region") + " read";
  if (!read.empty() && read.size() <= 4) regions = "read " + joined(read, ", ");
  page.line((several ? "Accounts " : "Account ") + (accounts.empty() ? "unknown" : joined(accounts, ", ")) +
            ", " + regions + ", " + format_utc(report.at));
  const auto& limits = report.thresholds;
  page.line("CRITICAL: past its own deadline" + limits_text(limits.crit, limits.crit_cost) +
            "; WARNING: a GPU without a deadline" + limits_text(limits.warn, limits.warn_cost));
  if (!report.filters.empty()) {
    std::vector<std::string> only;
    for (const auto& filter : report.filters) only.push_back(shortened(shown(filter), k_longest_filter));
    page.line("Only what has: " + joined(only, "; "));
  }
  for (const auto outcome : {Outcome::ignored, Outcome::denied})
    if (!names[outcome].empty())
      page.line("Not read, " +
                std::string(outcome == Outcome::ignored ? "as asked" : "denied, which is allowed for") +
                ": " + joined(names[outcome], ", "));
  for (const auto& failure : failures) page.line("NOT READ: " + failure, Paint::red);
}

void table(const std::vector<Row>& rows, WallTime now, const TableOptions& options, const Page& page,
           const Sink& sink) {
  const auto layout = layout_of(rows, now, options.width);
  const auto print = [&](const auto& cell_of_column) {
    std::string line;
    for (const auto& column : layout.columns) {
      const Cell cell = cell_of_column(column);
      const bool last = &column == &layout.columns.back();
      auto text = shortened(cell.text.empty() ? "-" : cell.text, column.width);
      if (!last || column.right) text = padded(text, column.width, column.right);
      line += page.painted(text, cell.paint);
      if (!last) line += k_between;
    }
    sink(line + "\n");
  };
  print([](const Column& column) { return Cell{std::string(column.title)}; });
  for (const auto& row : rows) print([&](const Column& column) { return column.cell(row, now); });
  if (layout.left_out.empty()) return;
  std::vector<std::string> names(layout.left_out.begin(), layout.left_out.end());
  page.line("(too narrow for " + joined(names, ", ") + "; --format csv has all)", Paint::dim);
}

// Where the prices come from, so that nobody takes an old list for a bill.
std::string sources_text(const std::vector<Row>& rows) {
  std::map<std::string, std::size_t> counts;
  for (const auto& row : rows) {
    if (!row.running) continue;
    const auto& cost = row.machine->cost;
    std::string source = cost.hourly ? shown(cost.source) : "price unknown";
    if (cost.hourly && cost.at_most) source += ", the most that it costs";
    ++counts[source];
  }
  std::vector<std::string> parts;
  for (const auto& [source, count] : counts) {
    if (parts.size() == k_most_sources) {
      parts.emplace_back("and others");
      break;
    }
    parts.push_back((source.empty() ? "source not told" : source) + " (" + std::to_string(count) + ")");
  }
  return joined(parts, "; ");
}

// Why sums aren't exact: each reason once, those of most instances first.
void why_not_exact(const std::vector<Row>& rows, const Page& page) {
  struct Reason {
    std::string text;
    std::string first;  // an instance
    std::size_t count = 0;
  };
  std::map<std::string, Reason> by_text;
  for (const auto& row : rows) {
    if (!row.machine->cost.notes) continue;
    for (const auto& note : *row.machine->cost.notes) {
      auto& reason = by_text[note];
      if (++reason.count == 1) reason.text = note, reason.first = row.machine->id;
    }
  }
  std::vector<Reason> reasons;
  for (auto& [text, reason] : by_text) reasons.push_back(std::move(reason));
  std::stable_sort(reasons.begin(), reasons.end(),
                   [](const Reason& one, const Reason& other) { return one.count > other.count; });
  for (std::size_t at = 0; at < std::min(reasons.size(), k_most_reasons); ++at) {
    const auto& reason = reasons[at];
    const auto others = reason.count > 1 ? " and " + std::to_string(reason.count - 1) + " more" : "";
    page.line("Cost of " + shown(reason.first) + others + ": " + printable(reason.text, k_longest_error));
  }
  if (reasons.size() > k_most_reasons)
    page.line("Cost: and " + counted(reasons.size() - k_most_reasons, "reason") +
              " more why sums aren't exact (--format json)");
}

void sums(const std::vector<Row>& rows, const Totals& totals, const Page& page) {
  std::string line = counted(totals.instances, "instance");
  if (totals.running != totals.instances) line += " (" + std::to_string(totals.running) + " running)";
  line += ", " + std::string(totals.gpus_at_least ? "at least " : "") + counted(totals.gpus, "GPU");
  line += "; " + std::to_string(totals.needing_attention()) +
          (totals.needing_attention() == 1 ? " needs attention" : " need attention");
  if (totals.needing_attention() > 0)
    line +=
        ": " + std::to_string(totals.critical) + " CRITICAL, " + std::to_string(totals.warning) + " WARNING";
  if (totals.kept > 0) line += "; " + std::to_string(totals.kept) + " kept";
  page.line(line);
  page.line("Burn rate " + describe_hourly(totals.hourly) + " an hour, " + describe(per_day(totals.hourly)) +
            " a day, " + describe(per_month(totals.hourly)) + " a month (instances " +
            describe_hourly(totals.instances_hourly) + ", EBS " + describe_hourly(totals.ebs_hourly) +
            ", public IPv4 " + describe_hourly(totals.ipv4_hourly) + " an hour)");
  page.line("Cost so far " + describe(totals.so_far) + ", since each was started last");
  if (const auto sources = sources_text(rows); !sources.empty()) page.line("Prices by: " + sources);
  why_not_exact(rows, page);
}

std::string kept_text(const Machine& machine) {
  const auto keep = machine.keep.value_or(Keep{});
  return "Kept: " + shown(machine.id) + (keep.until ? " until " + format_utc(*keep.until) : std::string()) +
         (keep.reason.empty() ? std::string() : ": " + printable(keep.reason, 80));
}

void notes(const Report& report, const std::vector<Row>& rows, const Page& page) {
  std::vector<std::pair<std::string, Paint>> lines;
  for (const auto& note : report.notes)
    lines.emplace_back((note.unread ? "NOT READ: " : "Note: ") + printable(note.text, k_longest_error),
                       note.unread ? Paint::red : Paint::none);
  for (const auto& row : rows)
    if (row.assessment.kept) lines.emplace_back(kept_text(*row.machine), Paint::none);
  for (const auto& row : rows)
    for (const auto& tag : row.machine->ignored_tags)
      lines.emplace_back(
          "Note: the tag " + tag + " of " + shown(row.machine->id) + " can't be understood and is not heeded",
          Paint::none);
  // What could not be read comes first, and is never among those that are summed up.
  std::stable_sort(lines.begin(), lines.end(), [](const auto& a, const auto& b) {
    return (a.second == Paint::red) > (b.second == Paint::red);
  });
  std::size_t told = 0;
  for (const auto& [text, paint] : lines) {
    if (told >= k_most_notes && paint != Paint::red) break;
    page.line(text, paint);
    ++told;
  }
  if (told < lines.size())
    page.line("Note: and " + std::to_string(lines.size() - told) + " more (--format json)");
}

// What --enforce did, or would do, and what it leaves alone.
void acts(const Report& report, const Page& page) {
  if (!report.enforced) return;
  const auto& enforced = *report.enforced;
  const bool several = report.accounts.size() > 1;
  page.gap();
  page.line(enforced_title(enforced, is_unread(report)), has_failed(enforced) ? Paint::red : Paint::none);
  for (const auto& act : enforced.acts)
    page.line("  " + act_text(act, enforced.mode, several),
              enforced.mode == Enforced::Mode::on && !act.done ? Paint::red : Paint::none);
  if (enforced.left_alone.empty()) return;
  page.line("NOT TOUCHED:");
  std::size_t told = 0;
  for (const auto& left : enforced.left_alone) {
    if (told == k_most_left_alone) break;
    page.line("  " + left_alone_text(left, several));
    ++told;
  }
  if (told < enforced.left_alone.size())
    page.line("  and " + std::to_string(enforced.left_alone.size() - told) + " more (--format json)");
}

void commands(const Report& report, const std::vector<Row>& rows, const Page& page) {
  const bool several = report.accounts.size() > 1;
  bool first = true;
  for (const auto& row : rows) {
    if (!row.assessment.needs_attention()) continue;
    const auto& machine = *row.machine;
    if (first) page.gap(), page.line("What needs attention, and how to end it:");
    first = false;
    page.gap();
    std::string about = shown(machine.type) + " in " + shown(machine.region);
    if (several) about += " of " + shown(machine.account);
    if (!machine.name.empty()) about += ", " + shortened(shown(machine.name), 40);
    page.line(std::string(name_of(row.assessment.severity)) + " " + shown(machine.id) + " (" + about +
                  "): " + describe(row.assessment, machine, report.thresholds, report.at),
              row.assessment.severity == Severity::critical ? Paint::red : Paint::yellow);
    if (!machine.group.empty())
      page.line("  The Auto Scaling group " + shortened(shown(machine.group), 40) +
                " would replace it: lower its capacity first.");
    if (!machine.managed_by.empty()) {
      page.line("  Managed by " + shortened(shown(machine.managed_by), 40) +
                ", by which alone it can be ended.");
      continue;  // there's no command that would
    }
    if (machine.protected_from_end.value_or(false))
      page.line("  It is protected from termination: take that off first, `curfew stop` shows how.");
    if (machine.lifecycle == Lifecycle::spot)
      page.line("  If its spot request is persistent it launches another: `curfew stop` cancels it first.");
    page.whole("  " + stop_command_of(machine, report));
    if (const auto plain = aws_command_of(machine, report); !plain.empty()) page.whole("  " + plain);
  }
}

}  // namespace

void render_table(const Report& report, const TableOptions& options, const Sink& sink) {
  const Page page(options, sink);
  const auto rows = rows_of(report);
  header(report, page);
  page.gap();
  if (rows.empty()) {
    const bool any = std::any_of(
        report.regions.begin(), report.regions.end(),
        [](const RegionReading& region) { return region.outcome == RegionReading::Outcome::read; });
    if (!is_unread(report)) page.line("No running instances found");
    else
      page.line(any ? "No running instances found in what was read, but not all could be read"
                    : "Nothing could be read: what runs isn't known");
    if (!report.notes.empty()) page.gap();
    notes(report, rows, page);
    acts(report, page);
    return;
  }
  table(rows, report.at, options, page, sink);
  page.gap();
  sums(rows, totals_of(rows), page);
  notes(report, rows, page);
  acts(report, page);
  commands(report, rows, page);
}

}  // namespace curfew::watch
