// What people have been told of by `curfew check --notify`, each place apart, so that cron doesn't repeat itself. A file of
// a user's: untrusted.
#pragma once

#include <compare>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"
#include "watch/assess.hpp"

namespace curfew::watch {

inline constexpr int k_told_schema = 1;
// More instances of one place aren't remembered one by one.
inline constexpr std::size_t k_most_told = 5'000;
inline constexpr std::size_t k_most_told_unread = 500;
inline constexpr std::size_t k_most_told_places = 10;
inline constexpr std::size_t k_longest_told = 32U << 20U;  // all of it, in bytes
// No text in it is longer.
inline constexpr std::size_t k_longest_told_text = 200;

struct InstanceKey {
  std::string account;
  std::string region;
  std::string id;
  friend auto operator<=>(const InstanceKey&, const InstanceKey&) = default;
};

struct ToldInstance {
  Severity severity = Severity::warning;
  std::vector<Cause> causes;
  WallTime at{};     // when it was told last
  std::string name;  // fit to be shown
  friend bool operator==(const ToldInstance&, const ToldInstance&) = default;
};

// To one place.
struct Told {
  WallTime at{};  // the last time that anything was
  std::map<InstanceKey, ToldInstance> instances;
  std::map<std::string, WallTime> unread;  // what could not be read, and when that was told
  friend bool operator==(const Told&, const Told&) = default;
};

// By place_key().
using ToldByPlace = std::map<std::string, Told>;

// Stands for a place: its webhook's password can't be found by it.
[[nodiscard]] std::string place_key(std::string_view secret_text);

// {schema, places: [{place, at, instances: [{account, region, id, severity, causes, at, name}], unread: [{what, at}]}]}.
// Of more than k_most_told_places those that were told longest ago are left out.
[[nodiscard]] std::string to_json(const ToldByPlace& told);
// Anything in it that can't be is an error for the whole of it.
[[nodiscard]] Result<ToldByPlace> told_from_json(std::string_view text);

struct LoadedTold {
  ToldByPlace told;
  std::string warning;  // one line, fit to be shown; empty: nothing is wrong. No file is nothing wrong.
};
// As os::read_own_file() reads it. Whatever is wrong, nothing has been told then: twice is better than never.
[[nodiscard]] LoadedTold load_told(const std::string& path);
// By rename, mode 0600.
[[nodiscard]] Status store_told(const std::string& path, const ToldByPlace& told);

}  // namespace curfew::watch
