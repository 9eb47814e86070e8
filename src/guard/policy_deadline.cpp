// What a tag that was seen, or has changed, does to the times.
#include "guard/policy_deadline.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace curfew::guard {
namespace {

// The tag has whole seconds, and a clock that was being set at the start may be off by some.
constexpr Seconds k_same{60};
constexpr std::size_t k_longest_value = 60;

std::string tag_is(const char* tag, const std::string& value) {
  return std::string("the tag ") + tag + "=" + printable(value, k_longest_value);
}

DeadlineStep warned(std::string text) { return {{}, {}, Note::Level::warning, std::move(text)}; }

bool is_same(const job::Times& a, const job::Times& b) {
  const auto boot_of = [](const std::optional<job::Instant>& at) {
    return at ? std::optional(at->boot) : std::optional<BootTime>();
  };
  return boot_of(a.stop_at) == boot_of(b.stop_at) && boot_of(a.end_at) == boot_of(b.end_at);
}

DeadlineStep first_seen(const State& state, const Rules& rules, const job::Now& now, WallTime at) {
  auto moved = job::brought_forward(state.times, rules.limits, at, now);
  if (is_same(moved, state.times)) return {{}, at, {}, {}};
  std::string text = "the tag curfew:deadline brings the end forward to " +
                     format_utc(moved.end_at.value_or(job::Instant{}).wall);
  return {std::move(moved), at, Note::Level::info, std::move(text)};
}

}  // namespace

DeadlineStep heed_deadline(const State& state, const Rules& rules, const job::Now& now,
                           const DeadlineTags& tags) {
  if (state.disarmed || state.stage >= Stage::ending) return {};
  if (!tags.deadline) {
    if (!state.held) return {};
    return warned("the tag curfew:deadline was removed, which moves nothing: " + format_utc(*state.held) +
                  " still holds");
  }
  const auto read = parse_utc(trimmed(*tags.deadline));
  if (!read) return warned(tag_is(k_deadline_tag, *tags.deadline) + " is not a time, and moves nothing");
  WallTime at = *read;
  std::string cut;
  const bool is_longer = state.held && at > *state.held;
  if (tags.most && is_longer) {
    const auto most = parse_utc(trimmed(*tags.most));
    if (!most)
      return warned(tag_is(k_most_deadline_tag, *tags.most) +
                    " is not a time, so that the later curfew:deadline moves nothing");
    if (*most < at) {
      at = std::max(*most, *state.held);
      cut = ", as far as curfew:max-deadline allows";
    }
  }
  if (!state.held) return first_seen(state, rules, now, at);
  if (at == *state.held) {
    if (cut.empty()) return {};
    return warned(tag_is(k_deadline_tag, *tags.deadline) +
                  " is beyond curfew:max-deadline, and moves nothing");
  }
  const auto& end = state.times.end_at;
  const bool holds_the_end = end && end->wall + k_same >= *state.held;
  if (at > *state.held) {
    if (state.stage > Stage::running)
      return {{},
              at,
              Note::Level::warning,
              "the tag curfew:deadline was moved to " + format_utc(at) + ", too late for the job, which is " +
                  std::string(name_of(state.stage))};
    if (!holds_the_end)
      return {{},
              at,
              Note::Level::info,
              "the tag curfew:deadline was moved to " + format_utc(at) +
                  "; the job's own limit is earlier, and holds"};
  }
  auto moved = holds_the_end ? job::followed(state.times, rules.limits, *state.held, at, now)
                             : job::brought_forward(state.times, rules.limits, at, now);
  if (is_same(moved, state.times)) return {{}, at, {}, {}};
  std::string text = "the tag curfew:deadline was moved" + cut + ": stop at " +
                     format_utc(now.wall + *job::left_to(moved.stop_at, now)) + ", machine gone by " +
                     format_utc(now.wall + *job::left_to(moved.end_at, now));
  return {std::move(moved), at, Note::Level::warning, std::move(text)};
}

bool is_later(const DeadlineStep& step, const State& state) {
  return step.times && step.times->end_at && state.times.end_at &&
         step.times->end_at->boot > state.times.end_at->boot;
}

}  // namespace curfew::guard
