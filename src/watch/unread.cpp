// Regions and notes of a report.
#include "watch/unread.hpp"

#include <algorithm>
#include <utility>

#include "aws/core/endpoints.hpp"
#include "base/text.hpp"

namespace curfew::watch {
namespace {

using Until = ToldUnread::Until;

constexpr std::size_t k_longest_key = 150;
constexpr std::size_t k_longest_kept = 190;  // printable() may add to it
constexpr std::string_view k_by = ", by ";   // "all regions, by ROLE_ARN"

std::string kept(std::string_view text) { return printable(text, k_longest_kept); }

ToldUnread told_of(const RegionReading& region) {
  if (aws::is_region(region.region)) return {{}, Until::region, kept(region.account), kept(region.region)};
  // All of them: they're not known, or the account can't be entered.
  const auto by = region.region.find(k_by);
  if (!region.account.empty() || by == std::string::npos)
    return {{}, Until::account, kept(region.account), {}};
  return {{}, Until::account, kept(std::string_view(region.region).substr(by + k_by.size())), {}};
}

}  // namespace

std::vector<Unread> unread_of(const Report& report) {
  std::vector<Unread> unread;
  const auto add = [&](const std::string& key, std::string line, ToldUnread told) {
    if (unread.size() < k_most_told_unread)
      unread.push_back({printable(key, k_longest_key), std::move(line), std::move(told)});
  };
  for (const auto& region : report.regions) {
    if (region.outcome != RegionReading::Outcome::failed) continue;
    const auto where = region.account.empty() ? region.region : region.region + " of " + region.account;
    add(where, where + ": " + region.error, told_of(region));
  }
  // A note doesn't say of which region it is: there may be another failure that hides it.
  const auto until = report.regions.empty() ? Until::anything : Until::everything;
  for (const auto& note : report.notes)
    // What follows may differ each time: a request's id, how long was waited.
    if (note.unread) add(note.text.substr(0, note.text.find(':')), note.text, {{}, until});
  return unread;
}

bool is_read_again(const Report& report, const ToldUnread& told) {
  if (told.until == Until::everything && is_unread(report)) return false;
  // By the id or, where that wasn't known then, by the role.
  const auto is_of = [&](const std::string& account) {
    return kept(account) == told.account ||
           std::any_of(report.accounts.begin(), report.accounts.end(), [&](const Account& known) {
             return known.id == account && kept(known.role) == told.account;
           });
  };
  return std::any_of(report.regions.begin(), report.regions.end(), [&](const RegionReading& region) {
    if (region.outcome != RegionReading::Outcome::read) return false;
    if (told.until == Until::region && kept(region.region) != told.region) return false;
    return (told.until != Until::region && told.until != Until::account) || is_of(region.account);
  });
}

}  // namespace curfew::watch
