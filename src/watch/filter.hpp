// Which instances and regions are asked for. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "watch/machine.hpp"
#include "watch/tags.hpp"

namespace curfew::watch {

// `--tag K=V`; `--tag K`: has the tag, whatever it says.
struct TagFilter {
  std::string key;
  std::optional<std::string> value;
};
// The key ends at the first "="; an empty key is refused.
[[nodiscard]] Result<TagFilter> parse_tag_filter(std::string_view text);

// `--state running,stopped`; `all` is every state. Unknown names are refused, with the nearest one.
[[nodiscard]] Result<std::set<InstanceState>> parse_states(std::string_view text);

struct Filter {
  std::vector<TagFilter> tags;        // all keys must match; of one key's values any
  std::optional<Seconds> older_than;  // since the last start, in any state
  std::set<InstanceState> states{InstanceState::pending, InstanceState::running};
};
[[nodiscard]] bool matches(const Filter& filter, const Machine& machine, const Tags& tags, WallTime now);

// What keeps instances from being shown, in words: "the tag team=vision", "a start more than 24h ago", "the state stopped". None
// where nothing does.
[[nodiscard]] std::vector<std::string> describe(const Filter& filter);

struct RegionChoice {
  std::vector<std::string> to_read;  // sorted, each once
  std::vector<std::string> ignored;  // of those that would have been read
};
// `only` (--region, may be empty: all enabled ones) less `except` (--exclude-region, ignore_regions). A name in `only`
// that isn't enabled is refused, with the nearest one; one in `except` may be any: the same list serves many accounts.
// `enabled` empty: not known, and `only` is taken as it is.
[[nodiscard]] Result<RegionChoice> choose_regions(const std::vector<std::string>& enabled,
                                                  const std::vector<std::string>& only,
                                                  const std::vector<std::string>& except);

}  // namespace curfew::watch
