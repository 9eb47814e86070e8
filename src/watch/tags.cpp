// Reads curfew's tags.
#include "watch/tags.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>

#include "base/text.hpp"

namespace curfew::watch {
namespace {

constexpr const char* k_then = "curfew:then";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// The first that is there and says something.
std::string first_of(const Tags& tags, std::initializer_list<const char*> keys) {
  for (const char* const key : keys)
    if (const auto value = tags(key); value && !trimmed(*value).empty()) return std::string(*value);
  return {};
}

template <class T>
void take_threshold(Machine& machine, const Tags& tags, const char* key, Result<T> (*parse)(std::string_view),
                    std::optional<T>& into) {
  const auto value = tags(key);
  if (!value) return;
  if (const auto parsed = parse(trimmed(*value))) into = *parsed;
  else machine.ignored_tags.emplace_back(key);
}

// "2026-12-01", which is that day's end, or a time with a zone.
std::optional<WallTime> parse_until(std::string_view text) {
  if (text.find_first_of("Tt: ") == std::string_view::npos) {
    const auto day = parse_utc(std::string(text) + "T00:00Z");
    if (day) return *day + std::chrono::days{1};
    return {};
  }
  const auto time = parse_utc(text);
  return time ? std::optional(*time) : std::nullopt;
}

// Where the last "until" that is a word of its own begins.
std::size_t last_until(const std::string& lowered) {
  static constexpr std::string_view k_word = "until";
  const auto is_space = [&](std::size_t at) {
    return std::isspace(static_cast<unsigned char>(lowered[at])) != 0;
  };
  for (auto at = lowered.rfind(k_word); at != std::string::npos; at = lowered.rfind(k_word, at - 1)) {
    const auto end = at + k_word.size();
    if ((at == 0 || is_space(at - 1)) && (end == lowered.size() || is_space(end))) return at;
    if (at == 0) break;
  }
  return std::string::npos;
}

}  // namespace

std::optional<Keep> parse_keep(std::string_view value) {
  const auto text = trimmed(value);
  const auto lowered = lower(text);
  static constexpr std::array<std::string_view, 4> k_not_kept{"no", "false", "off", "0"};
  if (std::find(k_not_kept.begin(), k_not_kept.end(), lowered) != k_not_kept.end()) return {};
  const auto at = last_until(lowered);
  if (at == std::string::npos) return Keep{std::string(text), {}, false};
  const auto until = parse_until(trimmed(text.substr(at + std::string_view("until").size())));
  if (!until) return Keep{std::string(text), {}, true};
  return Keep{std::string(trimmed(text.substr(0, at))), until, false};
}

void take_tags(Machine& machine, const Tags& tags) {
  machine.name = first_of(tags, {"Name"});
  machine.owner = first_of(tags, {"curfew:owner", "owner", "Owner"});
  machine.launched_by =
      first_of(tags, {"curfew:launched-by", "aws:createdBy", "CreatedBy", "created-by", "LaunchedBy"});
  machine.group = first_of(tags, {"aws:autoscaling:groupName"});
  if (const auto job = tags("curfew:job")) machine.job = std::string(*job);
  if (const auto then = tags(k_then)) {
    const auto word = lower(trimmed(*then));
    machine.then_stop = word == "stop";
    if (word != "stop" && word != "terminate") machine.ignored_tags.emplace_back(k_then);
  }
  if (const auto deadline = tags("curfew:deadline")) machine.deadline = parse_deadline(*deadline);
  if (const auto keep = tags("curfew:keep")) machine.keep = parse_keep(*keep);
  if (tags("curfew:schedule") == "none") machine.schedule = ScheduleState::none;
  take_threshold<Seconds>(machine, tags, "curfew:warn", parse_duration, machine.overrides.warn);
  take_threshold<Seconds>(machine, tags, "curfew:crit", parse_duration, machine.overrides.crit);
  take_threshold<Micros>(machine, tags, "curfew:warn-cost", parse_dollars, machine.overrides.warn_cost);
  take_threshold<Micros>(machine, tags, "curfew:crit-cost", parse_dollars, machine.overrides.crit_cost);
}

Deadline parse_deadline(std::string_view value) {
  const auto at = parse_utc(trimmed(value));
  return at ? Deadline{*at, {}} : Deadline{{}, std::string(value)};
}

bool is_then_unclear(const Machine& machine) {
  const auto& ignored = machine.ignored_tags;
  return std::find(ignored.begin(), ignored.end(), k_then) != ignored.end();
}

bool wants_schedule(const Machine& machine) {
  return machine.state == InstanceState::running && machine.deadline && machine.deadline->at &&
         machine.schedule != ScheduleState::none;
}

}  // namespace curfew::watch
