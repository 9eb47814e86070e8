// Filters.
#include "watch/filter.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace curfew::watch {
namespace {

constexpr std::array k_all_states{InstanceState::pending,       InstanceState::running,
                                  InstanceState::shutting_down, InstanceState::terminated,
                                  InstanceState::stopping,      InstanceState::stopped};

tl::unexpected<Error> unknown_name(std::string what, std::string_view name, std::string cause,
                                   const std::vector<std::string>& known) {
  const auto near = nearest(name, known);
  return fail(ErrorKind::invalid_input, std::move(what) + " '" + printable(name, 40) + "'", std::move(cause),
              near ? "did you mean " + *near + "?" : std::string());
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Result<TagFilter> parse_tag_filter(std::string_view text) {
  const auto equals = text.find('=');
  const auto key = text.substr(0, equals);
  if (key.empty())
    return fail(ErrorKind::invalid_input, "tag '" + printable(text, 40) + "'", "has no key",
                "write it as team=vision");
  if (equals == std::string_view::npos) return TagFilter{std::string(key), {}};
  return TagFilter{std::string(key), std::string(text.substr(equals + 1))};
}

Result<std::set<InstanceState>> parse_states(std::string_view text) {
  std::set<InstanceState> states;
  for (const auto part : split(text, ',')) {
    const auto name = trimmed(part);
    if (name == "all") {
      states.insert(k_all_states.begin(), k_all_states.end());
      states.insert(InstanceState::unknown);
      continue;
    }
    const auto state = parse_state(name);
    if (state == InstanceState::unknown) {
      std::vector<std::string> known{"all"};
      for (const auto each : k_all_states) known.emplace_back(name_of(each));
      return unknown_name("state", name, "is not a state of an instance", known);
    }
    states.insert(state);
  }
  return states;
}

bool matches(const Filter& filter, const Machine& machine, const Tags& tags, WallTime now) {
  if (!filter.states.contains(machine.state)) return false;
  if (filter.older_than && now - machine.launched <= *filter.older_than) return false;
  // Each key that is asked for must be met by one of its values.
  return std::all_of(filter.tags.begin(), filter.tags.end(), [&](const TagFilter& wanted) {
    const auto tag = tags(wanted.key);
    return tag && std::any_of(filter.tags.begin(), filter.tags.end(), [&](const TagFilter& other) {
             return other.key == wanted.key && (!other.value || *other.value == *tag);
           });
  });
}

std::vector<std::string> describe(const Filter& filter) {
  std::vector<std::string> words;
  for (const auto& tag : filter.tags)
    words.push_back("the tag " + tag.key + (tag.value ? "=" + *tag.value : std::string()));
  if (filter.older_than) words.push_back("a start more than " + format_duration(*filter.older_than) + " ago");
  if (filter.states == Filter{}.states || filter.states.contains(InstanceState::unknown)) return words;
  std::string states;
  for (const auto state : filter.states)
    states += (states.empty() ? "" : " or ") + std::string(name_of(state));
  words.push_back("the state " + states);
  return words;
}

Result<RegionChoice> choose_regions(const std::vector<std::string>& enabled,
                                    const std::vector<std::string>& only,
                                    const std::vector<std::string>& except) {
  RegionChoice choice;
  for (const auto& name : only.empty() ? enabled : only) {
    if (!enabled.empty() && !has(enabled, name))
      return unknown_name("region", name, "is not enabled in this account", enabled);
    (has(except, name) ? choice.ignored : choice.to_read).push_back(name);
  }
  for (auto* const names : {&choice.to_read, &choice.ignored}) {
    std::sort(names->begin(), names->end());
    names->erase(std::unique(names->begin(), names->end()), names->end());
  }
  return choice;
}

}  // namespace curfew::watch
