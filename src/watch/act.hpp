// What was done to an instance, or tried: one value for the ledger, for notifications and for what is shown.
#pragma once

#include <cstdint>
#include <string>

#include "base/times.hpp"

namespace curfew::watch {

enum class Action : std::uint8_t { terminate, stop };

struct Act {
  WallTime at{};
  Action action = Action::terminate;
  std::string by;       // who: the caller's ARN, as STS tells it
  std::string account;  // twelve digits
  std::string region;
  std::string instance;  // i-…
  std::string name;      // its tag Name; untrusted
  std::string why;       // "past its deadline of 2026-11-24T18:00:00Z", "asked for by curfew stop"
  bool done = false;     // it was seen to be going, or gone
  std::string outcome;   // the state it was seen in ("shutting-down"), or what failed; untrusted
};

}  // namespace curfew::watch
