// What is new, and how it's said.
#include "watch/digest.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "base/text.hpp"
#include "watch/columns.hpp"
#include "watch/totals.hpp"

namespace curfew::watch {
namespace {

constexpr std::size_t k_most_lines = 20;  // of instances; of the rest fewer
constexpr std::size_t k_most_others = 8;
constexpr std::size_t k_longest_why = 200;
constexpr std::size_t k_longest_name = 40;
constexpr std::size_t k_longest_id = 60;
constexpr std::size_t k_reserve = 320;  // bytes for the lines that sum up
// What isn't heard of any more, as its region is no longer read, is forgotten.
constexpr Seconds k_forgotten = std::chrono::hours{30 * 24};

std::string text(std::string_view outside, std::size_t limit) { return notify::one_line(outside, limit); }

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

// "and 3 more": of what `count` things were, those that `shown` don't tell.
std::string more(std::size_t count, std::size_t shown, const char* of) {
  return "and " + std::to_string(count - shown) + " more" + of;
}

struct Unread {
  std::string key;
  std::string line;
};

std::vector<Unread> unread_of(const Report& report) {
  std::vector<Unread> unread;
  const auto add = [&](std::string key, std::string line) {
    if (unread.size() < k_most_told_unread) unread.push_back({printable(key, 150), std::move(line)});
  };
  for (const auto& region : report.regions) {
    if (region.outcome != RegionReading::Outcome::failed) continue;
    const auto where = region.account.empty() ? region.region : region.region + " of " + region.account;
    add(where, where + ": " + region.error);
  }
  for (const auto& note : report.notes)
    // What follows may differ each time: a request's id, how long was waited.
    if (note.unread) add(note.text.substr(0, note.text.find(':')), note.text);
  return unread;
}

// An instance that is to be told, and why now.
struct Line {
  const Row* row;
  const char* label;
};

const char* change_of(const Assessment& now, const ToldInstance& before) {
  if (now.severity > before.severity) return "WORSE ";
  return now.causes == before.causes ? nullptr : "CHANGED ";
}

class Maker {
 public:
  Maker(const Report& report, const std::vector<Act>& acts, const Told* before, Seconds again)
      : report_(report), acts_(acts), before_(before), again_(again), rows_(rows_of(report)) {
    for (const auto& region : report.regions)
      if (region.outcome == RegionReading::Outcome::read) read_.emplace(region.account, region.region);
  }

  Digest make() {
    choose_unread();
    choose_instances();
    choose_gone();
    Digest digest{{}, std::move(next_)};
    const bool anything =
        !lines_.empty() || !new_unread_.empty() || !gone_.empty() || !read_again_.empty() || !acts_.empty();
    if (!anything) return digest;
    digest.told.at = report_.at;
    write();
    digest.message =
        notify::Message{"digest of a check", notify::ascii_subject(headline()), std::move(text_)};
    return digest;
  }

 private:
  [[nodiscard]] bool is_due(WallTime told) const {
    return told > report_.at || report_.at - told >= again_;  // a clock that was set back: rather twice
  }

  // A reminder tells all at once, so that there's one, and not one for each that was new at another time.
  [[nodiscard]] bool is_reminder() const {
    if (before_ == nullptr) return false;
    const auto due = [&](const auto& told) { return is_due(told.at); };
    for (const auto& [key, told] : before_->instances)
      if (needing_.contains(key) && due(told)) return true;
    return std::any_of(unread_.begin(), unread_.end(), [&](const Unread& each) {
      const auto found = before_->unread.find(each.key);
      return found != before_->unread.end() && is_due(found->second);
    });
  }

  void choose_unread() { unread_ = unread_of(report_); }

  void choose_instances() {
    for (const auto& row : rows_) {
      if (!row.assessment.needs_attention()) break;  // worst first
      ++attention_;
      if (needing_.size() < k_most_told) needing_.emplace(key_of(*row.machine), &row);
    }
    const bool reminder = is_reminder();
    for (const auto& row : rows_) {
      if (!row.assessment.needs_attention()) break;
      const auto key = key_of(*row.machine);
      const auto needing = needing_.find(key);
      // One that is listed twice is told once.
      if (needing == needing_.end() || needing->second != &row) continue;
      choose(row, key, reminder);
    }
    for (const auto& each : unread_) {
      const auto* const told = told_unread(each.key);
      const bool tells = told == nullptr || reminder;
      if (tells) new_unread_.push_back(&each);
      next_.unread[each.key] = tells ? report_.at : *told;
    }
    if (before_ != nullptr) next_.at = before_->at;
  }

  void choose(const Row& row, const InstanceKey& key, bool reminder) {
    const ToldInstance* told = nullptr;
    if (before_ != nullptr)
      if (const auto found = before_->instances.find(key); found != before_->instances.end())
        told = &found->second;
    const char* label = "";
    if (before_ != nullptr) {
      label = told == nullptr ? "NEW " : change_of(row.assessment, *told);
      if (label == nullptr && reminder) label = "STILL ";
    }
    const auto name = text(row.machine->name, k_longest_name);
    next_.instances[key] = {row.assessment.severity, row.assessment.causes,
                            label == nullptr ? told->at : report_.at, row.machine->name.empty() ? "" : name};
    if (label != nullptr) lines_.push_back({&row, label});
  }

  void choose_gone() {
    if (before_ == nullptr) return;
    for (const auto& [key, told] : before_->instances) {
      if (needing_.contains(key)) continue;
      if (read_.contains({key.account, key.region})) gone_.emplace_back(&key, &told);
      else if (report_.at - told.at < k_forgotten && next_.instances.size() < k_most_told)
        next_.instances[key] = told;
    }
    for (const auto& [what, at] : before_->unread) {
      if (next_.unread.contains(what)) continue;
      if (!read_.empty()) read_again_.push_back(&what);
      else if (report_.at - at < k_forgotten && next_.unread.size() < k_most_told_unread)
        next_.unread[what] = at;
    }
  }

  [[nodiscard]] const WallTime* told_unread(const std::string& key) const {
    if (before_ == nullptr) return nullptr;
    const auto found = before_->unread.find(key);
    return found == before_->unread.end() ? nullptr : &found->second;
  }

  static InstanceKey key_of(const Machine& machine) {
    return {printable(machine.account, k_longest_id), printable(machine.region, k_longest_id),
            printable(machine.id, k_longest_id)};
  }

  [[nodiscard]] std::string headline() const {
    const auto totals = totals_of(rows_);
    std::string line = "curfew check: ";
    if (read_.empty() && rows_.empty() && !unread_.empty()) return line + "NOTHING COULD BE READ";
    if (attention_ > 0) {
      if (totals.critical > 0) line += std::to_string(totals.critical) + " CRITICAL, ";
      if (totals.warning > 0) line += std::to_string(totals.warning) + " WARNING, ";
    } else {
      line += unread_.empty() ? "all clear, nothing needs attention, "
                              : "nothing needs attention in what was read, ";
    }
    if (!unread_.empty()) line += "NOT ALL COULD BE READ, ";
    return line + counted(totals.running, "instance", "instances") + " for " +
           describe_hourly(totals.hourly) + " an hour";
  }

  [[nodiscard]] std::string where() const {
    std::string line;
    for (const auto& account : report_.accounts) {
      if (line.size() > 100) {
        line += " and others";
        break;
      }
      line += (line.empty() ? "Account " : ", ") + text(account.id, 20);
    }
    line += (line.empty() ? "" : ", ") + counted(read_.size(), "region", "regions") + " read";
    if (read_.size() <= 3) {
      std::string names;
      for (const auto& [account, region] : read_) names += (names.empty() ? "" : ", ") + text(region, 30);
      if (!names.empty()) line += " (" + names + ")";
    }
    return line + ", " + format_utc(report_.at);
  }

  [[nodiscard]] std::string line_of(const Line& line) const {
    const auto& machine = *line.row->machine;
    std::string said = line.label + std::string(name_of(line.row->assessment.severity)) + " " +
                       text(machine.id, k_longest_id);
    std::string about = text(machine.type, 30) + ", " + text(machine.region, 30);
    if (report_.accounts.size() > 1) about += " of " + text(machine.account, 20);
    if (!machine.name.empty()) about = text(machine.name, k_longest_name) + ", " + about;
    said += " (" + about + ")";
    if (line.row->running) said += " " + short_duration(*line.row->running);
    said += ", cost " + describe(line.row->so_far) + ": ";
    return said +
           text(describe(line.row->assessment, machine, report_.thresholds, report_.at), k_longest_why);
  }

  static std::string line_of(const Act& act) {
    const char* doing = act.action == Action::stop ? "STOPPED " : "TERMINATED ";
    if (!act.done) doing = act.action == Action::stop ? "FAILED TO STOP " : "FAILED TO TERMINATE ";
    std::string said = doing + text(act.instance, k_longest_id) + " (";
    if (!act.name.empty()) said += text(act.name, k_longest_name) + ", ";
    return said + text(act.region, 30) + "): " + text(act.why, k_longest_why) + "; " +
           text(act.outcome, k_longest_why);
  }

  bool add(const std::string& line, std::size_t reserve) {
    const auto size = notify::slack_size(line) + 1;
    if (size_ + size + reserve > notify::k_longest_text) return false;
    text_ += (text_.empty() ? "" : "\n") + line;
    size_ += size;
    return true;
  }

  // As many lines as fit, and how many don't.
  template <class Things, class Said>
  void add_all(const Things& things, std::size_t most, const char* of, Said said) {
    std::size_t shown = 0;
    for (const auto& thing : things) {
      if (shown == most || !add(said(thing), k_reserve)) break;
      ++shown;
    }
    if (shown < things.size()) add(more(things.size(), shown, of), 0);
  }

  void write() {
    add(headline(), 0);
    add(where(), 0);
    add_all(acts_, k_most_lines, " acts", [](const Act& act) { return line_of(act); });
    add_all(new_unread_, k_most_others, " not read",
            [](const Unread* each) { return "NOT READ: " + text(each->line, k_longest_why); });
    add_all(lines_, k_most_lines, " that need attention", [this](const Line& line) { return line_of(line); });
    if (lines_.size() < attention_ && needing_.size() > lines_.size() && before_ != nullptr)
      add(counted(needing_.size() - lines_.size(), "other needs", "others need") +
              " attention as told before",
          0);
    add_all(gone_, k_most_others, " gone or well", [this](const auto& each) {
      const auto& [key, told] = each;
      return (is_there(*key) ? "NO LONGER NEEDS ATTENTION: " : "GONE: ") + text(key->id, k_longest_id) +
             (told->name.empty() ? " (" : " (" + text(told->name, k_longest_name) + ", ") +
             text(key->region, 30) + ")";
    });
    add_all(read_again_, k_most_others, " read again",
            [](const std::string* what) { return "NO LONGER UNREAD: " + text(*what, k_longest_why); });
  }

  [[nodiscard]] bool is_there(const InstanceKey& key) const {
    return std::any_of(report_.machines.begin(), report_.machines.end(),
                       [&](const Machine& machine) { return key_of(machine) == key; });
  }

  const Report& report_;
  const std::vector<Act>& acts_;
  const Told* before_;
  Seconds again_;
  std::vector<Row> rows_;
  std::set<std::pair<std::string, std::string>> read_;  // account and region
  std::size_t attention_ = 0;                           // how many need it
  std::map<InstanceKey, const Row*> needing_;           // those of them that are remembered
  std::vector<Unread> unread_;
  Told next_;

  // To be told:
  std::vector<Line> lines_;
  std::vector<const Unread*> new_unread_;
  std::vector<std::pair<const InstanceKey*, const ToldInstance*>> gone_;
  std::vector<const std::string*> read_again_;

  std::string text_;
  std::size_t size_ = 0;  // of it, as Slack gets it
};

}  // namespace

Digest digest_of(const Report& report, const std::vector<Act>& acts, const Told* before, Seconds again) {
  return Maker(report, acts, before, again).make();
}

}  // namespace curfew::watch
