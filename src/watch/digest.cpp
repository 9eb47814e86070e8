// What is new, and how it's said.
#include "watch/digest.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "watch/act_news.hpp"
#include "watch/columns.hpp"
#include "watch/totals.hpp"
#include "watch/unread.hpp"

namespace curfew::watch {
namespace {

constexpr std::size_t k_most_lines = 20;  // of instances; of the rest fewer
constexpr std::size_t k_most_others = 8;
constexpr std::size_t k_longest_why = 200;
constexpr std::size_t k_longest_name = 40;
constexpr std::size_t k_longest_id = 60;
constexpr std::size_t k_reserve = 320;  // bytes for the lines that sum up

std::string text(std::string_view outside, std::size_t limit) { return notify::one_line(outside, limit); }

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

// "and 3 more": of what `count` things were, those that `shown` don't tell.
std::string more(std::size_t count, std::size_t shown, const char* of) {
  return "and " + std::to_string(count - shown) + " more" + of;
}

std::string refusal_of(const Enforced& enforced) {
  return "--enforce ENDED NOTHING of " + counted(enforced.acts.size(), "instance", "instances") + ": " +
         text(enforced.refused, k_longest_why);
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

// Where nobody could see its schedule, one that was told to have none has none still.
Assessment assess_as_told(const Machine& machine, const ToldInstance& told, const Report& report,
                          const Assessment& now) {
  const auto& causes = told.causes;
  const bool unknown =
      machine.schedule == ScheduleState::failed || machine.schedule == ScheduleState::refused;
  if (!unknown || std::find(causes.begin(), causes.end(), Cause::no_schedule) == causes.end()) return now;
  auto as_told = machine;
  as_told.schedule = ScheduleState::missing;
  return assess(as_told, report.thresholds, report.at);
}

class Maker {
 public:
  Maker(const Report& report, const std::vector<Act>& acts, const Told* before, Seconds again)
      : report_(report), acts_(acts), before_(before), again_(again), rows_(rows_of(report)) {
    for (const auto& region : report.regions)
      if (region.outcome == RegionReading::Outcome::read) read_.emplace(region.account, region.region);
  }

  Digest make() {
    unread_ = unread_of(report_);
    choose_needing();
    reminder_ = is_reminder();
    choose_instances();
    choose_unread();
    choose_acts();
    choose_gone();
    Digest digest{{}, std::move(next_), {}};
    if (before_ != nullptr) digest.missed = with_untold(*before_, news_);
    const bool anything = !lines_.empty() || !new_unread_.empty() || !gone_.empty() || !read_again_.empty() ||
                          !news_.lines.empty() || news_.more > 0 || !refusal_.empty();
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

  [[nodiscard]] bool refuses() const {
    return report_.enforced && report_.enforced->mode == Enforced::Mode::refused;
  }

  // A reminder tells all at once, so that there's one, and not one for each that was new at another time.
  [[nodiscard]] bool is_reminder() const {
    if (before_ == nullptr) return false;
    for (const auto& [key, told] : before_->instances)
      if (needing_.contains(key) && is_due(told.at)) return true;
    for (const auto at : told_failures(acts_, *before_))
      if (is_due(at)) return true;
    if (refuses() && before_->ended_nothing && is_due(*before_->ended_nothing)) return true;
    return std::any_of(unread_.begin(), unread_.end(), [&](const Unread& each) {
      const auto* const told = told_unread(each.key);
      return told != nullptr && is_due(told->at);
    });
  }

  void choose_needing() {
    std::vector<std::pair<InstanceKey, const Row*>> all;
    for (const auto& row : rows_) {
      if (!row.assessment.needs_attention()) break;  // worst first
      all.emplace_back(key_of(*row.machine), &row);
    }
    attention_ = all.size();
    // Of so many those that were told stay, whatever order they're in now.
    if (all.size() > k_most_told && before_ != nullptr)
      std::stable_sort(all.begin(), all.end(), [this](const auto& a, const auto& b) {
        const auto severity = [](const auto& each) { return each.second->assessment.severity; };
        if (severity(a) != severity(b)) return severity(a) > severity(b);
        return before_->instances.contains(a.first) && !before_->instances.contains(b.first);
      });
    for (auto& [key, row] : all) {
      if (needing_.size() < k_most_told) needing_.emplace(std::move(key), row);
      else if (before_ != nullptr && before_->instances.contains(key)) pushed_out_.insert(std::move(key));
    }
  }

  void choose_instances() {
    for (const auto& row : rows_) {
      if (!row.assessment.needs_attention()) break;
      const auto key = key_of(*row.machine);
      const auto needing = needing_.find(key);
      // One that is listed twice is told once.
      if (needing == needing_.end() || needing->second != &row) continue;
      choose(row, key);
    }
    if (before_ != nullptr) next_.at = before_->at;
  }

  void choose(const Row& row, const InstanceKey& key) {
    const ToldInstance* told = nullptr;
    if (before_ != nullptr)
      if (const auto found = before_->instances.find(key); found != before_->instances.end())
        told = &found->second;
    auto now = row.assessment;
    const char* label = "";
    if (told != nullptr) {
      now = assess_as_told(*row.machine, *told, report_, now);
      label = change_of(now, *told);
      if (label == nullptr && reminder_) label = "STILL ";
    } else if (before_ != nullptr) {
      label = "NEW ";
    }
    const auto name = text(row.machine->name, k_longest_name);
    next_.instances[key] = {now.severity, now.causes, label == nullptr ? told->at : report_.at,
                            row.machine->name.empty() ? "" : name};
    if (label != nullptr) lines_.push_back({&row, label});
  }

  void choose_unread() {
    for (const auto& each : unread_) {
      const auto* const told = told_unread(each.key);
      const bool tells = told == nullptr || reminder_;
      if (tells) new_unread_.push_back(&each);
      auto& next = next_.unread[each.key];
      next = each.told;
      next.at = tells ? report_.at : told->at;
    }
  }

  void choose_acts() {
    news_ = act_news(report_, acts_, before_, reminder_);
    next_.failures = news_.failures;
    const auto told = before_ == nullptr ? std::optional<WallTime>() : before_->ended_nothing;
    const bool ends = report_.enforced && report_.enforced->mode == Enforced::Mode::on;
    if (refuses()) {
      const bool tells = !told || reminder_;
      if (tells) refusal_ = refusal_of(*report_.enforced);
      next_.ended_nothing = tells ? report_.at : *told;
    } else if (!ends && told && report_.at - *told < k_told_forgotten) {
      next_.ended_nothing = told;
    }
  }

  void choose_gone() {
    if (before_ == nullptr) return;
    find_there();
    for (const auto& [key, told] : before_->instances) {
      if (needing_.contains(key) || pushed_out_.contains(key)) continue;
      const bool unsure = may_need_attention(key, told);
      unsure_ = unsure_ || unsure;
      if (read_.contains({key.account, key.region}) && !unsure) gone_.emplace_back(&key, &told);
      else if (report_.at - told.at < k_told_forgotten && next_.instances.size() < k_most_told)
        next_.instances[key] = told;
    }
    for (const auto& [what, told] : before_->unread) {
      if (next_.unread.contains(what)) continue;
      if (is_read_again(report_, told)) read_again_.push_back(&what);
      else if (report_.at - told.at < k_told_forgotten && next_.unread.size() < k_most_told_unread)
        next_.unread[what] = told;
    }
  }

  // Those that were told, need no attention now, and are there.
  void find_there() {
    const auto is_asked = [&](const auto& each) { return !needing_.contains(each.first); };
    if (std::none_of(before_->instances.begin(), before_->instances.end(), is_asked)) return;
    for (const auto& machine : report_.machines) {
      auto key = key_of(machine);
      if (before_->instances.contains(key) && !needing_.contains(key))
        there_.emplace(std::move(key), &machine);
    }
  }

  [[nodiscard]] bool may_need_attention(const InstanceKey& key, const ToldInstance& told) const {
    const auto there = there_.find(key);
    return there != there_.end() && assess_as_told(*there->second, told, report_, {}).needs_attention();
  }

  [[nodiscard]] const ToldUnread* told_unread(const std::string& key) const {
    if (before_ == nullptr) return nullptr;
    const auto found = before_->unread.find(key);
    return found == before_->unread.end() ? nullptr : &found->second;
  }

  static InstanceKey key_of(const Machine& machine) {
    return instance_key(machine.account, machine.region, machine.id);
  }

  // Nothing was checked: it's what a person has ended.
  [[nodiscard]] bool is_of_acts_alone() const {
    return report_.regions.empty() && rows_.empty() && unread_.empty() && !acts_.empty();
  }

  [[nodiscard]] std::string headline() const {
    if (is_of_acts_alone()) {
      const auto done = static_cast<std::size_t>(
          std::count_if(acts_.begin(), acts_.end(), [](const Act& act) { return act.done; }));
      return "curfew stop: ended " + std::to_string(done) + " of " +
             counted(acts_.size(), "instance", "instances");
    }
    const auto totals = totals_of(rows_);
    std::string line = "curfew check: ";
    if (read_.empty() && rows_.empty() && !unread_.empty()) return line + "NOTHING COULD BE READ";
    if (attention_ > 0) {
      if (totals.critical > 0) line += std::to_string(totals.critical) + " CRITICAL, ";
      if (totals.warning > 0) line += std::to_string(totals.warning) + " WARNING, ";
    } else {
      line += unread_.empty() && !unsure_ ? "all clear, nothing needs attention, "
                                          : "nothing needs attention in what was read, ";
    }
    if (!unread_.empty()) line += "NOT ALL COULD BE READ, ";
    return line + counted(totals.running, "instance", "instances") + " for " +
           describe_hourly(totals.hourly) + " an hour";
  }

  [[nodiscard]] std::string where() const {
    if (is_of_acts_alone()) return format_utc(report_.at);
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

  bool add(const std::string& line, std::size_t reserve) {
    const auto size = notify::slack_size(line) + 1;
    if (size_ + size + reserve > notify::k_longest_text) return false;
    text_ += (text_.empty() ? "" : "\n") + line;
    size_ += size;
    return true;
  }

  // As many lines as fit, and how many don't; `beyond` there are only as a number.
  template <class Things, class Said>
  void add_all(const Things& things, std::size_t most, const char* of, Said said, std::size_t beyond = 0) {
    std::size_t shown = 0;
    for (const auto& thing : things) {
      if (shown == most || !add(said(thing), k_reserve)) break;
      ++shown;
    }
    if (const auto count = things.size() + beyond; shown < count) add(more(count, shown, of), 0);
  }

  void write() {
    add(headline(), 0);
    add(where(), 0);
    if (!refusal_.empty()) add(refusal_, k_reserve);
    add_all(
        news_.lines, k_most_lines, " acts", [](const ActNews::Line& line) { return watch::line_of(line); },
        news_.more);
    add_all(new_unread_, k_most_others, " not read",
            [](const Unread* each) { return "NOT READ: " + text(each->line, k_longest_why); });
    add_all(lines_, k_most_lines, " that need attention", [this](const Line& line) { return line_of(line); });
    if (lines_.size() < attention_ && needing_.size() > lines_.size() && before_ != nullptr)
      add(counted(needing_.size() - lines_.size(), "other needs", "others need") +
              " attention as told before",
          0);
    add_all(gone_, k_most_others, " gone or well", [this](const auto& each) {
      const auto& [key, told] = each;
      return (there_.contains(*key) ? "NO LONGER NEEDS ATTENTION: " : "GONE: ") +
             text(key->id, k_longest_id) +
             (told->name.empty() ? " (" : " (" + text(told->name, k_longest_name) + ", ") +
             text(key->region, 30) + ")";
    });
    add_all(read_again_, k_most_others, " read again",
            [](const std::string* what) { return "NO LONGER UNREAD: " + text(*what, k_longest_why); });
  }

  const Report& report_;
  const std::vector<Act>& acts_;
  const Told* before_;
  Seconds again_;
  std::vector<Row> rows_;
  std::set<std::pair<std::string, std::string>> read_;  // account and region
  std::size_t attention_ = 0;                           // how many need it
  std::map<InstanceKey, const Row*> needing_;           // those of them that are remembered
  std::set<InstanceKey> pushed_out_;                    // those that were, and still need it
  std::map<InstanceKey, const Machine*> there_;         // see find_there()
  std::vector<Unread> unread_;
  bool reminder_ = false;
  bool unsure_ = false;  // one that was told may need attention still
  Told next_;

  // To be told:
  std::string refusal_;  // of --enforce
  ActNews news_;
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
