// This run's acts and those that are left of others.
#include "watch/act_news.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "base/text.hpp"
#include "notify/message.hpp"

namespace curfew::watch {
namespace {

constexpr std::size_t k_longest_name = 40;
constexpr std::size_t k_longest_said = 180;  // cutting may add to it
constexpr std::size_t k_longest_how = 150;

ToldAct told_of(const Act& act) {
  const auto text = [](const std::string& outside, std::size_t limit) {
    return notify::one_line(outside, limit);
  };
  return {act.at,
          act.action,
          act.done,
          instance_key(act.account, act.region, act.instance),
          text(act.name, k_longest_name),
          text(act.why, k_longest_said),
          text(act.outcome, k_longest_said)};
}

// "terminate: TerminateInstances i-…: UnauthorizedOperation". What follows may differ each time: a request's id, an encoded
// message.
std::string how_of(const ToldAct& act) {
  auto end = act.outcome.find(": ");
  if (end != std::string::npos) end = act.outcome.find(": ", end + 2);
  return printable(std::string(name_of(act.action)) + ": " + act.outcome.substr(0, end), k_longest_how);
}

const ToldFailure* told_failure(const ToldAct& act, const Told& before) {
  if (act.done) return nullptr;
  const auto found = before.failures.find(act.instance);
  return found != before.failures.end() && found->second.how == how_of(act) ? &found->second : nullptr;
}

void remember(std::map<InstanceKey, ToldFailure>& failures, const InstanceKey& key, ToldFailure failure) {
  if (failures.size() < k_most_told_failures || failures.contains(key))
    failures.insert_or_assign(key, std::move(failure));
}

}  // namespace

ActNews act_news(const Report& report, const std::vector<Act>& acts, const Told* before, bool reminder) {
  ActNews news;
  std::vector<ToldAct> now;
  std::set<InstanceKey> tried;
  for (const auto& act : acts) {
    now.push_back(told_of(act));
    tried.insert(now.back().instance);
  }
  if (before != nullptr) {
    for (const auto& act : before->untold)
      if (act.done || !tried.contains(act.instance)) news.lines.push_back({act, true, false});
    news.more = before->more_untold;
  }
  for (auto& act : now) {
    const auto* const told = before == nullptr ? nullptr : told_failure(act, *before);
    if (told != nullptr && !reminder) remember(news.failures, act.instance, *told);
    else news.lines.push_back({std::move(act), false, told != nullptr});
  }
  for (const auto& line : news.lines) {
    if (line.act.done) news.failures.erase(line.act.instance);
    else remember(news.failures, line.act.instance, {report.at, how_of(line.act)});
  }
  if (before == nullptr) return news;
  // The others are over where everything that is to be ended was tried, else not heard of.
  const bool enforced = report.enforced && report.enforced->mode == Enforced::Mode::on;
  const auto is_over = [&](const InstanceKey& key) {
    return enforced && std::any_of(report.regions.begin(), report.regions.end(), [&](const auto& region) {
             return region.outcome == RegionReading::Outcome::read && region.account == key.account &&
                    region.region == key.region;
           });
  };
  for (const auto& [key, failure] : before->failures)
    if (!tried.contains(key) && !news.failures.contains(key) && !is_over(key) &&
        report.at - failure.at < k_told_forgotten)
      remember(news.failures, key, failure);
  return news;
}

std::vector<WallTime> told_failures(const std::vector<Act>& acts, const Told& before) {
  std::vector<WallTime> times;
  for (const auto& act : acts)
    if (const auto* const told = told_failure(told_of(act), before)) times.push_back(told->at);
  return times;
}

Told with_untold(const Told& before, const ActNews& news) {
  auto told = before;
  told.untold.clear();
  for (const auto& line : news.lines) told.untold.push_back(line.act);
  auto excess = told.untold.size() - std::min(told.untold.size(), k_most_untold);
  told.more_untold = std::min(news.more + excess, k_most_more_untold);
  // What has failed is tried again.
  std::erase_if(told.untold, [&](const ToldAct& act) { return !act.done && excess > 0 && excess-- > 0; });
  told.untold.erase(told.untold.begin(), told.untold.begin() + static_cast<std::ptrdiff_t>(excess));
  return told;
}

std::string line_of(const ActNews::Line& line) {
  const auto& act = line.act;
  const bool stop = act.action == Action::stop;
  const char* doing = stop ? "STOPPED " : "TERMINATED ";
  if (!act.done) doing = stop ? "FAILED TO STOP " : "FAILED TO TERMINATE ";
  std::string said = (line.again ? "STILL " : "") + std::string(doing) + act.instance.id + " (";
  if (!act.name.empty()) said += act.name + ", ";
  said += act.instance.region + "): " + act.why + "; " + act.outcome;
  return line.earlier ? said + " (at " + format_utc(act.at) + ", not told then)" : said;
}

}  // namespace curfew::watch
