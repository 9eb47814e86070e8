// What was done to instances, or tried, and what was left alone: values for the ledger, for notifications and for what
// is shown.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/times.hpp"

namespace curfew::watch {

enum class Action : std::uint8_t { terminate, stop };
[[nodiscard]] std::string_view name_of(Action action);  // "terminate", "stop"

struct Act {
  WallTime at{};
  Action action = Action::terminate;
  std::string by;       // who: the caller's ARN, as STS tells it
  std::string account;  // twelve digits
  std::string region;
  std::string instance;  // i-…
  std::string name;      // its tag Name; untrusted
  std::string why;       // "past its deadline 2026-11-24T18:00:00Z", "asked for by curfew stop"
  bool done = false;     // it was seen to be going, or gone
  std::string outcome;   // the state it was seen in ("shutting-down"), or what failed; untrusted
};

// What there was a reason to end, and was not.
struct LeftAlone {
  std::string account;
  std::string region;
  std::string instance;
  std::string name;    // untrusted
  std::string reason;  // name_of(Enforcement), or "over_max_kills"
  std::string why;     // for people; fit to be shown
};

// What `curfew check --enforce` did.
struct Enforced {
  enum class Mode : std::uint8_t {
    dry_run,  // nothing was done: `acts` are what would be
    on,       // `acts` were tried
    refused   // nothing was done, though it was to be: `refused` says why
  };
  Mode mode = Mode::dry_run;
  std::string refused = {};  // in a dry run: why it would be
  std::vector<Act> acts = {};
  std::vector<LeftAlone> left_alone = {};
};
[[nodiscard]] std::string_view name_of(Enforced::Mode mode);  // "dry_run", "on", "refused"
// Whether something that was to be ended could not be.
[[nodiscard]] bool has_failed(const Enforced& enforced);

}  // namespace curfew::watch
