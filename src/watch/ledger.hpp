// The ledger of acts: a JSONL file that is only ever appended to. Each act leaves a line before it's done and one after, so
// that nothing is done without a trace, also where the machine that does it dies in between.
//
//   phase     "intent": about to be done; "outcome": what came of it
//   at        when it was about to be done: "2026-11-26T14:00:00Z"; the same in both lines of an act
//   ended_at  of an outcome: when that was known
//   action    "terminate", "stop"
//   account, region, instance
//   name      the instance's tag Name; cut after 1,024 bytes, what isn't UTF-8 is U+FFFD
//   by        the caller's ARN
//   why       "past its deadline 2026-11-24T18:00:00Z", "asked for by curfew stop"
//   done      of an outcome: whether it was seen to be going
//   outcome   of an outcome: the state that it was seen in, or what failed
//   command   "check --enforce", "stop"
//   host, uid, pid   where curfew ran, and as whom
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.hpp"
#include "net/environment.hpp"
#include "os/clock.hpp"
#include "watch/ending.hpp"

namespace curfew::watch {

// For root, and where there's no home: /var/log/curfew/ledger.jsonl. Else below $XDG_STATE_HOME, or ~/.local/state. An
// absolute $XDG_STATE_HOME counts for root too. Pure.
[[nodiscard]] std::string ledger_path(const net::Environment& environment, uid_t uid);

// Who acts, beside AWS's word for it.
struct Actor {
  std::string command;
  std::string host;
  uid_t uid = 0;
  pid_t pid = 0;
};

// With its newline; on one line whatever the texts hold. Pure.
[[nodiscard]] std::string intent_line(const Act& act, const Actor& actor);
[[nodiscard]] std::string outcome_line(const Act& act, const Actor& actor, WallTime ended_at);

// One write a line, on disk when it returns; 0600, its folder 0700. A folder that isn't ours, and a link in the file's
// place, are refused.
[[nodiscard]] Status append_to_ledger(const std::string& path, const std::string& line);

enum class Unwritable : bool {
  refuses,  // an act whose intent can't be written isn't done; --no-ledger then is the way out
  warns     // it's done all the same
};

class Ledger final : public ActLog {
 public:
  Ledger(std::string path, Actor actor, const os::Clock& clock, Unwritable unwritable)
      : path_(std::move(path)), actor_(std::move(actor)), clock_(clock), unwritable_(unwritable) {}
  Status before(const Act& act) override;
  void after(const Act& act) override;

 private:
  void warn(const Act& act, const Error& error) const;

  std::string path_;
  Actor actor_;
  const os::Clock& clock_;
  Unwritable unwritable_;
};

// For --no-ledger.
class NoLedger final : public ActLog {
 public:
  Status before(const Act&) override { return {}; }
  void after(const Act&) override {}
};

}  // namespace curfew::watch
