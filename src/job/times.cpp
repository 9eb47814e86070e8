// The arithmetic of stop_at and end_at. What is compared is always the boot clock; the wall clock only carries an
// instant into another boot.
#include "job/times.hpp"

#include <algorithm>

namespace curfew::job {
namespace {

// Further ahead than any limit: what is asked beyond it is cut to it, so that no sum overflows.
constexpr Millis k_farthest = std::chrono::hours{24 * 366 * 100};

// Cut to what can be added to an instant without harm.
Millis apart(WallTime from, WallTime to) {
  if (to > from + k_farthest) return k_farthest;
  if (to < from - k_farthest) return -k_farthest;
  return to - from;
}

Millis ahead(WallTime wall, const Now& now) { return apart(now.wall, wall); }

Instant instant_after(Millis ahead, const Now& now) { return {now.wall + ahead, now.boot + ahead}; }

Instant moved(const Instant& instant, Millis by) { return {instant.wall + by, instant.boot + by}; }

// On each clock for itself: where the wall clock has jumped, the later of two on one may be the earlier on the other.
Instant earlier(const std::optional<Instant>& a, const Instant& b) {
  if (!a) return b;
  return {std::min(a->wall, b.wall), std::min(a->boot, b.boot)};
}

}  // namespace

Times times_from(const Limits& limits, const Now& start) {
  Times times{.started = start.wall, .stop_at = {}, .end_at = {}, .boot_id = start.boot_id};
  if (limits.max_time) times.stop_at = instant_after(*limits.max_time, start);
  if (limits.deadline) {
    const Millis left = std::max(ahead(*limits.deadline, start), Millis{0});
    times.stop_at = earlier(times.stop_at, instant_after(left, start));
  }
  if (times.stop_at) times.end_at = moved(*times.stop_at, limits.after_stop());
  return times;
}

Times brought_forward(Times times, const Limits& limits, WallTime end_at, const Now& now) {
  const Millis to_end = std::max(ahead(end_at, now), Millis{0});
  const Instant end = instant_after(to_end, now);
  if (times.end_at && times.end_at->boot <= end.boot) return times;
  const Millis to_stop = std::max(to_end - Millis{limits.after_stop()}, Millis{0});
  times.stop_at = earlier(times.stop_at, instant_after(to_stop, now));
  times.end_at = earlier(times.end_at, end);
  return times;
}

Times followed(Times times, const Limits& limits, WallTime from, WallTime to, const Now& now) {
  if (!times.end_at || !times.stop_at) return brought_forward(std::move(times), limits, to, now);
  const Instant was_stop = *times.stop_at;
  const Instant was_end = *times.end_at;
  const Millis by = apart(from, to);
  const Millis after_stop{limits.after_stop()};
  const BootTime end = std::min(was_end.boot + by, now.boot + ahead(to, now));
  if (by > Millis{0}) {
    times.end_at = {std::max(was_end.wall, to), std::max(was_end.boot, end)};
    times.stop_at = {std::max(was_stop.wall, to - after_stop),
                     std::max(was_stop.boot, times.end_at->boot - after_stop)};
    return times;
  }
  // What has passed stays where it was.
  times.end_at = {std::min(was_end.wall, to), std::max(end, std::min(was_end.boot, now.boot))};
  times.stop_at = {
      std::min(was_stop.wall, to - after_stop),
      std::min(was_stop.boot, std::max(times.end_at->boot - after_stop, std::min(was_stop.boot, now.boot)))};
  return times;
}

Times extended(Times times, Seconds by) {
  for (auto* at : {&times.stop_at, &times.end_at}) {
    if (!*at) continue;
    (*at)->wall += by;
    (*at)->boot += by;
  }
  return times;
}

Times rebased(Times times, const Now& now, std::optional<Millis> left_before) {
  times.boot_id = now.boot_id;
  if (!times.stop_at || !times.end_at) return times;
  const Millis span = times.end_at->boot - times.stop_at->boot;
  Millis to_stop = ahead(times.stop_at->wall, now);
  Millis to_end = ahead(times.end_at->wall, now);
  if (left_before) {
    to_stop = std::min(to_stop, *left_before);
    to_end = std::min(to_end, *left_before + span);
  }
  // The wall times stay as they were: a clock that's wrong in this boot may be right in the next.
  times.stop_at->boot = now.boot + to_stop;
  times.end_at->boot = now.boot + to_end;
  return times;
}

std::optional<Millis> left_to(const std::optional<Instant>& instant, const Now& now) {
  if (!instant) return {};
  return instant->boot - now.boot;
}

}  // namespace curfew::job
