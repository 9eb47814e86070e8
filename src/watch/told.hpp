// What people have been told of by `curfew check --notify`, each place apart, so that cron doesn't repeat itself. A file of
// a user's: untrusted.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/times.hpp"
#include "watch/act.hpp"
#include "watch/assess.hpp"

namespace curfew::watch {

inline constexpr int k_told_schema = 2;
// More instances of one place aren't remembered one by one.
inline constexpr std::size_t k_most_told = 5'000;
inline constexpr std::size_t k_most_told_unread = 500;
inline constexpr std::size_t k_most_told_failures = 1'000;
inline constexpr std::size_t k_most_untold = 200;  // acts, one by one
inline constexpr std::size_t k_most_more_untold = 1'000'000;
inline constexpr std::size_t k_most_told_places = 10;
inline constexpr std::size_t k_longest_told = 32U << 20U;  // all of it, in bytes
// No text in it is longer.
inline constexpr std::size_t k_longest_told_text = 200;
// What isn't heard of any more, as its region is no longer read, is forgotten after so long.
inline constexpr Seconds k_told_forgotten = std::chrono::hours{30 * 24};

struct InstanceKey {
  std::string account;
  std::string region;
  std::string id;
  friend auto operator<=>(const InstanceKey&, const InstanceKey&) = default;
};

// Fit to be kept.
[[nodiscard]] InstanceKey instance_key(std::string_view account, std::string_view region,
                                       std::string_view id);

struct ToldInstance {
  Severity severity = Severity::warning;
  std::vector<Cause> causes;
  WallTime at{};     // when it was told last
  std::string name;  // fit to be shown
  friend bool operator==(const ToldInstance&, const ToldInstance&) = default;
};

// What could not be read, and what has to be read for that to be over.
struct ToldUnread {
  enum class Until : std::uint8_t {
    region,    // this one of this account
    account,   // any region of it
    anything,  // nothing could be read at all
    everything
  };
  WallTime at{};  // when it was told last
  Until until = Until::everything;
  std::string account = {};  // where its id isn't known, the role that leads to it; empty: the caller's own
  std::string region = {};
  friend bool operator==(const ToldUnread&, const ToldUnread&) = default;
};

// An instance that could not be ended.
struct ToldFailure {
  WallTime at{};    // when it was told last
  std::string how;  // the part of what failed that doesn't differ each time
  friend bool operator==(const ToldFailure&, const ToldFailure&) = default;
};

// An act as it's told. Texts are fit to be shown.
struct ToldAct {
  WallTime at{};
  Action action = Action::terminate;
  bool done = false;
  InstanceKey instance;
  std::string name;
  std::string why;
  std::string outcome;
  friend bool operator==(const ToldAct&, const ToldAct&) = default;
};

// To one place.
struct Told {
  WallTime at{};  // the last time that anything was
  std::map<InstanceKey, ToldInstance> instances;
  std::map<std::string, ToldUnread> unread;  // by what is said of it
  std::map<InstanceKey, ToldFailure> failures;
  std::optional<WallTime> ended_nothing;  // when it was told that --enforce refuses
  std::vector<ToldAct> untold;            // what the place hasn't taken, oldest first
  std::size_t more_untold = 0;            // so many more than are kept one by one
  friend bool operator==(const Told&, const Told&) = default;
};

// By place_key().
using ToldByPlace = std::map<std::string, Told>;

// Stands for a place: its webhook's password can't be found by it.
[[nodiscard]] std::string place_key(std::string_view secret_text);

// {schema, places: [{place, at, instances: [{account, region, id, severity, causes, at, name}], unread: [{what, at, until,
// account, region}], failures: [{account, region, id, at, how}], ended_nothing: {at}, untold: [{account, region, id, at,
// action, done, name, why, outcome}], more_untold}]}, ended_nothing only where there is one. Of more than k_most_told_places
// those with the oldest news are left out.
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
