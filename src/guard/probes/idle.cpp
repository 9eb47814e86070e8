// Counts idle time.
#include "guard/probes/idle.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.hpp"

namespace curfew::guard {
namespace {

Level level_of(const std::optional<double>& busy_percent, double threshold) {
  if (!busy_percent) return Level::unknown;
  return *busy_percent < threshold ? Level::idle : Level::busy;
}

std::optional<double> parse_percent(std::string_view text) {
  if (!text.ends_with('%')) return std::nullopt;
  text.remove_suffix(1);
  if (text.empty() || text.size() > 8 || text.find_first_not_of("0123456789.") != std::string_view::npos)
    return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value <= 0 || value > 100)
    return std::nullopt;
  return value;
}

}  // namespace

Result<IdleRule> parse_idle_rule(std::string_view text) {
  const auto colon = text.find(':');
  const auto limit = parse_duration(text.substr(0, colon));
  if (!limit) return fail(limit.error());
  IdleRule rule{*limit};
  if (colon == std::string_view::npos) return rule;
  const auto percent = parse_percent(text.substr(colon + 1));
  if (!percent)
    return fail(ErrorKind::invalid_input, "idle rule '" + printable(text, 64) + "'",
                "what follows the colon is no percentage above 0% and up to 100%",
                "write it as 30m or 30m:5%");
  rule.percent = *percent;
  return rule;
}

Quiet with_level(Quiet quiet, Level level, BootTime at) {
  if (level == Level::busy) return {};
  if (level == Level::unknown) {
    quiet.broken = true;
    return quiet;
  }
  if (quiet.idle_at) {
    const auto since = at - *quiet.idle_at;
    if (since > k_longest_gap) quiet.counted = Millis{0};
    else if (!quiet.broken && since > Millis{0}) quiet.counted += since;
  }
  quiet.idle_at = at;
  quiet.broken = false;
  return quiet;
}

GpuActivity with_reading(GpuActivity activity, const Reading& reading, BootTime at, double percent) {
  if (!reading || reading->empty()) {
    activity.all = with_level(activity.all, Level::unknown, at);
    for (auto& one : activity.each) {
      one.quiet = with_level(one.quiet, Level::unknown, at);
      one.busy_percent.reset();
    }
    return activity;
  }
  auto together = Level::idle;
  std::vector<GpuActivity::One> each;
  for (const auto& accelerator : *reading) {
    const auto before = std::find_if(activity.each.begin(), activity.each.end(),
                                     [&](const auto& one) { return one.name == accelerator.name; });
    auto one = before == activity.each.end() ? GpuActivity::One{accelerator.name, false, {}, {}} : *before;
    const auto level = level_of(accelerator.busy_percent, percent);
    one.busy_percent = accelerator.busy_percent;
    one.quiet = with_level(one.quiet, level, at);
    one.ever_busy = one.ever_busy || level == Level::busy;
    if (level == Level::busy || (level == Level::unknown && together == Level::idle)) together = level;
    each.push_back(std::move(one));
  }
  activity.each = std::move(each);
  activity.all = with_level(activity.all, together, at);
  activity.ever_busy = activity.ever_busy || together == Level::busy;
  activity.known_at = at;
  return activity;
}

Millis all_idle_for(const GpuActivity& activity) {
  return activity.ever_busy ? activity.all.counted : Millis{0};
}

Millis any_idle_for(const GpuActivity& activity) {
  Millis longest{0};
  for (const auto& one : activity.each)
    if (one.ever_busy) longest = std::max(longest, one.quiet.counted);
  return longest;
}

Millis never_busy_for(const GpuActivity& activity) {
  return activity.ever_busy ? Millis{0} : activity.all.counted;
}

}  // namespace curfew::guard
